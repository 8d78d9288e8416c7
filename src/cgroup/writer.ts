// Owns writes that can be taken back.
import { dirname } from 'node:path';
import { readCgroupFile, writeCgroupFile } from './files.ts';

/** A write that puts a value back. */
interface Before {
  readonly path: string;
  readonly value: string;
}

export class UndoableWriter {
  readonly #before: Before[] = [];

  /** Writes a value, remembering the one before it. */
  write(path: string, value: string): void {
    const before = /\/devices\.(allow|deny)$/.test(path) ? this.#devicesBefore(dirname(path)) : valueBefore(path);
    writeCgroupFile(path, value);
    this.#before.push(...before);
  }

  /** Writes the old values, the last changed first. */
  undo(): void {
    for (const { path, value } of this.#before.splice(0).reverse()) writeCgroupFile(path, value);
  }

  /** The rules of v1 are read in one file and written to two: all of them once, before the first is changed. In reverse. */
  #devicesBefore(directory: string): Before[] {
    const deny = `${directory}/devices.deny`;
    const allow = `${directory}/devices.allow`;
    if (this.#before.some(({ path }) => path === deny || path === allow)) return [];
    const list = readCgroupFile(`${directory}/devices.list`) ?? '';
    const rules = list.split('\n').filter(Boolean);
    return [...rules.map((value) => ({ path: allow, value })), { path: deny, value: 'a' }];
  }
}

/** Nothing where a file has no value that could be written to it again; an empty cpuset is one. */
function valueBefore(path: string): Before[] {
  const value = readCgroupFile(path);
  if (value === undefined) return [];
  if (value === '') return /\/cpuset\.(cpus|mems)$/.test(path) ? [{ path, value: '\n' }] : [];
  return [{ path, value }];
}
