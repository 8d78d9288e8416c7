// Owns the end of a container: what is left of its processes, its cgroups, its state; then its poststop hooks.
import { openCgroup } from '../cgroup/open.ts';
import { FileError, StateError } from '../errors.ts';
import { readFacts } from '../host/facts.ts';
import type { Log } from '../log.ts';
import { planCgroupPlaces } from '../plan/cgroup-places.ts';
import { runHooksLeniently } from './hooks.ts';
import { killAndWait } from './kill.ts';
import { removeMounts } from './shared-mounts.ts';
import { checkStatus, statusOf } from './lifecycle.ts';
import type { Store, StoredState } from './store.ts';

/**
 * Removes everything of a container whose init has ended. Idempotent. Processes that are left are killed with the cgroup:
 * without a pid namespace of its own init does not take them along.
 */
export function destroyContainer(store: Store, state: StoredState, log: Log): void {
  openCgroup(state.cgroupPlaces).remove();
  removeMounts(state);
  store.remove(state.id);
  runHooksLeniently(state, 'poststop', 'stopped', log);
}

/** `delete`. With force what runs is killed, and what is not there is fine. */
export function deleteContainer(store: Store, id: string, log: Log, options: { force: boolean }): void {
  try {
    store.locked(id, () => deleteLocked(store, id, log, options));
  } catch (error) {
    const isGone = error instanceof StateError && error.code === 'ERR_STATE_NOT_FOUND';
    if (!isGone || !options.force) throw error;
    store.remove(id); // a directory that a killed runtime has left
  }
}

function deleteLocked(store: Store, id: string, log: Log, { force }: { force: boolean }): void {
  let state: StoredState;
  try {
    state = store.load(id);
  } catch (error) {
    if (!force || !(error instanceof FileError)) throw error;
    removeUnknown(store, id);
    return;
  }
  const status = statusOf(state);
  if (!force) checkStatus('delete', id, status);
  if (status !== 'stopped' && !killAndWait(state))
    throw new StateError('ERR_STATE_STATUS', 'container init still running');
  destroyContainer(store, state, log);
}

/** A state that cannot be read says nothing: what is at the default places of this id is what can be its. */
function removeUnknown(store: Store, id: string): void {
  openCgroup(planCgroupPlaces(readFacts(), id, undefined)).remove();
  store.remove(id);
}
