// Owns the cgroup of one container on a v2 host, through the files. The kernel's admin-guide/cgroup-v2.
import { readFileSync } from 'node:fs';
import { errorCode, FileError, StateError, UsageError } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { DeviceRule, Resources } from '../oci/types.ts';
import type { CgroupPlace, Hierarchy } from '../plan/facts.ts';
import { handDownControllers } from './controllers.ts';
import { delegateCgroup } from './delegation.ts';
import { planDeviceProgram } from './device-program.ts';
import { pause, processesBelow, processesIn, readCgroupFile, requireHierarchy, writeCgroupFile } from './files.ts';
import { MadeCgroups } from './made.ts';
import type { CgroupManager, Ended } from './manager.ts';
import { refuseProcesses, type IsOurs } from './processes.ts';
import { readStatsV2 } from './read-stats.ts';
import { emptyCgroup, removeCgroup, type Left } from './remove.ts';
import { planResourcesV2 } from './resources-v2.ts';
import { parseFlat, type CgroupStats } from './stats.ts';
import { UndoableWriter, writeLimits } from './writer.ts';

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
    const writes = planResourcesV2(resources);
    const put = (path: string, value: string) => this.#made.write(path, value);
    handDownControllers(this.#hierarchy.mountpoint, this.#directory, writes);
    attachDevices(this.#directory, resources?.devices ?? []);
    writeLimits(writes, this.#locate, put);
  }

  delegate(uid: number): void {
    delegateCgroup(this.#directory, uid);
  }

  async update(resources: Resources): Promise<void> {
    if (resources.memory?.checkBeforeUpdate) this.#refuseBelowUse(resources.memory);
    if (resources.devices !== undefined) attachDevices(this.#directory, resources.devices);
    this.#undoable.write(planResourcesV2(resources), this.#locate);
  }

  /** v1 refuses a limit that is below what is used; v2 takes it, and kills. */
  #refuseBelowUse(memory: NonNullable<Resources['memory']>): void {
    const used = (file: string) => Number(readCgroupFile(`${this.#directory}/${file}`) ?? 0);
    const { limit, swap } = memory;
    const inMemory = used('memory.current');
    if (limit && limit > 0 && limit < inMemory)
      throw new UsageError(`rejecting memory limit ${limit} < usage ${inMemory} (memory.checkBeforeUpdate)`);
    const inBoth = inMemory + used('memory.swap.current');
    if (swap && swap > 0 && swap < inBoth)
      throw new UsageError(`rejecting memory+swap limit ${swap} < usage ${inBoth} (memory.checkBeforeUpdate)`);
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

  readonly #locate = () => this.#directory;

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
}

/** The rules as a program. An unprivileged caller may load none: there nobody makes devices, and the mounts show few. */
function attachDevices(directory: string, rules: readonly DeviceRule[]): void {
  try {
    native().attachDeviceProgram(directory, planDeviceProgram(rules));
  } catch (error) {
    if (errorCode(error) !== 'EPERM' || isHostRoot()) throw error;
  }
}

/** Frozen by itself, or because a cgroup above it is. */
function isStopped(directory: string): boolean {
  return /^frozen 1$/m.test(readCgroupFile(`${directory}/cgroup.events`) ?? '');
}

function frozen(directory: string): StateError {
  return new StateError('ERR_STATE_BUSY', `container's cgroup unexpectedly frozen`, { hint: directory });
}

function isHostRoot(): boolean {
  const map = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).join(' ');
  return process.geteuid?.() === 0 && map === '0 0 4294967295';
}
