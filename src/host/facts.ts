// Owns the reading of facts about the host; src/plan/facts.ts says which. Only files below /proc, so it needs no privilege.
import { readFileSync } from 'node:fs';
import type { Facts } from '../plan/facts.ts';
import { findHierarchies } from './cgroup-mounts.ts';
import { parseMountInfo } from './mountinfo.ts';

/** Facts about the host as a process sees it: `proc` is its /proc/PID. */
export function readFacts(of: {
  readonly proc: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Facts {
  const { proc, environment } = of;
  const status = readFileSync(`${proc}/status`, 'utf8');
  const hierarchies = findHierarchies(
    parseMountInfo(readFileSync(`${proc}/mountinfo`, 'utf8')),
    readFileSync(`${proc}/cgroup`, 'utf8'),
  );
  const soft = environment['TSRUNC_NOFILE'];
  return {
    cgroupVersion: hierarchies.some((hierarchy) => hierarchy.version === 1) ? 1 : 2,
    hierarchies,
    euid: process.geteuid?.() ?? 0,
    isInUserNamespace: readFileSync(`${proc}/uid_map`, 'utf8').trim().split(/\s+/).join(' ') !== '0 0 4294967295',
    permittedCaps: hexField(status, 'CapPrm'),
    boundingCaps: hexField(status, 'CapBnd'),
    lastCap: Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')),
    ...(soft !== undefined && /^\d+$/.test(soft) ? { openFilesSoft: BigInt(soft) } : {}),
    openFilesHard: readOpenFilesHard(proc),
  };
}

function hexField(status: string, name: string): bigint {
  const digits = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}

function readOpenFilesHard(proc: string): bigint {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync(`${proc}/limits`, 'utf8'))?.[1];
  return hard === undefined || hard === 'unlimited' ? 2n ** 64n - 1n : BigInt(hard);
}
