// Owns the compiling of a profile: planning says what, the addon's libseccomp makes the bytes.
import { native } from '../native/binding.ts';
import type { ExactIntegers, Seccomp } from '../oci/types.ts';
import type { SeccompProgram } from '../plan/process.ts';
import { planSeccomp, planSeccompFlags } from '../plan/seccomp.ts';

export function compileFilter(seccomp: Seccomp | undefined, exact: ExactIntegers): SeccompProgram | undefined {
  if (seccomp === undefined) return undefined;
  return { bytes: native().compileSeccomp(planSeccomp(seccomp, exact)), flags: planSeccompFlags(seccomp) };
}
