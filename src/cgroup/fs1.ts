// Owns the cgroups of one container on v1 and hybrid hosts, through the files. cgroups(7), Cgroups version 1.
import { dirname } from 'node:path';
import { FileError, StateError } from '../errors.ts';
import type { Resources } from '../oci/types.ts';
import type { CgroupPlace } from '../plan/facts.ts';
import {
  cgroupFile,
  ensureCgroup,
  pause,
  processesBelow,
  readCgroupFile,
  removeCgroup,
  writeCgroupFile,
} from './files.ts';
import type { CgroupManager } from './manager.ts';
import { killIfThere, refuseProcesses } from './processes.ts';
import { readStatsV1 } from './read-stats.ts';
import { planResourcesV1, planUpdateV1, type CgroupWrite } from './resources-v1.ts';
import { parseFlat, type CgroupStats } from './stats.ts';
import { UndoableWriter } from './writer.ts';

const FREEZE_TRIES = 1000;

export class FsCgroup1 implements CgroupManager {
  readonly #places: readonly CgroupPlace[];
  readonly #undoable = new UndoableWriter();

  constructor(places: readonly CgroupPlace[]) {
    this.#places = places;
  }

  create(): void {
    for (const { hierarchy, directory } of this.#places) {
      const isCpuset = hierarchy.controllers.includes('cpuset');
      const isNew = isCpuset ? ensureCpuset(directory, hierarchy.mountpoint) : ensureCgroup(directory);
      if (!isNew) refuseOccupied(directory);
    }
  }

  apply(resources: Resources | undefined): void {
    this.#write(planResourcesV1(resources), writeCgroupFile);
  }

  async update(resources: Resources): Promise<void> {
    // Memory and memory+swap must never cross: which goes first depends on the direction, so the second try is reversed.
    const writes = planUpdateV1(resources);
    const memory = writes.filter((write) => write.controller === 'memory');
    try {
      this.#write(writes, (path, value) => this.#undoable.write(path, value));
    } catch (error) {
      if (memory.length < 2) throw error;
      this.#undoable.undo();
      this.#write([...memory.reverse(), ...writes.filter((write) => write.controller !== 'memory')], (path, value) =>
        this.#undoable.write(path, value),
      );
    }
  }

  restore(): void {
    this.#undoable.undo();
  }

  stats(): CgroupStats {
    return readStatsV1((controller) => this.#directoryOf(controller));
  }

  oomKills(): number {
    const directory = this.#directoryOf('memory');
    return parseFlat(directory === undefined ? '' : readCgroupFile(`${directory}/memory.oom_control`))['oom_kill'] ?? 0;
  }

  #write(writes: readonly CgroupWrite[], write: (path: string, value: string) => void): void {
    for (const { controller, file, value } of writes) {
      const directory = this.#directoryOf(controller);
      if (directory === undefined)
        throw new FileError(`${file} = ${value}: the cgroup controller ${controller} is not mounted on this host`);
      write(cgroupFile(directory, file), value);
    }
  }

  async freeze(): Promise<void> {
    const file = `${this.#freezer()}/freezer.state`;
    // A process that forks while the cgroup freezes can escape the first try; the kernel says FREEZING until all have stopped.
    for (let tries = 0; tries < FREEZE_TRIES; tries++) {
      writeCgroupFile(file, 'FROZEN');
      if (readCgroupFile(file) === 'FROZEN') return;
      await pause(1 + (tries >> 4));
    }
    writeCgroupFile(file, 'THAWED');
    throw new FileError('unable to freeze: some processes of the container do not stop');
  }

  thaw(): void {
    const directory = this.#directoryOf('freezer');
    if (directory !== undefined && readCgroupFile(`${directory}/freezer.state`) !== undefined)
      writeCgroupFile(`${directory}/freezer.state`, 'THAWED');
  }

  isFrozen(): boolean {
    const directory = this.#directoryOf('freezer');
    const state = directory === undefined ? undefined : readCgroupFile(`${directory}/freezer.state`);
    return state === 'FROZEN' || state === 'FREEZING';
  }

  processes(): number[] {
    return [...new Set(this.#places.flatMap(({ directory }) => processesBelow(directory)))];
  }

  directories(): readonly string[] {
    return this.#places.map(({ directory }) => directory);
  }

  async remove(): Promise<void> {
    this.thaw(); // a frozen process does not die
    for (const { directory } of this.#places) await removeCgroup(directory, killIfThere);
  }

  #freezer(): string {
    const directory = this.#directoryOf('freezer');
    if (directory === undefined) throw new FileError('the cgroup controller freezer is not mounted on this host');
    return directory;
  }

  #directoryOf(controller: string): string | undefined {
    return this.#places.find(({ hierarchy }) => hierarchy.controllers.includes(controller))?.directory;
  }
}

/** Limits would fall on processes that are not this container's; config-linux.md, Control groups. */
function refuseOccupied(directory: string): void {
  refuseProcesses(directory);
  if (readCgroupFile(`${directory}/freezer.state`) === 'FROZEN')
    throw new StateError('ERR_STATE_BUSY', `container's cgroup unexpectedly frozen`, { hint: directory });
}

/** A new cpuset is empty, and takes no process until it has CPUs and memory nodes: its parent's, from the top down. */
function ensureCpuset(directory: string, top: string): boolean {
  if (directory === top) return false;
  const parent = dirname(directory);
  ensureCpuset(parent, top);
  const isNew = ensureCgroup(directory);
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    if (readCgroupFile(`${directory}/${file}`) === '')
      writeCgroupFile(`${directory}/${file}`, readCgroupFile(`${parent}/${file}`) ?? '');
  return isNew;
}
