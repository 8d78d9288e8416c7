// Owns the waiting for a descriptor without blocking others: a pidfd, a socket, a fifo.
import { native } from './binding.ts';

/** Waits until there is something to read, or the end. False when nothing has come within so many milliseconds. */
export function readable(descriptor: number, milliseconds?: number): Promise<boolean> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = native().watch(descriptor, 'read', () => settle(true));
    const settle = (isReadable: boolean) => {
      stop();
      clearTimeout(timer);
      resolve(isReadable);
    };
    if (milliseconds !== undefined) timer = setTimeout(() => settle(false), milliseconds);
  });
}
