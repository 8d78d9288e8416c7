// Owns signals to a container: by pidfd, so that a pid that was given to somebody else meanwhile is never meant.
import type { Caller } from '../caller/caller.ts';
import { openCgroup } from '../cgroup/open.ts';
import { errorCode, lastly } from '../errors.ts';
import { isAlive } from '../host/process.ts';
import { native } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { signalProcesses } from '../native/signal.ts';
import { ended } from '../native/readable.ts';
import { checkStatus, statusOf } from './lifecycle.ts';
import { hasPidNamespace, membersOf } from './members.ts';
import type { StoredState } from './state.ts';

export const SIGKILL = 9;

/** A process, and no later one of the same pid. */
type Birth = Pick<StoredState, 'pid' | 'startTime'>;

/** Sends a signal to init. False when it has ended. */
export function signalInit(state: StoredState, signal: number): Promise<boolean> {
  return withPidfd(state, ({ number }) => native().signalPidfd(number, signal));
}

/** Calls `use` with a pidfd of init; false when init has ended. */
export async function withPidfd(state: Birth, use: (pidfd: Descriptor) => void | Promise<void>): Promise<boolean> {
  if (state.pid <= 0) return false; // never born
  let pidfd: Descriptor;
  try {
    pidfd = native().openPidfd(state.pid);
  } catch (error) {
    if (errorCode(error) === 'ESRCH' || errorCode(error) === 'EINVAL') return false;
    throw error;
  }
  const work = async () => {
    // Asked after opening: from here on the descriptor means this process and no later one.
    if (!isAlive(state.pid, state.startTime)) return false;
    await use(pidfd);
    return true;
  };
  try {
    return await lastly(work, () => pidfd.close());
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** `kill`: StateError "container not running" when there is nobody to signal. */
export async function killContainer(state: StoredState, signal: number, options: { all: boolean }): Promise<void> {
  const status = statusOf(state);
  // Without a cgroup init stands for all: those of its pid namespace end with it.
  if (options.all && state.cgroupPlaces.length > 0 && status !== 'creating') {
    await killAll(state, signal);
    return;
  }
  checkStatus('kill', state.id, status);
  // The death of an init takes along its pid namespace. Where that is not its own, all in the cgroup are meant; as runc.
  if (signal === SIGKILL && !hasPidNamespace(state.config) && state.cgroupPlaces.length > 0) {
    await killAll(state, signal);
    return;
  }
  if (!(await signalInit(state, signal))) checkStatus('kill', state.id, 'stopped');
  // A frozen process takes its death only once it is thawed.
  if (signal === SIGKILL) openCgroup(state.cgroupPlaces).thaw();
}

/** Every process of the container, frozen meanwhile so that none can fork away; thawed whatever happens. */
async function killAll(state: StoredState, signal: number): Promise<void> {
  const cgroup = openCgroup(state.cgroupPlaces);
  const wasFrozen = cgroup.isFrozen();
  const signalThem = async () => {
    if (!wasFrozen) await cgroup.freeze();
    signalProcesses(membersOf(state, cgroup), signal, () => new Set(membersOf(state, cgroup)));
  };
  await lastly(signalThem, () => {
    if (!wasFrozen || signal === SIGKILL) cgroup.thaw();
  });
}

/** Ends a child of the caller that may have ended already; by pidfd, since a caller that is gone reaps nothing. */
export async function killAndReap(caller: Caller, birth: Birth): Promise<void> {
  if (birth.pid <= 0) return; // never born
  await withPidfd(birth, ({ number }) => native().signalPidfd(number, SIGKILL));
  try {
    await caller.waitFor(birth.pid);
  } catch (error) {
    if (errorCode(error) !== 'ECHILD') throw error; // it was reaped while we supervised
  }
}

const END_SECONDS = 10;

/** Kills init and waits until it has ended, at most 10 s. False when it is still there. */
export async function killAndWait(state: StoredState): Promise<boolean> {
  let hasEnded = true;
  await withPidfd(state, async (pidfd) => {
    native().signalPidfd(pidfd.number, SIGKILL);
    openCgroup(state.cgroupPlaces).thaw();
    hasEnded = await ended(pidfd, END_SECONDS * 1000);
  });
  return hasEnded;
}
