// Owns the end of a container: what is left of its processes, its cgroups, its state; then its poststop hooks.
import type { Ending } from '../caller/caller.ts';
import { openCgroup } from '../cgroup/open.ts';
import { FileError, StateError } from '../errors.ts';
import type { Log } from '../log.ts';
import { native } from '../native/binding.ts';
import type { Created } from './create.ts';
import { runHooksLeniently } from './hooks.ts';
import { killAndReap, killAndWait, SIGKILL, withPidfd } from './kill.ts';
import { checkStatus, isBeingCreated, statusOf, type Creating } from './lifecycle.ts';
import { Made } from './made.ts';
import { isOursAtEnd, warnOfLeft } from './members.ts';
import { removeMounts } from './shared-mounts.ts';
import type { Runtime } from './runtime.ts';
import { salvage } from './salvage.ts';
import type { StoredState } from './state.ts';
import type { Store } from './store.ts';

/**
 * Removes what a container whose init has ended has made, by its record, and then the record. Idempotent. Processes that are left are
 * killed with the cgroup where they are its own: without a pid namespace of its own init does not take them along.
 */
export async function destroyContainer(runtime: Runtime, state: StoredState): Promise<void> {
  const { store, log } = runtime;
  const made = new Made(() => store.remove(state.id));
  made.note(() => removeMounts(state));
  made.note(() => removeCgroups(log, state));
  await made.takeBack();
  await runHooksLeniently(runtime, state, 'poststop', 'stopped');
}

async function removeCgroups(log: Log, state: StoredState): Promise<void> {
  const { cgroupPlaces, foundCgroups: found = [] } = state;
  warnOfLeft(log, await openCgroup(cgroupPlaces).remove({ isOurs: isOursAtEnd(state), found }));
}

/** What follows the end of a container in the foreground. */
export function endingOf({ store }: Runtime, state: StoredState): Ending {
  const cgroups = openCgroup(state.cgroupPlaces).directories();
  const isMore =
    (state.config.hooks?.poststop ?? []).length > 0 ||
    state.rootfsMounts !== undefined ||
    state.foundCgroups !== undefined ||
    store.hasMore(state.id);
  if (cgroups === undefined || isMore) return {};
  return { removal: { cgroups, directory: store.directory(state.id), files: [store.fileName] } };
}

/** `delete`. With force what runs is killed, and what is not there is fine. */
export async function deleteContainer(runtime: Runtime, id: string, options: { force: boolean }): Promise<void> {
  const { store } = runtime;
  try {
    const state = loadIfGood(store, id);
    if (state !== undefined && isBeingCreated(state)) await endCreation(state, options);
    await store.locked(id, () => deleteLocked(runtime, id, options));
  } catch (error) {
    if (!isNotFound(error) || !options.force) throw error;
  }
}

/** Whoever makes a container holds its lock, and takes everything back when the front that has asked for it is gone. */
async function endCreation({ id, creator }: Creating, { force }: { force: boolean }): Promise<void> {
  if (!force) checkStatus('delete', id, 'creating');
  await withPidfd(creator, ({ number }) => native().signalPidfd(number, SIGKILL));
}

/** Ends and removes the container that was `created` at that time; a later one of the same id, or none, is left alone. */
export async function finishContainer(runtime: Runtime, id: string, created: string): Promise<void> {
  await unlessGone(() => runtime.store.locked(id, () => finishLocked(runtime, id, created)));
}

/** The same for a container that could not be handed over, also where the caller is gone. */
export async function undoCreated(runtime: Runtime, { state, executor }: Created): Promise<void> {
  const { id, created } = state;
  const made = new Made(() =>
    unlessGone(() => runtime.store.lockedAnyway(id, () => finishLocked(runtime, id, created))),
  );
  made.note(() => killAndReap(runtime.caller, state));
  made.note(() => executor.close());
  await made.takeBack();
}

async function finishLocked(runtime: Runtime, id: string, created: string): Promise<void> {
  const { store } = runtime;
  if (!store.has(id)) {
    store.removeUnsaved(id);
    return;
  }
  const state = store.load(id);
  if (state.created !== created) return;
  if (statusOf(state) !== 'stopped') await killAndWait(state);
  await destroyContainer(runtime, state);
}

async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Undefined for one that cannot be read, or is not there yet. */
function loadIfGood(store: Store, id: string): StoredState | undefined {
  try {
    return store.load(id);
  } catch {
    return undefined;
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
    if (!force) throw error;
    if (isNotFound(error))
      runtime.store.remove(id); // a directory that a killed runtime has left
    else if (error instanceof FileError) await removeDamaged(runtime, id, error);
    else throw error;
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
