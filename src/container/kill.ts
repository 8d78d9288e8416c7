// Owns signals to a container: by pidfd, so that a pid that was given to somebody else meanwhile is never meant.
import { closeSync } from 'node:fs';
import { openCgroup } from '../cgroup/open.ts';
import { pause } from '../cgroup/files.ts';
import { killIfThere, signalIfThere } from '../cgroup/processes.ts';
import { errorCode } from '../errors.ts';
import { isAlive } from '../host/process.ts';
import { native } from '../native/binding.ts';
import { checkStatus, statusOf } from './lifecycle.ts';
import { SIGKILL } from './signals.ts';
import type { StoredState } from './store.ts';

/** Sends a signal to init. False when it has ended. */
export function signalInit(state: StoredState, signal: number): boolean {
  return withPidfd(state, (pidfd) => native().signalPidfd(pidfd, signal));
}

/** Calls `use` with a pidfd of init; false when init has ended. */
export function withPidfd(state: StoredState, use: (pidfd: number) => void): boolean {
  let pidfd: number;
  try {
    pidfd = native().openPidfd(state.pid);
  } catch (error) {
    if (errorCode(error) === 'ESRCH' || errorCode(error) === 'EINVAL') return false;
    throw error;
  }
  try {
    // Asked after opening: from here on the descriptor means this process and no later one.
    if (!isAlive(state.pid, state.startTime)) return false;
    use(pidfd);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  } finally {
    closeSync(pidfd);
  }
}

/** `kill`: StateError "container not running" when there is nobody to signal. */
export function killContainer(state: StoredState, signal: number, options: { all: boolean }): void {
  // Without a cgroup init stands for all: those of its pid namespace end with it.
  if (options.all && state.cgroupPlaces.length > 0) {
    killAll(state, signal);
    return;
  }
  checkStatus('kill', state.id, statusOf(state));
  if (!signalInit(state, signal)) checkStatus('kill', state.id, 'stopped');
  // A frozen process takes its death only once it is thawed.
  if (signal === SIGKILL) openCgroup(state.cgroupPlaces).thaw();
}

/** Every process in the cgroup, frozen meanwhile so that none can fork away; thawed whatever happens. */
function killAll(state: StoredState, signal: number): void {
  const cgroup = openCgroup(state.cgroupPlaces);
  const wasFrozen = cgroup.isFrozen();
  try {
    if (!wasFrozen) cgroup.freeze();
    for (const pid of cgroup.processes()) signalIfThere(pid, signal);
  } finally {
    if (!wasFrozen || signal === SIGKILL) cgroup.thaw();
  }
}

/** Ends a child of ours that may have ended already. Until it is reaped its pid is its own. */
export function killAndReap(pid: number): void {
  killIfThere(pid);
  try {
    native().waitFor(pid);
  } catch (error) {
    if (errorCode(error) !== 'ECHILD') throw error; // it was reaped while we supervised
  }
}

const END_TRIES = 2000;

/** Kills init and waits until it has ended, at most 10 s. False when it is still there. */
export function killAndWait(state: StoredState): boolean {
  signalInit(state, SIGKILL);
  openCgroup(state.cgroupPlaces).thaw();
  for (let tries = 0; tries < END_TRIES; tries++) {
    if (!isAlive(state.pid, state.startTime)) return true;
    pause(tries < 50 ? 1 : 5);
  }
  return false;
}
