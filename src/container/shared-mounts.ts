// Owns the mounts of a container without a mount namespace: they are in ours, and outlive it until they are taken away.
import { FileError } from '../errors.ts';
import { readMountTable } from '../host/mount-table.ts';
import { native } from '../native/binding.ts';
import type { StoredState } from './state.ts';

/** How many mounts stand on the directory, one upon the other. */
export function mountsOn(directory: string): number {
  return readMountTable().filter(({ mountpoint }) => mountpoint === directory).length;
}

/** Takes away what the container's start has mounted on its rootfs, with all that is on it. Idempotent. */
export function removeMounts(state: StoredState): void {
  if (state.rootfsMounts === undefined) return;
  for (let left = mountsOn(state.rootfs); left > state.rootfsMounts; left--) {
    try {
      native().detachMount(state.rootfs);
    } catch (cause) {
      throw new FileError(`unmount ${state.rootfs}`, { cause });
    }
  }
}
