// Owns the one door by which a signal goes to processes that are known by their numbers. A number of 0 or below would mean whole
// process groups to kill(2); and a number is given to another process as soon as its own has ended.
import { errorCode, lastlySync } from '../errors.ts';
import { native } from './binding.ts';
import type { Descriptor } from './descriptor.ts';

/** Each is a descriptor for a moment. */
const AT_ONCE = 64;

/**
 * Signals those of the processes that are still meant: `meantNow` is asked once each is held by a pidfd, which means this process and
 * no later one. Never this process itself. What has ended is passed over.
 */
export function signalProcesses(
  pids: readonly number[],
  signal: number,
  meantNow: () => { has(pid: number): boolean },
): void {
  const named = pids.filter((pid) => pid > 0 && pid !== process.pid);
  for (let i = 0; i < named.length; i += AT_ONCE) signalSome(named.slice(i, i + AT_ONCE), signal, meantNow);
}

function signalSome(pids: readonly number[], signal: number, meantNow: () => { has(pid: number): boolean }): void {
  const opened: [number, Descriptor][] = [];
  lastlySync(
    () => {
      for (const pid of pids) ifThere(() => opened.push([pid, native().openPidfd(pid)]));
      const meant = meantNow();
      for (const [pid, { number }] of opened) if (meant.has(pid)) ifThere(() => native().signalPidfd(number, signal));
    },
    () => {
      for (const [, pidfd] of opened) pidfd.close();
    },
  );
}

function ifThere(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
