// Owns the descriptors that a caller hands to the container: --preserve-fds and socket activation, sd_listen_fds(3).
import type { Caller } from '../caller/caller.ts';
import { UsageError } from '../errors.ts';

const FIRST = 3;

export interface Preserved {
  /** Numbers that are really open; callers may leave holes. */
  readonly preserved: number[];
  /** What the container is told of them. */
  readonly environment: string[];
}

/** "stdio + $LISTEN_FDS + N". LISTEN_FDS counts only where LISTEN_PID is ours: otherwise it was meant for somebody else. */
export function preservedDescriptors({ pid, environment }: Caller, extra: number): Preserved {
  const isOurs = environment['LISTEN_PID'] === String(pid);
  const listening = isOurs ? Number(environment['LISTEN_FDS'] ?? 0) : 0;
  const count = (Number.isInteger(listening) && listening > 0 ? listening : 0) + extra;
  const open = inheritedDescriptors(environment);
  return {
    preserved: open.filter((fd) => fd >= FIRST && fd < FIRST + count),
    environment: listening > 0 ? [`LISTEN_FDS=${listening}`, 'LISTEN_PID=1'] : [],
  };
}

/** What the caller has left open; the front has written it down. */
function inheritedDescriptors(environment: Caller['environment']): number[] {
  return (environment['TSRUNC_FDS'] ?? '')
    .split(',')
    .filter((text) => /^\d+$/.test(text))
    .map(Number);
}

export function parsePreserveFds(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--preserve-fds ${text}: it must be a number of descriptors`);
  return Number(text);
}
