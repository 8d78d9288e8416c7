// Owns the translation of linux.seccomp into libseccomp's terms (seccomp_init(3), seccomp_rule_add(3)). Pure: the compiling
// is the addon's.
import type { ExactIntegers, Seccomp, SeccompArg } from '../oci/types.ts';
import { exactInteger } from '../oci/types.ts';

export interface SeccompRule {
  readonly name: string;
  readonly action: number;
  readonly args: readonly { index: number; op: number; value: bigint; valueTwo: bigint }[];
}

/** What the addon's compileSeccomp takes. */
export interface SeccompProfile {
  readonly defaultAction: number;
  /** libseccomp's names: "x86_64". */
  readonly architectures: readonly string[];
  readonly rules: readonly SeccompRule[];
  /** What calls get that are younger than every call of the rules, as an errno; 0: the default action, like other calls. */
  readonly youngerErrno: number;
}

/** Bases of actions, linux/seccomp.h; ERRNO and TRACE carry a number in their low 16 bits. */
const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};
const WITH_ERRNO = new Set(['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE']);
/** With one of these as the default a call that no rule names is carried out, or its tracer decides. */
const PERMISSIVE = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE']);
const EPERM = 1;
const ENOSYS = 38;

/** enum scmp_compare of seccomp.h. */
const OPERATORS: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** Bits of seccomp(2)'s flags. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};

export const SECCOMP_ARCHITECTURES = (
  'AARCH64 ARM LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PARISC PARISC64 PPC PPC64 PPC64LE RISCV64 ' +
  'S390 S390X SH SHEB X32 X86 X86_64'
)
  .split(' ')
  .map((name) => `SCMP_ARCH_${name}`);

export const SECCOMP_ACTIONS = Object.keys(ACTIONS).sort();
export const SECCOMP_OPERATORS = Object.keys(OPERATORS).sort();
export const SECCOMP_FLAGS = Object.keys(FLAGS);

/** Whether an action may come with an errno, config-linux.md, Seccomp. */
export function takesErrno(action: string): boolean {
  return WITH_ERRNO.has(action);
}

export function planSeccompFlags(seccomp: Seccomp): number {
  return (seccomp.flags ?? []).reduce((flags, name) => flags | (FLAGS[name] ?? 0), 0);
}

export function planSeccomp(seccomp: Seccomp, exact: ExactIntegers): SeccompProfile {
  const defaultAction = actionNumber(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const rules: SeccompRule[] = [];
  (seccomp.syscalls ?? []).forEach((call, i) => {
    const action = actionNumber(call.action, call.errnoRet);
    if (action === defaultAction) return; // says nothing, and libseccomp refuses it
    for (const args of alternatives(call.args ?? [], exact, `/linux/seccomp/syscalls/${i}/args`))
      for (const name of call.names) rules.push({ name, action, args });
  });
  const architectures = (seccomp.architectures ?? []).map((name) => name.replace('SCMP_ARCH_', '').toLowerCase());
  // A C library tries new calls and falls back on ENOSYS, and on nothing else: a profile that was written before a call
  // must look like a kernel of its time, as it does with runc.
  const youngerErrno = PERMISSIVE.has(seccomp.defaultAction) ? 0 : ENOSYS;
  return { defaultAction, architectures, rules, youngerErrno };
}

function actionNumber(action: string, errno: number | undefined): number {
  const base = ACTIONS[action] ?? 0;
  return takesErrno(action) ? base + ((errno ?? EPERM) & 0xffff) : base;
}

/**
 * Conditions on different arguments must all hold. libseccomp cannot hold two on one argument in one rule; there, as in
 * runc, each condition becomes a rule of its own, so that any of them is enough.
 */
function alternatives(args: readonly SeccompArg[], exact: ExactIntegers, pointer: string): SeccompRule['args'][] {
  const compiled = args.map((arg, i) => ({
    index: arg.index,
    op: OPERATORS[arg.op] ?? 0,
    value: exactInteger(exact, `${pointer}/${i}/value`, arg.value),
    valueTwo: exactInteger(exact, `${pointer}/${i}/valueTwo`, arg.valueTwo ?? 0),
  }));
  const indexes = new Set(args.map((arg) => arg.index));
  return indexes.size === args.length ? [compiled] : compiled.map((arg) => [arg]);
}
