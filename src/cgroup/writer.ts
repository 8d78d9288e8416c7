// Owns writes that can be taken back.
import { readCgroupFile, writeCgroupFile } from './files.ts';

/** Values that cannot be read back from the file they are written to. */
const NOT_READABLE = /(^|\/)devices\.(allow|deny)$/;

export class UndoableWriter {
  readonly #before: (readonly [string, string])[] = [];

  /** Writes a value, remembering the one before it. */
  write(path: string, value: string): void {
    const before = NOT_READABLE.test(path) ? undefined : readCgroupFile(path);
    writeCgroupFile(path, value);
    if (before !== undefined && before !== '') this.#before.push([path, before]);
  }

  /** Writes the old values, the last changed first. */
  undo(): void {
    for (const [path, value] of this.#before.splice(0).reverse()) writeCgroupFile(path, value);
  }
}
