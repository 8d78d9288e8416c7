// Owns the compiling of a profile: planning says what, the addon's libseccomp makes the bytes.
import { native } from '../native/binding.ts';
import type { ExactIntegers, Seccomp } from '../oci/types.ts';
import type { SeccompProgram } from '../plan/process.ts';
import { planSeccomp, planSeccompFlags } from '../plan/seccomp.ts';

/** Programs by the profile that they were made of: an engine gives all its containers the same one. */
const compiled = new Map<string, Uint8Array>();
const MAX_COMPILED = 32;

export function compileFilter(seccomp: Seccomp | undefined, exact: ExactIntegers): SeccompProgram | undefined {
  if (seccomp === undefined) return undefined;
  const profile = planSeccomp(seccomp, exact);
  // The whole profile: a hash could be another's, too.
  const key = JSON.stringify(profile, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  let bytes = compiled.get(key);
  if (bytes === undefined) {
    bytes = native().compileSeccomp(profile);
    const [oldest] = compiled.keys();
    if (compiled.size >= MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
  } else compiled.delete(key);
  compiled.set(key, bytes); // the last used is the last to go
  return { bytes, flags: planSeccompFlags(seccomp), architecture: process.arch };
}
