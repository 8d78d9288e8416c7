// Owns the waiting for a descriptor without blocking others: a pidfd, a socket, a fifo.
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
