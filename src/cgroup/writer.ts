// Owns the writing of limits: in an order in which the kernel takes them, and back again.
import { dirname } from 'node:path';
import { errorCode } from '../errors.ts';
import { cgroupFile, readCgroupFile, writeCgroupFile } from './files.ts';
import { absentFile, refusedValue } from './refusals.ts';
import type { CgroupWrite } from './resources-v1.ts';

/** A write that puts a value back. */
interface Before {
  readonly path: string;
  readonly value: string;
}

/** Says where the files of a write's controller are; throws where the host has none. */
export type Locate = (write: CgroupWrite) => string;

/** Values that cannot be read back from the file that they are written to. */
const NOT_READABLE = /\/(memory\.reclaim|cgroup\.kill)$/;
const DEVICE_RULES = /\/devices\.(allow|deny)$/;

type Put = (path: string, value: string) => void;

/** Device rules first, whose order counts; then the limits. */
export function writeLimits(writes: readonly CgroupWrite[], locate: Locate, put: Put = writeCgroupFile): void {
  const isRule = ({ controller }: CgroupWrite) => controller === 'devices';
  for (const write of writes.filter(isRule)) writeOne(write, locate(write), put);
  inAnyOrder(
    writes.filter((write) => !isRule(write)),
    (write) => writeOne(write, locate(write), put),
  );
}

function writeOne(write: CgroupWrite, directory: string, put: Put): void {
  try {
    put(cgroupFile(directory, write.file), write.value);
  } catch (error) {
    if (kernelCode(error) !== 'ENOENT') throw refusedValue(error, write, directory);
    const { controller, otherwise } = write;
    if (otherwise === undefined) throw absentFile(write, directory);
    if (otherwise !== 'nothing') writeOne({ controller, ...otherwise }, directory, put);
  }
}

/** Writes limits that can be taken back. */
export class UndoableWriter {
  readonly #before: Before[] = [];

  write(writes: readonly CgroupWrite[], locate: Locate): void {
    writeLimits(writes, locate, (path, value) => this.put(path, value));
  }

  /** Writes one value, remembering the one before it. */
  put(path: string, value: string): void {
    const before = DEVICE_RULES.test(path) ? this.#devicesBefore(dirname(path)) : valueBefore(path);
    writeCgroupFile(path, value);
    this.#before.push(...before);
  }

  /** Writes the old values, the last changed first. */
  undo(): void {
    inAnyOrder(this.#before.splice(0).reverse(), ({ path, value }) => writeCgroupFile(path, value));
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
  const value = NOT_READABLE.test(path) ? undefined : readCgroupFile(path);
  if (value === undefined) return [];
  if (value === '') return /\/cpuset\.(cpus|mems)$/.test(path) ? [{ path, value: '\n' }] : [];
  return [{ path, value }];
}

/**
 * Values hold each other back: a period that is too short for the old quota, memory that is above the old memory+swap, the burst of
 * a quota to come. Which must go first depends on the old ones. So what is refused is tried again after the others, until a round
 * changes nothing.
 */
function inAnyOrder<T>(all: readonly T[], write: (one: T) => void): void {
  for (let left = all; left.length > 0;) {
    const refused: T[] = [];
    let first: unknown;
    for (const one of left)
      try {
        write(one);
      } catch (error) {
        if (!isHeldBack(error)) throw error;
        first ??= error;
        refused.push(one);
      }
    if (refused.length === left.length) throw first;
    left = refused;
  }
}

function isHeldBack(error: unknown): boolean {
  const code = kernelCode(error);
  return code === 'EINVAL' || code === 'EBUSY';
}

function kernelCode(error: unknown): string | undefined {
  return errorCode(error instanceof Error ? (error.cause ?? error) : error);
}
