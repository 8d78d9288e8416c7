// Owns the names and numbers of capabilities, capabilities(7), and the words that a process gets. Pure.
import type { CapabilitySet, Process } from '../oci/types.ts';

/** In the order of their numbers, linux/capability.h. */
export const CAPABILITY_NAMES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

const NUMBERS: ReadonlyMap<string, number> = new Map(CAPABILITY_NAMES.map((name, number) => [name, number]));
const SETS: readonly CapabilitySet[] = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'];

export interface CapabilityPlan {
  readonly words: Readonly<Record<CapabilitySet, bigint>>;
  /** Names that are unknown or that we do not have ourselves: "logged as a warning", config.md, Linux Process. */
  readonly warnings: readonly string[];
}

/** The five sets as words, cut down to `available`: asking for more than one has is EPERM, and must not fail the container. */
export function planCapabilities(process: Process, available: bigint): CapabilityPlan {
  const words: Record<CapabilitySet, bigint> = {
    bounding: 0n,
    effective: 0n,
    inheritable: 0n,
    permitted: 0n,
    ambient: 0n,
  };
  const refused = new Refused();
  for (const set of SETS) {
    for (const name of process.capabilities?.[set] ?? []) {
      const number = NUMBERS.get(name.toUpperCase());
      const bit = number === undefined ? 0n : 1n << BigInt(number);
      if (bit === 0n) refused.add('unknown', name);
      else if ((available & bit) === 0n) refused.add('not had', name);
      else words[set] |= bit;
    }
  }
  // An ambient capability must be permitted and inheritable, or raising it fails.
  for (const name of capabilityNames(words.ambient & ~(words.permitted & words.inheritable)))
    refused.add('not ambient', name);
  words.ambient &= words.permitted & words.inheritable;
  return { words, warnings: refused.warnings() };
}

const REASONS = {
  unknown: (names: string) => `ignoring unknown capabilities: ${names}`,
  'not had': (names: string) => `ignoring capabilities that tsrunc does not have itself: ${names}`,
  'not ambient': (names: string) =>
    `ignoring ambient capabilities that are not both permitted and inheritable: ${names}`,
};

/** What is not given: one warning for each reason, because a default configuration may name the same ones at every start. */
class Refused {
  readonly #names = new Map<keyof typeof REASONS, Set<string>>();

  add(reason: keyof typeof REASONS, name: string): void {
    this.#names.set(reason, (this.#names.get(reason) ?? new Set()).add(name));
  }

  warnings(): string[] {
    return [...this.#names].map(([reason, names]) => REASONS[reason]([...names].join(', ')));
  }
}

/** The names in a word, for descriptions. */
export function capabilityNames(word: bigint): string[] {
  return CAPABILITY_NAMES.filter((_, number) => ((word >> BigInt(number)) & 1n) === 1n);
}
