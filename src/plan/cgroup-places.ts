// Owns the answer to "which cgroup?": linux.cgroupsPath and the container id to a directory in each hierarchy. Pure.
import type { CgroupPlace, Facts, Hierarchy } from './facts.ts';
import { cleanPath } from './paths.ts';

/**
 * An absolute cgroupsPath is taken from each mount point; a relative one, and the default (the id), from the cgroup that
 * tsrunc itself is in, which is where its caller wants to account it. config-linux.md, Cgroups Path; as runc.
 */
export function planCgroupPlaces(facts: Facts, id: string, cgroupsPath: string | undefined): CgroupPlace[] {
  const wanted = cgroupsPath === undefined || cgroupsPath === '' ? id : cgroupsPath;
  return facts.hierarchies
    .filter((hierarchy) => facts.cgroupVersion === 2 || hierarchy.version === 1)
    .map((hierarchy) => ({ hierarchy, directory: `${hierarchy.mountpoint}${insidePath(hierarchy, wanted)}` }));
}

function insidePath(hierarchy: Hierarchy, wanted: string): string {
  const inside = wanted.startsWith('/') ? cleanPath(wanted) : cleanPath(`${base(hierarchy)}/${cleanPath(wanted)}`);
  return inside === '/' ? '' : inside;
}

/** On v2 a cgroup with processes of its own, such as tsrunc itself, hands no controllers to those below it: beside it, then. */
function base(hierarchy: Hierarchy): string {
  return hierarchy.version === 1 ? hierarchy.ownPath : hierarchy.ownPath.slice(0, hierarchy.ownPath.lastIndexOf('/'));
}
