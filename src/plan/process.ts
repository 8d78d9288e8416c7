// Owns the planning of the process itself: limits, credentials, filters, program; and their order. Pure.
import type { ExactIntegers, Process } from '../oci/types.ts';
import { exactInteger } from '../oci/types.ts';
import { planCapabilities } from './capabilities.ts';
import { isAllowed } from './filter.ts';
import { needsHome, programEnvironment } from './environment.ts';
import { planScheduling } from './labels.ts';
import type { Op } from './types.ts';

/** Numbers of getrlimit(2) on Linux (asm-generic/resource.h). */
export const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** runc's, not the caller's: engines start runtimes with a umask of 0 (docs/decisions/0004). */
const DEFAULT_UMASK = 0o022;

/** capabilities(7). */
export const CAP_SYS_ADMIN = 1n << 21n;

export interface SeccompProgram {
  readonly bytes: Uint8Array;
  /** SECCOMP_FILTER_FLAG_* of seccomp(2). */
  readonly flags: number;
  /** Of Node's names for architectures. */
  readonly architecture: string;
}

export interface ProcessInput {
  readonly process: Process;
  readonly exact: ExactIntegers;
  /** JSON pointer of `process` in its document, for exact integers. */
  readonly pointer: string;
  readonly availableCaps: bigint;
  /** Whether init is in a user namespace that is made for it. */
  readonly isUserNew: boolean;
  /** Whether others were in the pid namespace before. */
  readonly isPidShared: boolean;
  /** Where the pid namespace is one that is entered by a child: whose it is, for setChildPidNamespace. */
  readonly bornInto?: number;
  /** False where the user namespace denies setgroups(2). */
  readonly maySetGroups: boolean;
  readonly seccomp?: SeccompProgram;
}

/**
 * Resource limits. Init takes them itself just before it gives up its privileges, so that a small RLIMIT_NOFILE does not
 * starve its own work. In a new user namespace it has none that count for a hard limit: there parent sets them from outside.
 */
export function planLimits(input: ProcessInput, kind: 'setRlimit' | 'limitSelf'): Op[] {
  const rlimits = input.process.rlimits ?? [];
  return rlimits.map((rlimit, i): Op => ({
    kind,
    resource: RLIMITS[rlimit.type] ?? 0,
    soft: exactInteger(input.exact, `${input.pointer}/rlimits/${i}/soft`, rlimit.soft),
    hard: exactInteger(input.exact, `${input.pointer}/rlimits/${i}/hard`, rlimit.hard),
  }));
}

/** What stage parent does to init from outside, where the privileges of the host still count. */
export function planFromOutside(input: ProcessInput): Op[] {
  const adjustment = input.process.oomScoreAdj;
  const oom: Op[] = adjustment == null ? [] : [{ kind: 'setOomScoreAdj', value: String(adjustment) }];
  return input.isUserNew ? [...oom, ...planLimits(input, 'setRlimit')] : oom;
}

/** The same where init has no parent of ours. */
export function planFromInside({ process }: ProcessInput): Op[] {
  const adjustment = process.oomScoreAdj;
  return adjustment == null ? [] : [{ kind: 'setOwnOomScoreAdj', value: String(adjustment) }];
}

/** The program in the terms of execvp(3): the file, and where to look for a name without a slash. */
function planProgram(process: Process): { file: string; search: string[] } {
  const path = (process.env ?? []).findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length);
  return { file: process.args?.[0] ?? '', search: path === undefined || path === '' ? [] : path.split(':') };
}

/**
 * From the finished root to just before the program. The order is what matters:
 *  1. streams are given to the user while we may still chown;
 *  2. the working directory is entered as root first, since the user may lack the right to (again as the user, if root lacks it);
 *  3. bounding set while CAP_SETPCAP is there; groups, gid, uid; then the sets that the change of uid has kept; ambient last,
 *     because it asks permitted and inheritable;
 *  4. the filter comes last of all (planProcess), because it may forbid any call of ours. Without no_new_privs it needs
 *     CAP_SYS_ADMIN, which is kept until then and no longer: `afterFilter`.
 */
function planCredentials(
  input: ProcessInput,
  seccomp: SeccompProgram | undefined,
): {
  ops: Op[];
  afterFilter: Op[];
  warnings: readonly string[];
} {
  const { process } = input;
  const { uid = 0, gid = 0, umask = DEFAULT_UMASK, additionalGids = [] } = process.user ?? {};
  const capabilities = planCapabilities(process, input.availableCaps);
  const words = capabilities.words;
  const ops: Op[] = [];
  if (needsHome(programEnvironment(process.env))) ops.push({ kind: 'setHome', uid });
  if (!input.isUserNew) ops.push(...planLimits(input, 'limitSelf'));
  ops.push(...planScheduling(process, input.exact, input.pointer));
  ops.push({ kind: 'ownStdio', uid });
  ops.push({ kind: 'setCwd', path: process.cwd, mayDefer: 1 });
  if (process.noNewPrivileges) ops.push({ kind: 'setNoNewPrivileges' });
  // Without process.capabilities every set is empty: what is not asked for is not given.
  ops.push({ kind: 'dropBounding', keep: words.bounding });
  if (input.maySetGroups) ops.push({ kind: 'setGroups', gids: [...new Set(additionalGids)] });
  ops.push({ kind: 'setUser', uid, gid });
  const keepsAdmin = seccomp !== undefined && !process.noNewPrivileges;
  const setCapabilities = (extra: bigint): Op => ({
    kind: 'setCapabilities',
    effective: Number(words.effective | extra),
    permitted: Number(words.permitted | extra),
    inheritable: Number(words.inheritable),
  });
  ops.push(setCapabilities(keepsAdmin ? CAP_SYS_ADMIN : 0n));
  ops.push({ kind: 'setAmbient', mask: words.ambient });
  ops.push({ kind: 'setUmask', mask: umask });
  ops.push({ kind: 'setCwd', path: process.cwd, mayDefer: 0 });
  return { ops, afterFilter: keepsAdmin ? [setCapabilities(0n)] : [], warnings: capabilities.warnings };
}

