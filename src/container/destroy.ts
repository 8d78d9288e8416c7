// Owns the end of a container: what is left of its processes, its cgroups, its state; then its poststop hooks.
import type { Ending } from '../caller/caller.ts';
import { openCgroup } from '../cgroup/open.ts';
import { FileError, StateError } from '../errors.ts';
import { runHooksLeniently } from './hooks.ts';
import { killAndWait } from './kill.ts';
import { removeMounts } from './shared-mounts.ts';
import { checkStatus, statusOf } from './lifecycle.ts';
import type { Runtime } from './runtime.ts';
import { salvage } from './salvage.ts';
import type { StoredState } from './store.ts';

/**
 * Removes everything of a container whose init has ended. Idempotent. Processes that are left are killed with the cgroup:
 * without a pid namespace of its own init does not take them along.
 */
export async function destroyContainer(runtime: Runtime, state: StoredState): Promise<void> {
  await openCgroup(state.cgroupPlaces).remove();
  removeMounts(state);
  runtime.store.remove(state.id);
  await runHooksLeniently(runtime, state, 'poststop', 'stopped');
}

/** What follows the end of a container in the foreground. */
export function endingOf({ store }: Runtime, state: StoredState): Ending {
  const cgroups = openCgroup(state.cgroupPlaces).directories();
  const isMore =
    (state.config.hooks?.poststop ?? []).length > 0 || state.rootfsMounts !== undefined || store.hasMore(state.id);
  if (cgroups === undefined || isMore) return {};
  return { removal: { cgroups, directory: store.directory(state.id), files: [store.fileName] } };
}

/** `delete`. With force what runs is killed, and what is not there is fine. */
export async function deleteContainer(runtime: Runtime, id: string, options: { force: boolean }): Promise<void> {
  const { store } = runtime;
  try {
    await store.locked(id, () => deleteLocked(runtime, id, options));
  } catch (error) {
    if (!isNotFound(error) || !options.force) throw error;
    store.remove(id); // a directory that a killed runtime has left
  }
}

/** Ends and removes the container that was `created` at that time; a later one of the same id, or none, is left alone. */
export async function finishContainer(runtime: Runtime, id: string, created: string): Promise<void> {
  const { store } = runtime;
  try {
    await store.locked(id, async () => {
      if (!store.has(id)) {
        store.removeUnsaved(id);
        return;
      }
      const state = store.load(id);
      if (state.created !== created) return;
      if (statusOf(state) !== 'stopped') await killAndWait(state);
      await destroyContainer(runtime, state);
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof StateError && error.code === 'ERR_STATE_NOT_FOUND';
}

async function deleteLocked(runtime: Runtime, id: string, { force }: { force: boolean }): Promise<void> {
  let state: StoredState;
  try {
    state = runtime.store.load(id);
  } catch (error) {
    if (!force || !(error instanceof FileError)) throw error;
    await removeDamaged(runtime, id, error);
    return;
  }
  const status = statusOf(state);
  if (!force) checkStatus('delete', id, status);
  if (status !== 'stopped' && !(await killAndWait(state)))
    throw new StateError('ERR_STATE_STATUS', 'container init still running');
  await destroyContainer(runtime, state);
}

/** By what the state still says with certainty; otherwise it stays, since a container that runs must not be forgotten. */
async function removeDamaged(runtime: Runtime, id: string, damage: FileError): Promise<void> {
  const directory = runtime.store.directory(id);
  const state = salvage(id, runtime.store.text(id));
  if (state === undefined)
    throw new FileError('the state does not say which process and cgroups are the container', {
      cause: damage,
      hint: `end what is left of the container by hand, then remove ${directory}`,
    });
  if (!(await killAndWait(state))) throw new StateError('ERR_STATE_STATUS', 'container init still running');
  await destroyContainer(runtime, state);
}
