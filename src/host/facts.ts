// Owns the reading of facts about the host; src/plan/facts.ts says which. Needs no privilege.
import { readFileSync } from 'node:fs';
import { native } from '../native/binding.ts';
import type { Facts, ProcessFacts } from '../plan/facts.ts';
import { findHierarchies } from './cgroup-mounts.ts';
import { readCgroupMounts } from './mount-table.ts';

/** The process whose view of the host counts: who called. It is in our namespaces. */
export interface Viewer {
  readonly pid: number;
  /** Its /proc/PID. */
  readonly proc: string;
}

/** What no process can change while we run. */
let constants: Pick<ProcessFacts, 'euid' | 'isInUserNamespace' | 'lastCap'> | undefined;

/** Without a look at the mount table: for commands that join what another has made. */
export function readProcessFacts({ pid }: Viewer): ProcessFacts {
  constants ??= {
    euid: process.geteuid?.() ?? 0,
    isInUserNamespace: isInUserNamespace(),
    lastCap: native().lastCapability(),
  };
  return { ...constants, permittedCaps: native().permittedCapabilities(pid) };
}

export function readFacts(viewer: Viewer): Facts {
  const hierarchies = findHierarchies(readCgroupMounts(), readFileSync(`${viewer.proc}/cgroup`, 'utf8'));
  return {
    ...readProcessFacts(viewer),
    cgroupVersion: hierarchies.some((hierarchy) => hierarchy.version === 1) ? 1 : 2,
    hierarchies,
  };
}

export function isInUserNamespace(): boolean {
  return readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).join(' ') !== '0 0 4294967295';
}
