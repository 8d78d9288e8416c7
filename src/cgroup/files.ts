// Owns the reading, writing and removing of cgroup files and directories, for both versions.
import { constants, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, FileError, lastlySync, UsageError } from '../errors.ts';
import { Descriptor } from '../native/descriptor.ts';
import { writeAtOnce } from '../native/whole.ts';

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

/** The text of a file, or undefined where the kernel has no such file. */
export function readCgroupFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return undefined;
    throw error;
  }
}

/** Makes a cgroup and those above it. False when it was there already. */
export function ensureCgroup(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (errorCode(error) !== 'ENOENT') throw new FileError(`make cgroup ${directory}`, { cause: error });
    ensureCgroup(dirname(directory));
    return ensureCgroup(directory);
  }
}

/** The process ids in a cgroup and in every one below it. */
export function processesBelow(directory: string): number[] {
  const text = readCgroupFile(`${directory}/cgroup.procs`) ?? '';
  const own = text === '' ? [] : text.split('\n').map(Number);
  return [...own, ...subgroups(directory).flatMap((name) => processesBelow(`${directory}/${name}`))];
}

function subgroups(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return [];
    throw error;
  }
}

const REMOVE_TRIES = 200;

/** Lets some milliseconds go by: for what the kernel gives no event for. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}

/**
 * Removes a cgroup with those below it. EBUSY means cgroups or processes in it: cgroups are removed, processes get SIGKILL
 * when `kill` says so, and those that are just ending get up to 2 s.
 */
export async function removeCgroup(directory: string, kill: (pid: number) => void): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      if (errorCode(error) !== 'EBUSY' || tries === REMOVE_TRIES)
        throw new FileError(`remove cgroup ${directory}`, { cause: error });
    }
    for (const name of subgroups(directory)) await removeCgroup(`${directory}/${name}`, kill);
    for (const pid of processesBelow(directory)) kill(pid);
    if (tries > 1) await pause(tries < 20 ? 1 : 10);
  }
}
