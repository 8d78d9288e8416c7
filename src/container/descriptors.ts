// Owns the descriptors that a caller hands to the container: --preserve-fds and socket activation, sd_listen_fds(3).
import { readdirSync, readFileSync } from 'node:fs';
import type { Caller } from '../caller/caller.ts';
import { UsageError } from '../errors.ts';

const FIRST = 3;

export interface Preserved {
  /** Numbers that are really open; callers may leave holes. */
  readonly preserved: number[];
  /** What the container is told of them. */
  readonly environment: string[];
}

/** More do not fit into the message by which a front is asked to start something. */
const MOST = 12_000;

/** "stdio + $LISTEN_FDS + N". LISTEN_FDS counts only where LISTEN_PID is ours: otherwise it was meant for somebody else. */
export function preservedDescriptors({ pid, environment }: Caller, extra: number): Preserved {
  const isOurs = environment['LISTEN_PID'] === String(pid);
  const listening = isOurs ? Number(environment['LISTEN_FDS'] ?? 0) : 0;
  const count = (Number.isInteger(listening) && listening > 0 ? listening : 0) + extra;
  const preserved = count === 0 ? [] : inheritedDescriptors(pid).filter((fd) => fd >= FIRST && fd < FIRST + count);
  if (preserved.length > MOST)
    throw new UsageError(`--preserve-fds: ${preserved.length} descriptors are open, and ${MOST} can be kept at most`);
  return {
    preserved,
    environment: listening > 0 ? [`LISTEN_FDS=${listening}`, 'LISTEN_PID=1'] : [],
  };
}

const CLOSE_ON_EXEC = 0o2000000;

/** What the front's caller has left open for it: what the front has opened itself is all close-on-exec. */
function inheritedDescriptors(front: number): number[] {
  const info = `/proc/${front}/fdinfo`;
  const isInherited = (fd: number) => {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`${info}/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  };
  return readdirSync(info)
    .map(Number)
    .filter(isInherited)
    .sort((a, b) => a - b);
}

export function parsePreserveFds(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--preserve-fds ${text}: it must be a number of descriptors`);
  return Number(text);
}
