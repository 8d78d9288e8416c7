// Owns `mounts add` and `mounts remove`: bind mounts of a running container.
import { FileError, lastly, SpecError, UsageError } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { member, readJson } from '../oci/json.ts';
import type { Mount } from '../oci/types.ts';
import { validatePart } from '../oci/validate.ts';
import { resolveFrom } from '../plan/paths.ts';
import { planAddMounts, planRemoveMounts, refuseMount, type OpenedMount } from '../plan/running-mounts.ts';
import { executeApart } from './execute-apart.ts';
import { withPidfd } from './kill.ts';
import { checkStatus, whileAllowed } from './lifecycle.ts';
import type { Runtime } from './runtime.ts';
import { Slots } from './slots.ts';
import type { StoredState } from './state.ts';

/** Each is a descriptor of its own, once here and twice on the way to the helper: no limit of open files is as small as that. */
const AT_ONCE = 60;

export type MountAction = 'add' | 'remove';

/** The mounts of a file: config.json's `mounts`, alone or as its member. SpecError for what config.json could not hold. */
export async function readMounts(
  { caller }: Runtime,
  state: StoredState,
  file: string,
  action: MountAction,
): Promise<readonly Mount[]> {
  const document = readJson(file, caller);
  const isList = Array.isArray(document.value);
  const mounts = isList ? document.value : (document.value as { mounts?: unknown } | null)?.mounts;
  if (!Array.isArray(mounts)) throw new UsageError(`${file}: neither a list of mounts nor an object with "mounts"`);
  // To remove a mount its destination is enough.
  const value: unknown = action === 'add' ? mounts : mounts.map((mount: object) => ({ type: 'tmpfs', ...mount }));
  const faults = await validatePart(state.config, '/mounts', {
    ...(isList ? document : member(document, '/mounts')),
    value,
  });
  if (faults.length > 0) throw new SpecError(file, faults);
  mounts.forEach((mount: Mount, i) => {
    const why = refuseMount(mount, action);
    if (why !== undefined) throw new UsageError(`${file}: /${i} on ${mount.destination}: ${why}`);
  });
  return mounts as Mount[];
}

/** All of them or, on a failure, those before the one that is named. */
export async function changeMounts(
  runtime: Runtime,
  id: string,
  action: MountAction,
  mounts: readonly Mount[],
): Promise<void> {
  const { store } = runtime;
  await whileAllowed(store, 'mounts', id, async (state) => {
    if (state.rootfsMounts !== undefined)
      throw new UsageError('the container has no mount namespace of its own: its mounts are those of the host');
    const isThere = await withPidfd(state, async (pidfd) => {
      for (let i = 0; i < mounts.length; i += AT_ONCE)
        await changeSome(runtime, state, pidfd, { action, mounts: mounts.slice(i, i + AT_ONCE) });
    });
    if (!isThere) checkStatus('mounts', id, 'stopped');
  });
}

async function changeSome(
  runtime: Runtime,
  state: StoredState,
  pidfd: Descriptor,
  { action, mounts }: { action: MountAction; mounts: readonly Mount[] },
): Promise<void> {
  const slots = new Slots();
  const change = () => {
    const pidfdSlot = slots.add(native().duplicate(pidfd.number));
    const plan =
      action === 'add'
        ? planAddMounts(
            pidfdSlot,
            mounts.map((mount) => openMount(state, mount, slots)),
          )
        : planRemoveMounts(pidfdSlot, mounts);
    return executeApart(runtime, plan, slots.descriptors);
  };
  await lastly(change, () => slots.close());
}

function openMount(state: StoredState, mount: Mount, slots: Slots): OpenedMount {
  const source = resolveFrom(state.bundle, mount.source ?? '');
  const isRecursive = (mount.options ?? []).includes('rbind');
  try {
    return { mount, source, slot: slots.add(native().openTree(source, isRecursive)) };
  } catch (cause) {
    throw new FileError(`open ${source}, to bind it on ${mount.destination}`, { cause });
  }
}
