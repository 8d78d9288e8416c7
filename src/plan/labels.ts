// Owns labels of security modules, the keyring, the execution domain, and scheduling in plans. Pure.
import { exactInteger, type ExactIntegers, type Process } from '../oci/types.ts';
import type { Op } from './types.ts';

/** sched(7), numbers of linux/sched.h. */
const POLICIES: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const SCHED_FLAGS: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};
const IO_CLASSES: Readonly<Record<string, number>> = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 };
/** The class is above these bits, ioprio_set(2). */
const IO_CLASS_SHIFT = 13;
const PERSONALITIES: Readonly<Record<string, number>> = { LINUX: 0, LINUX32: 8 };

/** `pointer`: of the process in the document that `exact` is of. */
export function planScheduling(process: Process, exact: ExactIntegers, pointer: string): Op[] {
  const ops: Op[] = [];
  const { scheduler, ioPriority } = process;
  const nanoseconds = (name: 'runtime' | 'deadline' | 'period') =>
    exactInteger(exact, `${pointer}/scheduler/${name}`, scheduler?.[name] ?? 0);
  if (scheduler !== undefined)
    ops.push({
      kind: 'setScheduler',
      policy: POLICIES[scheduler.policy] ?? 0,
      flags: (scheduler.flags ?? []).reduce((flags, name) => flags | (SCHED_FLAGS[name] ?? 0), 0),
      nice: scheduler.nice ?? 0,
      priority: scheduler.priority ?? 0,
      runtime: nanoseconds('runtime'),
      deadline: nanoseconds('deadline'),
      period: nanoseconds('period'),
    });
  if (ioPriority !== undefined)
    ops.push({
      kind: 'setIoPriority',
      value: ((IO_CLASSES[ioPriority.class] ?? 0) << IO_CLASS_SHIFT) | ioPriority.priority,
    });
  return ops;
}

export function planPersonality(personality: { readonly domain: string } | undefined): Op[] {
  if (personality === undefined) return [];
  return [{ kind: 'setPersonality', persona: PERSONALITIES[personality.domain] ?? 0 }];
}

/** What the program gets at execve(2): "attr/apparmor/exec" is not in older kernels, "attr/exec" in all, for SELinux, too. */
export function planExecLabel(process: Process): Op[] {
  const { apparmorProfile, selinuxLabel } = process;
  const ops: Op[] = [];
  if (apparmorProfile) ops.push({ kind: 'setExecLabel', path: 'self/attr/exec', label: `exec ${apparmorProfile}` });
  if (selinuxLabel) ops.push({ kind: 'setExecLabel', path: 'self/attr/exec', label: selinuxLabel });
  return ops;
}

/** The container's keys are its own, not its caller's, and one keyring is for all its processes. Its label comes before it is made. */
export function planKeyring(name: string, process: Process | undefined): Op[] {
  const label = process?.selinuxLabel;
  const labelled: Op[] = label ? [{ kind: 'setExecLabel', path: 'self/attr/keycreate', label }] : [];
  return [...labelled, { kind: 'joinKeyring', name }];
}

/** Pseudo filesystems whose files SELinux labels by itself. */
const LABELLED_BY_KERNEL = new Set(['proc', 'sysfs', 'mqueue']);

/** The option of the mount that gives every file of a new filesystem `linux.mountLabel`; config-linux.md, Mount Label. */
export function planMountLabel(type: string, mountLabel: string | undefined): string[] {
  return mountLabel && !LABELLED_BY_KERNEL.has(type) ? [`context=${mountLabel}`] : [];
}
