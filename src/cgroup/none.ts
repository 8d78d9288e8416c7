// Owns the case of a container without cgroups of its own (--cgroup-manager disabled): it stays in those of its caller.
import { FileError, UsageError } from '../errors.ts';
import type { Resources } from '../oci/types.ts';
import type { CgroupManager } from './manager.ts';
import type { Left } from './remove.ts';
import type { CgroupStats } from './stats.ts';

const WHY = 'the container has no cgroup: --cgroup-manager was disabled, or no cgroup filesystem is mounted';

export class NoCgroup implements CgroupManager {
  readonly found: readonly string[] = [];

  create(): void {}

  async undo(): Promise<Left[]> {
    return [];
  }

  /** Devices are let through unconfined, which is why this must be asked for; a limit that could not hold is refused. */
  apply(resources: Resources | undefined): void {
    const limit = Object.entries(resources ?? {}).find(([name, value]) => name !== 'devices' && isLimit(value));
    if (limit !== undefined)
      throw new UsageError(`/linux/resources/${limit[0]} needs a cgroup, and --cgroup-manager disabled makes none`);
  }

  delegate(): void {}

  async update(): Promise<void> {
    throw new FileError(WHY);
  }

  restore(): void {}

  stats(): CgroupStats {
    throw new FileError(WHY);
  }

  oomKills(): number {
    return 0;
  }

  async freeze(): Promise<void> {
    throw new FileError(WHY);
  }

  thaw(): void {}

  isFrozen(): boolean {
    return false;
  }

  processes(): number[] {
    throw new FileError(WHY);
  }

  ownProcesses(): number[] {
    return [];
  }

  directories(): readonly string[] {
    return [];
  }

  async remove(): Promise<Left[]> {
    return [];
  }
}

function isLimit(value: unknown): boolean {
  return value !== null && value !== undefined && (typeof value !== 'object' || Object.keys(value).length > 0);
}
