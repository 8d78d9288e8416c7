// Owns the cgroup of one container on a v2 host, through the files. The kernel's admin-guide/cgroup-v2.
import { errorCode, FileError, StateError } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Resources } from '../oci/types.ts';
import type { CgroupPlace, Hierarchy } from '../plan/facts.ts';
import { planDeviceProgram } from './device-program.ts';
import {
  cgroupFile,
  pause,
  processesBelow,
  processesIn,
  readCgroupFile,
  requireHierarchy,
  writeCgroupFile,
} from './files.ts';
import { MadeCgroups } from './made.ts';
import type { CgroupManager, Ended } from './manager.ts';
import { refuseProcesses, type IsOurs } from './processes.ts';
import { readStatsV2 } from './read-stats.ts';
import { emptyCgroup, removeCgroup, type Left } from './remove.ts';
import { planResourcesV2 } from './resources-v2.ts';
import { parseFlat, type CgroupStats } from './stats.ts';
import { UndoableWriter } from './writer.ts';

const FREEZE_TRIES = 1000;

export class FsCgroup2 implements CgroupManager {
  readonly #directory: string;
  readonly #hierarchy: Hierarchy;
  readonly #made = new MadeCgroups();
  readonly #undoable = new UndoableWriter();

  constructor(place: CgroupPlace) {
    this.#directory = place.directory;
    this.#hierarchy = place.hierarchy;
  }

  create(): void {
    requireHierarchy(this.#hierarchy);
    this.refuseOccupied();
    // A cgroup above that is frozen: init would stop as it enters, and nobody could tell why.
    if (this.#made.ensure(this.#directory) && isStopped(this.#directory)) throw frozen(this.#directory);
    this.enableControllers();
  }

  get found(): readonly string[] {
    return this.#made.found;
  }

  async undo(isOurs: IsOurs): Promise<Left[]> {
    return this.#made.takeBack(isOurs);
  }

  /** StateError when somebody is in it, or it is frozen. */
  refuseOccupied(): void {
    refuseProcesses(this.#directory);
    if (isStopped(this.#directory)) throw frozen(this.#directory);
  }

  apply(resources: Resources | undefined): void {
    native().attachDeviceProgram(this.#directory, planDeviceProgram(resources?.devices ?? []));
    this.#write(resources, (path, value) => this.#made.write(path, value));
  }

  async update(resources: Resources): Promise<void> {
    if (resources.devices !== undefined)
      native().attachDeviceProgram(this.#directory, planDeviceProgram(resources.devices));
    this.#write(resources, (path, value) => this.#undoable.write(path, value));
  }

  restore(): void {
    this.#undoable.undo();
  }

  stats(): CgroupStats {
    return readStatsV2(this.#directory);
  }

  oomKills(): number {
    return parseFlat(readCgroupFile(`${this.#directory}/memory.events`))['oom_kill'] ?? 0;
  }

  #write(resources: Resources | undefined, write: (path: string, value: string) => void): void {
    for (const { controller, file, value } of planResourcesV2(resources)) {
      const path = cgroupFile(this.#directory, file);
      if (readCgroupFile(path) === undefined && !isWriteOnly(file))
        throw new FileError(
          `${file} = ${value}: the cgroup controller ${controller} is not available in ${this.#directory}`,
        );
      write(path, value);
    }
  }

  async freeze(): Promise<void> {
    writeCgroupFile(`${this.#directory}/cgroup.freeze`, '1');
    for (let tries = 0; tries < FREEZE_TRIES; tries++) {
      if (isStopped(this.#directory)) return;
      await pause(1 + (tries >> 4));
    }
    this.thaw();
    throw new FileError('unable to freeze: some processes of the container do not stop');
  }

  thaw(): void {
    const file = `${this.#directory}/cgroup.freeze`;
    try {
      if (readCgroupFile(file) !== undefined) writeCgroupFile(file, '0');
    } catch (error) {
      // systemd removes a scope with its last process, at any moment: then there is nothing left to thaw.
      if (readCgroupFile(file) !== undefined) throw error;
    }
  }

  isFrozen(): boolean {
    return readCgroupFile(`${this.#directory}/cgroup.freeze`) === '1';
  }

  processes(): number[] {
    return processesBelow(this.#directory);
  }

  ownProcesses(): number[] {
    return processesIn(this.#directory);
  }

  directories(): readonly string[] {
    return [this.#directory];
  }

  async remove({ isOurs, found }: Ended): Promise<Left[]> {
    if (this.isFrozen()) this.thaw();
    if (!found.includes(this.#directory)) return removeCgroup(this.#directory, isOurs);
    await emptyCgroup(this.#directory, isOurs);
    return [];
  }

  /** Every controller that the parent has, from the top down: a cgroup has only what its parent hands on. */
  enableControllers(): void {
    const steps = this.#directory.slice(this.#hierarchy.mountpoint.length).split('/').filter(Boolean);
    let directory = this.#hierarchy.mountpoint;
    for (const step of steps) {
      const available = (readCgroupFile(`${directory}/cgroup.controllers`) ?? '').split(' ').filter(Boolean);
      const enabled = new Set((readCgroupFile(`${directory}/cgroup.subtree_control`) ?? '').split(' '));
      for (const controller of available) if (!enabled.has(controller)) enable(directory, controller);
      directory = `${directory}/${step}`;
    }
  }
}

/** One at a time: one that cannot be enabled (a parent with processes of its own, realtime threads) must not keep the rest. */
function enable(directory: string, controller: string): void {
  try {
    writeCgroupFile(`${directory}/cgroup.subtree_control`, `+${controller}`);
  } catch (error) {
    const code = errorCode((error as FileError).cause);
    if (
      code !== 'EBUSY' &&
      code !== 'ENOTSUP' &&
      code !== 'EINVAL' &&
      code !== 'ENOENT' &&
      code !== 'EACCES' &&
      code !== 'EROFS'
    )
      throw error;
  }
}

/** Frozen by itself, or because a cgroup above it is. */
function isStopped(directory: string): boolean {
  return /^frozen 1$/m.test(readCgroupFile(`${directory}/cgroup.events`) ?? '');
}

function frozen(directory: string): StateError {
  return new StateError('ERR_STATE_BUSY', `container's cgroup unexpectedly frozen`, { hint: directory });
}

function isWriteOnly(file: string): boolean {
  return file === 'memory.reclaim' || file === 'cgroup.kill';
}
