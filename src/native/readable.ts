// Owns the waiting for a descriptor without blocking others: a pidfd, a socket, a fifo.
import { fstatSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { native } from './binding.ts';
import type { Descriptor } from './descriptor.ts';

/** Waits until there is something to read, or the end. False when nothing has come within so many milliseconds. */
export function readable({ number }: Descriptor, milliseconds?: number): Promise<boolean> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = native().watch(number, 'read', () => settle(true));
    const settle = (isReadable: boolean) => {
      stop();
      clearTimeout(timer);
      resolve(isReadable);
    };
    if (milliseconds !== undefined) timer = setTimeout(() => settle(false), milliseconds);
  });
}

/** Whether openPidfd has got one. */
export function isPidfd({ number }: Descriptor): boolean {
  return !fstatSync(number).isDirectory();
}

const ASK_AGAIN = 20; // milliseconds

/** Waits for the end of a process (openPidfd). False when it is still there after so many milliseconds. */
export async function ended(process: Descriptor, milliseconds = Infinity): Promise<boolean> {
  if (isPidfd(process)) return readable(process, milliseconds === Infinity ? undefined : milliseconds);
  const end = Date.now() + milliseconds;
  while (!native().hasEnded(process.number)) {
    if (Date.now() > end) return false;
    await pause(ASK_AGAIN);
  }
  return true;
}
