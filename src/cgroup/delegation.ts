// Owns the giving of a cgroup of v2 to the container's user: whether, to whom, and which files. config-linux.md, Cgroup ownership.
import { chownSync } from 'node:fs';
import { errorCode, FileError } from '../errors.ts';
import type { Config } from '../oci/types.ts';
import { readCgroupFile } from './files.ts';

/** Where the kernel has no list of its own. */
const DELEGATED = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/**
 * The user of the host that the container's user is; undefined where the cgroup stays root's. It changes hands only for a container
 * that sees it as the root of its own hierarchy, writable. Pure.
 */
export function planCgroupOwner({ process, linux, mounts }: Config): number | undefined {
  const namespace = (linux?.namespaces ?? []).find(({ type }) => type === 'cgroup');
  const isOwn = namespace !== undefined && !namespace.path;
  const mount = (mounts ?? []).findLast(({ destination }) => destination === '/sys/fs/cgroup');
  const isCgroup = mount?.type === 'cgroup' || mount?.type === 'cgroup2';
  if (!isOwn || !isCgroup || (mount.options ?? []).includes('ro')) return undefined;
  const uid = process?.user?.uid ?? 0;
  if (!(linux?.namespaces ?? []).some(({ type }) => type === 'user')) return uid;
  const map = (linux?.uidMappings ?? []).find(
    ({ containerID, size }) => uid >= containerID && uid < containerID + size,
  );
  return map === undefined ? undefined : map.hostID + uid - map.containerID;
}

/** Gives it the directory and the files that the kernel lists, those of them that are there; never a limit. */
export function delegateCgroup(directory: string, uid: number): void {
  const listed = readCgroupFile('/sys/kernel/cgroup/delegate')?.split('\n').filter(Boolean) ?? DELEGATED;
  for (const path of [directory, ...listed.map((name) => `${directory}/${name}`)])
    try {
      chownSync(path, uid, -1);
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT' || path === directory)
        throw new FileError(`give ${path} to the container's user ${uid}`, { cause });
    }
}
