// Owns what is done to the processes of a cgroup: refused before a container is made, killed when it ends.
import { errorCode, StateError } from '../errors.ts';
import { processesBelow } from './files.ts';

/** Limits would fall on processes that are not this container's; config-linux.md, Control groups. */
export function refuseProcesses(directory: string): void {
  const count = processesBelow(directory).length;
  if (count > 0)
    throw new StateError('ERR_STATE_BUSY', `container's cgroup is not empty: ${count} process(es) found`, {
      hint: `they are in ${directory}`,
    });
}

/** SIGKILL to a process that may have ended meanwhile. */
export function killIfThere(pid: number): void {
  signalIfThere(pid, 'SIGKILL');
}

export function signalIfThere(pid: number, signal: number | NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
