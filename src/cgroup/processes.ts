// Owns what is done to the processes of a cgroup: refused before a container is made, signalled, killed when it ends.
import { StateError } from '../errors.ts';
import { signalProcesses } from '../native/signal.ts';
import { processesBelow, processesIn } from './files.ts';

/** Which of the processes that are found in a container's cgroup are the container's. */
export type IsOurs = (pid: number) => boolean;

/** Limits would fall on processes that are not this container's; config-linux.md, Control groups. */
export function refuseProcesses(directory: string): void {
  const count = processesBelow(directory).length;
  if (count > 0)
    throw new StateError('ERR_STATE_BUSY', `container's cgroup is not empty: ${count} process(es) found`, {
      hint: `they are in ${directory}`,
    });
}

/** A signal to those that are in the cgroup itself, and are ours: how many that were. */
export function signalIn(directory: string, signal: number, isOurs: IsOurs): number {
  const ours = processesIn(directory).filter(isOurs);
  if (ours.length > 0) signalProcesses(ours, signal, () => new Set(processesIn(directory)));
  return ours.length;
}
