// Owns the writing and reading of whole texts: all of it, or an error. write(2) may take a part of what it is given, on a disk that is
// nearly full above all; and a stream that does not block says EAGAIN in the middle.
import { readSync, writeSync } from 'node:fs';
import { errorCode, FileError } from '../errors.ts';
import { native } from './binding.ts';

/** To a descriptor, by its number: a file's, or a standard stream's. EAGAIN once a reader has let us wait for so long. */
export function writeWhole(to: number, text: string, options: { readonly patienceMs?: number } = {}): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += patiently(to, 'write', () => writeSync(to, bytes, at), options.patienceMs);
}

/** In one write(2), for files that take each as a value of its own: those of cgroups. */
export function writeAtOnce(to: number, text: string): void {
  const bytes = Buffer.from(text);
  const written = writeSync(to, bytes);
  if (written !== bytes.length) throw new FileError(`only ${written} of ${bytes.length} bytes were taken`);
}

/** To the end. */
export function readWhole(from: number): string {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.allocUnsafe(64 << 10);
    const size = patiently(from, 'read', () => readSync(from, part));
    if (size === 0) return Buffer.concat(parts).toString();
    parts.push(part.subarray(0, size));
  }
}

function patiently(descriptor: number, event: 'read' | 'write', use: () => number, milliseconds?: number): number {
  for (;;) {
    try {
      return use();
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
      if (native().waitReady([descriptor], event, milliseconds) === undefined) throw error;
    }
  }
}
