// Owns the way of controllers down to a cgroup of v2, and what it means that one above has processes of its own. The kernel's
// admin-guide/cgroup-v2: Top-down Constraint, No Internal Process Constraint, Threads.
import { errorCode, FileError } from '../errors.ts';
import { readCgroupFile, writeCgroupFile } from './files.ts';
import type { CgroupWrite } from './resources-v1.ts';

/** They work in threaded cgroups, too; the others count for whole processes. */
const THREADED = new Set(['cgroup', 'cpu', 'cpuset', 'perf_event', 'pids']);

/**
 * Every controller that the parent has, from the top down: a cgroup has only what its parent hands on. Below one that has processes
 * of its own a new cgroup is invalid until it is threaded, which does for limits of threads; as runc.
 */
export function handDownControllers(top: string, directory: string, writes: readonly CgroupWrite[]): void {
  let above = top;
  for (const step of directory.slice(top.length).split('/').filter(Boolean)) {
    const available = controllersIn(`${above}/cgroup.controllers`);
    const enabled = new Set(controllersIn(`${above}/cgroup.subtree_control`));
    for (const controller of available) if (!enabled.has(controller)) enable(above, controller);
    above = `${above}/${step}`;
    makeThreadedIfInvalid(above, writes);
  }
}

function controllersIn(file: string): string[] {
  return (readCgroupFile(file) ?? '').split(' ').filter(Boolean);
}

function makeThreadedIfInvalid(directory: string, writes: readonly CgroupWrite[]): void {
  const type = readCgroupFile(`${directory}/cgroup.type`);
  if (type === undefined || type === 'domain') return;
  const domainOnly = writes.find(({ controller }) => !THREADED.has(controller));
  if (domainOnly !== undefined)
    throw new FileError(
      `${domainOnly.file} = ${domainOnly.value}: cannot enter cgroupv2 ${directory} with domain controllers: it is ${type}`,
      {
        hint:
          'a cgroup above it has processes of its own, so that it can only have limits of cpu, cpuset and pids: ' +
          'choose another cgroupsPath, or leave the limit out',
      },
    );
  if (type === 'domain invalid') writeCgroupFile(`${directory}/cgroup.type`, 'threaded');
}

/** One at a time: one that cannot be enabled (a parent with processes of its own, realtime threads) must not keep the rest. */
function enable(directory: string, controller: string): void {
  try {
    writeCgroupFile(`${directory}/cgroup.subtree_control`, `+${controller}`);
  } catch (error) {
    const code = errorCode((error as FileError).cause);
    if (
      code !== 'EBUSY' &&
      code !== 'ENOTSUP' &&
      code !== 'EINVAL' &&
      code !== 'ENOENT' &&
      code !== 'EACCES' &&
      code !== 'EROFS'
    )
      throw error;
  }
}
