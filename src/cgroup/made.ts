// Owns the record of what the making of one container's cgroups has changed on the host: directories made, those above them too, and
// values written to cgroups that were there before. Only what is recorded is taken back.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, FileError } from '../errors.ts';
import { readCgroupFile, writeCgroupFile } from './files.ts';
import type { IsOurs } from './processes.ts';
import { removeCgroup, rmdirIfUnused, type Left } from './remove.ts';
import { UndoableWriter } from './writer.ts';

export class MadeCgroups {
  /** In the order in which they were made. */
  readonly #own: string[] = [];
  readonly #above: string[] = [];
  readonly #found: string[] = [];
  readonly #values = new UndoableWriter();

  /** Makes a container's own cgroup and those above it. False when it was there already. */
  ensure(directory: string): boolean {
    const isNew = this.#make(directory, this.#own);
    if (!isNew) this.#found.push(directory);
    return isNew;
  }

  /** The container's own cgroups that were there before. */
  get found(): readonly string[] {
    return this.#found;
  }

  #make(directory: string, record: string[]): boolean {
    try {
      mkdirSync(directory);
      record.push(directory);
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      if (errorCode(error) !== 'ENOENT') throw new FileError(`make cgroup ${directory}`, { cause: error });
      this.#make(dirname(directory), this.#above);
      return this.#make(directory, record);
    }
  }

  /** A value for a cgroup of the container's, or above it: remembered where the cgroup is not of our making. */
  write(path: string, value: string): void {
    const directory = dirname(path);
    if (this.#own.includes(directory) || this.#above.includes(directory)) writeCgroupFile(path, value);
    else this.#values.put(path, value);
  }

  /** A new cpuset is empty, and takes no process until it has CPUs and memory nodes: its parent's, from the top down. */
  fillCpuset(directory: string, top: string): void {
    if (directory === top) return;
    const parent = dirname(directory);
    this.fillCpuset(parent, top);
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (readCgroupFile(`${directory}/${file}`) === '')
        this.write(`${directory}/${file}`, readCgroupFile(`${parent}/${file}`) ?? '');
  }

  /**
   * Takes everything back, in reverse. A cgroup above that a neighbour has begun to use stays with it. The result: own cgroups that stay
   * because somebody lives in them.
   */
  async takeBack(isOurs: IsOurs): Promise<Left[]> {
    const left: Left[] = [];
    for (const directory of this.#own.splice(0).reverse()) left.push(...(await removeCgroup(directory, isOurs)));
    for (const directory of this.#above.splice(0).reverse()) rmdirIfUnused(directory);
    this.#values.undo();
    return left;
  }
}
