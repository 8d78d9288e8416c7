// Owns the removal of cgroups: a container's own, with the cgroups below it that nobody lives in. What lives there and is not the
// container's is neither killed nor waited for, and keeps its cgroup.
import { existsSync, rmdirSync } from 'node:fs';
import { errorCode, FileError } from '../errors.ts';
import { pause, processesBelow, subgroups } from './files.ts';
import { signalIn, type IsOurs } from './processes.ts';

/** A cgroup that stays, because of these processes in it or below it. */
export interface Left {
  readonly directory: string;
  readonly pids: readonly number[];
}

const SIGKILL = 9;
/** Tries, of about 1 ms at first and 10 ms later: for processes that are just ending, and for those that do not end. */
const PATIENCE = 10;
const REMOVE_TRIES = 200;

/** Removes a cgroup, and those below it, killing what is in it and ours. The result is empty when it is gone. */
export async function removeCgroup(directory: string, isOurs: IsOurs): Promise<Left[]> {
  for (let tries = 1; !tryRemove(directory); tries++) {
    const killed = signalIn(directory, SIGKILL, isOurs);
    if (killed === 0 && tries > PATIENCE) {
      const pids = processesBelow(directory);
      if (pids.length > 0) return [{ directory, pids }];
    }
    if (tries === REMOVE_TRIES) throw new FileError(`remove cgroup ${directory}: it is still in use`);
    if (tries > 1) await pause(tries < 20 ? 1 : 10);
  }
  return [];
}

/** Kills what is in a cgroup and ours, for one that stays: it was there before the container. */
export async function emptyCgroup(directory: string, isOurs: IsOurs): Promise<void> {
  for (let tries = 1; signalIn(directory, SIGKILL, isOurs) > 0; tries++) {
    if (tries === REMOVE_TRIES) throw new FileError(`kill the processes in the cgroup ${directory}: some do not end`);
    await pause(tries < 20 ? 1 : 10);
  }
}

/** One attempt, from the leaves upwards. False when something is in the way. */
function tryRemove(directory: string): boolean {
  if (rmdirIfUnused(directory)) return true;
  const below = subgroups(directory);
  const removed = below.filter((name) => tryRemove(`${directory}/${name}`));
  return below.length > 0 && removed.length === below.length && rmdirIfUnused(directory);
}

/** True when it is gone, or was never there; false when a process or a cgroup is in it. */
export function rmdirIfUnused(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    // A read-only hierarchy refuses before it looks whether there is anything to remove.
    if (code === 'ENOENT' || !existsSync(directory)) return true;
    throw new FileError(`remove cgroup ${directory}`, { cause: error });
  }
}
