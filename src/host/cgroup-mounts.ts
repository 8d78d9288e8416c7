// Owns the finding of the host's cgroup hierarchies: mountinfo and /proc/self/cgroup put together, cgroups(7).
import type { Hierarchy } from '../plan/facts.ts';
import type { MountInfo } from './mountinfo.ts';

/** Options of a v1 mount that are not controllers. */
const NOT_CONTROLLERS = new Set([
  'rw',
  'ro',
  'xattr',
  'clone_children',
  'cpuset_v2_mode',
  'none',
  'all',
  'noprefix',
  'relatime',
]);

/** The hierarchies, each at its first mount point, in the order of the mount table. */
export function findHierarchies(mounts: readonly MountInfo[], procCgroup: string): Hierarchy[] {
  const own = parseProcCgroup(procCgroup);
  const found = new Map<string, Hierarchy>();
  for (const mount of mounts) {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') continue;
    const version = mount.type === 'cgroup' ? 1 : 2;
    const controllers = version === 1 ? mount.superOptions.filter(isController) : [];
    const key = controllers.join(',');
    if (found.has(key) || (version === 1 && key === '')) continue;
    found.set(key, {
      version,
      controllers,
      mountpoint: mount.mountpoint,
      ownPath: pathFrom(mount.root, own.get(sortKey(key)) ?? '/'),
    });
  }
  return [...found.values()];
}

function isController(option: string): boolean {
  return !NOT_CONTROLLERS.has(option) && !option.startsWith('release_agent=');
}

function sortKey(controllers: string): string {
  return controllers.split(',').sort().join(',');
}

/** Lines "ID:CONTROLLERS:PATH"; the line of v2 has no controllers. */
export function parseProcCgroup(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, ...path] = line.split(':');
    if (controllers !== undefined && path.length > 0) paths.set(sortKey(controllers), path.join(':'));
  }
  return paths;
}

/** A cgroup path as seen below a mount that shows only the part below `root`. */
function pathFrom(root: string, path: string): string {
  if (root === '/' || !path.startsWith(root)) return path;
  return path.slice(root.length) || '/';
}
