// Owns a descriptor: one open file of this process, from its opening to its close. Its number goes into calls and stays with nobody:
// once it is closed, the kernel gives the number to the next file, which is somebody else's.
import { closeSync, openSync } from 'node:fs';
import { InternalError } from '../errors.ts';

export class Descriptor {
  #number: number | undefined;

  constructor(number: number) {
    this.#number = number;
  }

  static open(path: string, flags: string | number, mode?: number): Descriptor {
    return new Descriptor(openSync(path, flags, mode));
  }

  get isOpen(): boolean {
    return this.#number !== undefined;
  }

  /** For one call; throws once it is closed. */
  get number(): number {
    if (this.#number === undefined) throw new InternalError('a descriptor is used after it was closed');
    return this.#number;
  }

  /** Idempotent. close(2) has freed the number whatever it returns, so it is forgotten first. */
  close(): void {
    const number = this.#number;
    this.#number = undefined;
    if (number !== undefined) closeSync(number);
  }
}