function planFilter(seccomp: SeccompProgram | undefined): Op[] {
  return seccomp === undefined ? [] : [{ kind: 'applySeccomp', program: seccomp.bytes, flags: seccomp.flags }];
}

export interface ProcessStart {
  readonly wait: readonly Op[];
  /** The slot of the gate that `wait` needs. */
  readonly gateSlot?: number;
  readonly hooks?: (filter: SeccompProgram | undefined) => readonly Op[];
}

/** Of setChildPidNamespace and closeDescriptors. */
export const NO_SLOT = 0xffffffff;

/**
 * From the finished root to the program: credentials, the wait for the start, hooks, the filter. After the filter there is nothing but
 * execve(2), and capset(2) where it must be. But where others are in the pid namespace, one of them with CAP_SYS_PTRACE could take
 * over a process that waits with CAP_SYS_ADMIN kept for the filter: there the filter comes before the wait.
 *
 * Such a pid namespace is entered as late as can be, by a process that has no more than the container's program and has closed what
 * it had of the host. Only where that process could not be born, or not be what it is to be, does it enter before its credentials
 * change.
 */
export function planProcess(input: ProcessInput, start: ProcessStart): { ops: Op[]; warnings: readonly string[] } {
  const { process } = input;
  const hasProgram = process.args !== undefined;
  const seccomp = hasProgram ? input.seccomp : undefined;
  const { ops: credentials, afterFilter, warnings } = planCredentials(input, seccomp);
  const program = planProgram(process);
  const filter = [...planFilter(seccomp), ...afterFilter];
  const isEarly = input.isPidShared && afterFilter.length > 0;
  const isBornAsUser = input.bornInto !== undefined && mayBeBornAsUser(input, isEarly ? seccomp : undefined);
  const birth = planBirth(input, isBornAsUser);
  const find: Op[] = hasProgram ? [{ kind: 'prepareExec', ...program }] : [];
  const close: Op = { kind: 'closeDescriptors', keep: isBornAsUser ? (start.gateSlot ?? NO_SLOT) : NO_SLOT };
  const check: Op[] = hasProgram ? [{ kind: 'checkExecutable', ...program }] : [];
  const terminal: Op[] = process.terminal ? [{ kind: 'takeTerminal' }] : [];
  const last: Op = hasProgram
    ? { kind: 'exec', file: program.file, args: process.args ?? [], env: programEnvironment(process.env) }
    : { kind: 'finish' };
  const before = isBornAsUser
    ? [...birth.before, ...credentials, ...find, close, ...(isEarly ? filter : []), ...birth.ops, ...terminal]
    : [...birth.before, ...birth.ops, ...terminal, ...credentials, ...check, ...(isEarly ? filter : [])];
  const hooks = start.hooks?.(isEarly ? undefined : seccomp) ?? [];
  const after = isBornAsUser ? [] : [...find, close];
  return { ops: [...before, ...start.wait, ...hooks, ...after, ...(isEarly ? [] : filter), last], warnings };
}

function planBirth({ bornInto }: ProcessInput, isAsUser: boolean): { before: Op[]; ops: Op[] } {
  if (bornInto === undefined) return { before: [], ops: [] };
  const ops: Op[] = [{ kind: 'enterPidNamespace' }];
  // The procfs of the host stays behind, and more is to be done.
  if (!isAsUser) ops.push({ kind: 'openPrivateProc' });
  return { before: [{ kind: 'setChildPidNamespace', slot: bornInto }], ops };
}

/** The calls of a birth, by Node's names for architectures: AUDIT_ARCH_*, and the numbers. */
const BIRTH = {
  x64: { architecture: 0xc000003e, clone: 56, others: [0, 1, 3, 16, 46, 112, 157, 293] },
  arm64: { architecture: 0xc00000b7, clone: 220, others: [63, 64, 57, 29, 211, 157, 167, 59] },
} as const; // read, write, close, ioctl, sendmsg, setsid, prctl, pipe2
const CLONE_PARENT = 0x8000n;

/** Whether the child can be born once credentials and filter are the program's: some of them are not inherited, some filters forbid it. */
function mayBeBornAsUser({ process }: ProcessInput, seccomp: SeccompProgram | undefined): boolean {
  const { policy, flags = [] } = process.scheduler ?? {};
  // sched(7): not for children.
  if (policy === 'SCHED_DEADLINE' || flags.includes('SCHED_FLAG_RESET_ON_FORK')) return false;
  if (seccomp === undefined) return true;
  const calls = BIRTH[seccomp.architecture as keyof typeof BIRTH];
  if (calls === undefined) return false;
  const { architecture, clone, others } = calls;
  return (
    isAllowed(seccomp.bytes, { architecture, number: clone, args: [CLONE_PARENT] }) &&
    others.every((number) => isAllowed(seccomp.bytes, { architecture, number }))
  );
}
