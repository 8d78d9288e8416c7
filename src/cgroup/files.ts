// Owns the reading and writing of cgroup files, for both versions.
import { constants, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { errorCode, FileError, lastlySync, UsageError } from '../errors.ts';
import { Descriptor } from '../native/descriptor.ts';
import { writeAtOnce } from '../native/whole.ts';
import type { Hierarchy } from '../plan/facts.ts';

/**
 * The path of a file of a cgroup. The name can come from a configuration (`unified`, page sizes): with a slash in it, it would lead
 * to the limits of the parent, or to any file of the host.
 */
export function cgroupFile(directory: string, name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
    throw new UsageError(`${JSON.stringify(name)} must be a file name (no slashes): the name of a file of the cgroup`);
  return `${directory}/${name}`;
}

/**
 * Writes one value in one write(2): the kernel parses each write on its own. Without O_CREAT: cgroupfs answers EACCES to that, and
 * a file that the kernel lacks is to read as ENOENT. Nor is anything ever made where something else is mounted on a hierarchy.
 */
export function writeCgroupFile(path: string, value: string): void {
  try {
    const file = Descriptor.open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    lastlySync(
      () => writeAtOnce(file.number, value),
      () => file.close(),
    );
  } catch (cause) {
    throw new FileError(`write ${JSON.stringify(value)} to ${path}`, { cause });
  }
}

/** f_type of statfs(2), linux/magic.h. */
const MAGIC = { 1: 0x27e0eb, 2: 0x63677270 } as const;

/** Before anything is made: the mount table still names a hierarchy when something else is mounted over it, a tmpfs for instance. */
export function requireHierarchy({ mountpoint, version }: Hierarchy): void {
  let type: number | undefined;
  try {
    ({ type } = statfsSync(mountpoint));
  } catch {
    // not even a directory
  }
  if (type !== MAGIC[version])
    throw new FileError(`${mountpoint} is not a cgroup filesystem of version ${version}`, {
      hint: 'something is mounted over it: unmount that, or give --cgroup-manager disabled',
    });
}

/** The text of a file, or undefined where the kernel has no such file. */
export function readCgroupFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return undefined;
    throw error;
  }
}

/** The process ids in a cgroup itself. On v2 a process of an outer pid namespace reads as 0. */
export function processesIn(directory: string): number[] {
  const text = readProcesses(directory) ?? '';
  return text === '' ? [] : text.split('\n').map(Number);
}

/** A threaded cgroup of v2 has threads of processes that count elsewhere: their ids do for a signal. */
function readProcesses(directory: string): string | undefined {
  try {
    return readCgroupFile(`${directory}/cgroup.procs`);
  } catch (error) {
    if (errorCode(error) !== 'ENOTSUP' && errorCode(error) !== 'EOPNOTSUPP') throw error;
    return readCgroupFile(`${directory}/cgroup.threads`);
  }
}

/** The process ids in a cgroup and in every one below it. */
export function processesBelow(directory: string): number[] {
  return [...processesIn(directory), ...subgroups(directory).flatMap((name) => processesBelow(`${directory}/${name}`))];
}

export function subgroups(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return [];
    throw error;
  }
}

/** Lets some milliseconds go by: for what the kernel gives no event for. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
