// Owns what a cgroup driver can do. fs1 and fs2 are the drivers that write the files themselves; open.ts chooses.
import type { Resources } from '../oci/types.ts';
import type { IsOurs } from './processes.ts';
import type { Left } from './remove.ts';
import type { CgroupStats } from './stats.ts';

/** What the end of a container must know of its cgroups. */
export interface Ended {
  /** Which processes in them are the container's; below them none is. */
  readonly isOurs: IsOurs;
  /** Directories that were there before the container: they stay. */
  readonly found: readonly string[];
}

/**
 * The cgroups of one container.
 *
 * create() and remove() are idempotent. A directory that create() finds there already is used when it is empty.
 */
export interface CgroupManager {
  /** Makes the directories. StateError when processes are in one of them already, or it is frozen. */
  create(): void;
  /** The directories that create() has found there, in place of making them. */
  readonly found: readonly string[];
  /** Takes back what create() and apply() of this object have made and changed, and nothing else: what stays, because somebody lives in it. */
  undo(isOurs: IsOurs): Promise<Left[]>;
  /** Writes the limits. SyscallError-like errors name file and value. */
  apply(resources: Resources | undefined): void;
  /** Gives it to a user of the host, where that can do no harm: on v2. */
  delegate(uid: number): void;
  /** apply() for a cgroup with processes in it: remembers what was there. Devices too. */
  update(resources: Resources): Promise<void>;
  /** Puts back what the last update() has changed. */
  restore(): void;
  /** Usage and limits, in the shape that `events` prints. */
  stats(): CgroupStats;
  /** How many times the kernel has killed for want of memory. */
  oomKills(): number;
  /** Stops every process, and returns once all have stopped. */
  freeze(): Promise<void>;
  thaw(): void;
  isFrozen(): boolean;
  /** The ids of all processes in the container's cgroups and below. */
  processes(): number[];
  /** The same without those below. */
  ownProcesses(): number[];
  /** What remove() removes where nothing runs any more; undefined where it does more than that. */
  directories(): readonly string[] | undefined;
  /** Kills what is the container's in them and removes the directories: what stays, because somebody else lives in it. */
  remove(ended: Ended): Promise<Left[]>;
}
