// Owns the cgroups of one container on v1 and hybrid hosts, through the files. cgroups(7), Cgroups version 1.
import { FileError, StateError } from '../errors.ts';
import type { Resources } from '../oci/types.ts';
import type { CgroupPlace } from '../plan/facts.ts';
import { pause, processesBelow, processesIn, readCgroupFile, requireHierarchy, writeCgroupFile } from './files.ts';
import { MadeCgroups } from './made.ts';
import type { CgroupManager, Ended } from './manager.ts';
import { refuseProcesses, type IsOurs } from './processes.ts';
import { readStatsV1 } from './read-stats.ts';
import { absentController } from './refusals.ts';
import { emptyCgroup, removeCgroup, type Left } from './remove.ts';
import { planResourcesV1, planUpdateV1, type CgroupWrite } from './resources-v1.ts';
import { parseFlat, type CgroupStats } from './stats.ts';
import { UndoableWriter, writeLimits } from './writer.ts';

const FREEZE_TRIES = 1000;

export class FsCgroup1 implements CgroupManager {
  readonly #places: readonly CgroupPlace[];
  readonly #made = new MadeCgroups();
  readonly #undoable = new UndoableWriter();

  constructor(places: readonly CgroupPlace[]) {
    this.#places = places;
  }

  create(): void {
    for (const { hierarchy } of this.#places) requireHierarchy(hierarchy);
    for (const { hierarchy, directory } of this.#places) {
      if (!this.#made.ensure(directory)) refuseOccupied(directory);
      else if (hierarchy.controllers.includes('freezer')) refuseFrozen(directory);
      if (hierarchy.controllers.includes('cpuset')) this.#made.fillCpuset(directory, hierarchy.mountpoint);
    }
  }

  get found(): readonly string[] {
    return this.#made.found;
  }

  async undo(isOurs: IsOurs): Promise<Left[]> {
    return this.#made.takeBack(isOurs);
  }

  apply(resources: Resources | undefined): void {
    writeLimits(planResourcesV1(resources), this.#locate, (path, value) => this.#made.write(path, value));
  }

  /** "Cgroup delegation is not secure in cgroups v1", config-linux.md. */
  delegate(): void {}

  async update(resources: Resources): Promise<void> {
    this.#undoable.write(planUpdateV1(resources), this.#locate);
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

  readonly #locate = (write: CgroupWrite): string => {
    const directory = this.#directoryOf(write.controller);
    if (directory === undefined) throw absentController(write, this.#places);
    return directory;
  };

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
    return unique(this.#places.flatMap(({ directory }) => processesBelow(directory)));
  }

  ownProcesses(): number[] {
    return unique(this.#places.flatMap(({ directory }) => processesIn(directory)));
  }

  directories(): readonly string[] {
    return this.#places.map(({ directory }) => directory);
  }

  async remove({ isOurs, found }: Ended): Promise<Left[]> {
    if (this.isFrozen()) this.thaw(); // a frozen process does not die
    const left: Left[] = [];
    for (const { directory } of this.#places) {
      if (found.includes(directory)) await emptyCgroup(directory, isOurs);
      else left.push(...(await removeCgroup(directory, isOurs)));
    }
    return left;
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
  refuseFrozen(directory);
}

/** By itself, or because a cgroup above it is: init would stop as it enters, and nobody could tell why. */
function refuseFrozen(directory: string): void {
  if (readCgroupFile(`${directory}/freezer.state`) === 'FROZEN')
    throw new StateError('ERR_STATE_BUSY', `container's cgroup unexpectedly frozen`, { hint: directory });
}

function unique(pids: readonly number[]): number[] {
  return [...new Set(pids)];
}
