// Owns the answer to "is this process the container's?". That it is in the container's cgroup says so only of a container without a pid
// namespace of its own: others may put processes there, and cgroups below it.
import { readFileSync, readlinkSync } from 'node:fs';
import type { CgroupManager } from '../cgroup/manager.ts';
import type { IsOurs } from '../cgroup/processes.ts';
import type { Left } from '../cgroup/remove.ts';
import type { Log } from '../log.ts';
import { planNamespaces } from '../plan/namespaces.ts';
import type { StoredState } from './state.ts';

/**
 * For the processes in the container's cgroup once init has ended. Those of a pid namespace of its own have ended with it: what is left of
 * ours is a helper on its way into it. Where init was never put on record, neither its program nor a hook of it was on its way.
 */
export function isOursAtEnd({ pid, config }: Pick<StoredState, 'pid' | 'config'>): IsOurs {
  return pid === 0 || hasPidNamespace(config) ? isHelper : () => true;
}

/** The processes that `kill --all` means, while init lives: the members of its pid namespace, or those in its cgroup. */
export function membersOf(state: StoredState, cgroup: CgroupManager): number[] {
  if (!hasPidNamespace(state.config)) return cgroup.ownProcesses();
  const namespace = pidNamespaceOf(state.pid);
  return cgroup.processes().filter((pid) => isWithinNamespace(pid, namespace));
}

export function warnOfLeft(log: Log, left: readonly Left[]): void {
  const [first] = left;
  if (first === undefined) return;
  const others = left.length > 1 ? ` (and ${left.length - 1} more)` : '';
  log.warn(
    `the cgroup ${first.directory}${others} stays: ${first.pids.length} process(es) in it are not the container's`,
  );
}

export function hasPidNamespace(config: StoredState['config']): boolean {
  return planNamespaces(config.linux).isNew('pid');
}

/** tsrunc-init, which is run from a sealed file in memory (src/native/binding.ts). */
function isHelper(pid: number): boolean {
  return readLink(`/proc/${pid}/exe`)?.startsWith('/memfd:tsrunc-init') ?? false;
}

/** A process of a pid namespace below it is a descendant of one that is in it. */
function isWithinNamespace(pid: number, namespace: string | undefined): boolean {
  for (let at = pid; at > 0 && namespace !== undefined; at = parentOf(at))
    if (pidNamespaceOf(at) === namespace) return true;
  return false;
}

function pidNamespaceOf(pid: number): string | undefined {
  return readLink(`/proc/${pid}/ns/pid`);
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0; // it has ended
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
