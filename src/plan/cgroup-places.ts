// Owns the answer to "which cgroup?": linux.cgroupsPath and the container id to a directory in each hierarchy. Pure.
import { UsageError } from '../errors.ts';
import type { CgroupPlace, Facts, Hierarchy } from './facts.ts';
import { cleanPath } from './paths.ts';
import type { Op } from './types.ts';

/**
 * An absolute cgroupsPath is taken from each mount point; a relative one, and the default (the id), from the cgroup that
 * tsrunc itself is in, which is where its caller wants to account it. config-linux.md, Cgroups Path; as runc.
 */
export function planCgroupPlaces(facts: Facts, id: string, cgroupsPath: string | undefined): CgroupPlace[] {
  const wanted = cgroupsPath === undefined || cgroupsPath === '' ? id : cgroupsPath;
  // On a hybrid host v2 comes last: the container is in it, and has its limits from v1.
  return [...facts.hierarchies]
    .sort((a, b) => a.version - b.version)
    .map((hierarchy) => ({
      hierarchy,
      directory: `${hierarchy.mountpoint}${insidePath(base(hierarchy, facts), wanted)}`,
    }));
}

function insidePath(base: string, wanted: string): string {
  const inside = wanted.startsWith('/') ? cleanPath(wanted) : cleanPath(`${base}/${cleanPath(wanted)}`);
  // "Runtimes MAY consider certain cgroupsPath values to be invalid": limits there would be the host's, and every process a neighbour.
  if (inside === '/')
    throw new UsageError(
      `cgroupsPath ${JSON.stringify(wanted)} is the root of a cgroup hierarchy, which is the host's`,
      {
        hint: 'name a cgroup below it, or leave cgroupsPath out',
      },
    );
  return inside;
}

/**
 * Where v2 has the controllers, a cgroup with processes of its own, such as tsrunc itself, hands none to those below it: beside it,
 * then.
 */
function base({ ownPath }: Hierarchy, { cgroupVersion }: Facts): string {
  return cgroupVersion === 1 ? ownPath : ownPath.slice(0, ownPath.lastIndexOf('/'));
}

/** Opens the cgroups that init is to join. On v2 there is one, and init is born in it. */
export function planOpenCgroups(places: readonly CgroupPlace[]): Op[] {
  const isV2 = places.every(({ hierarchy }) => hierarchy.version === 2) ? 1 : 0;
  return places.map(({ directory }, slot) => ({ kind: 'openCgroup', path: directory, slot, isV2 }));
}

/**
 * The scope that systemd is asked for: cgroupsPath is SLICE:PREFIX:NAME, each of which may be empty. As runc. Only on v2: on v1
 * systemd would open every device again each time it reloads.
 */
export function planSystemdPlaces(facts: Facts, id: string, cgroupsPath: string | undefined): CgroupPlace[] {
  const hierarchy = facts.hierarchies.find(({ version }) => version === 2);
  if (facts.cgroupVersion !== 2 || hierarchy === undefined)
    throw new UsageError('cgroups through systemd need cgroup v2, and this host has v1', {
      hint: 'leave out --systemd-cgroup (docs/decisions/0008)',
    });
  // Root of a user namespace is nobody to the system's systemd.
  const isUser = facts.euid !== 0 || facts.isInUserNamespace;
  const [slice, prefix, name] = splitScope(cgroupsPath || `:tsrunc:${id}`);
  const unit = {
    slice: slice || (isUser ? 'user.slice' : 'system.slice'),
    name: `${prefix}-${name || id}.scope`, // an empty prefix, too, leaves the dash; as runc and crun
    isUser,
  };
  if (!/^[\w:.\\@-]+$/.test(unit.name) || unit.name.length > 255)
    throw new UsageError(`cgroupsPath ${JSON.stringify(cgroupsPath)}: ${unit.name} is no name of a unit`);
  const top = isUser ? managerOf(hierarchy) : '';
  return [{ hierarchy, directory: `${hierarchy.mountpoint}${top}${slicePath(unit.slice)}/${unit.name}`, unit }];
}

function splitScope(path: string): [string, string, string] {
  const parts = path.split(':');
  const [slice, prefix, name] = parts;
  if (parts.length !== 3 || slice === undefined || prefix === undefined || name === undefined)
    throw new UsageError(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(path)} instead`,
    );
  if (name.endsWith('.slice')) throw new UsageError(`cgroupsPath ${path}: a container is a scope, not a slice`);
  return [slice, prefix, name];
}

/** "a-b.slice" is below "a.slice"; "-.slice" is the root. systemd.slice(5). */
function slicePath(slice: string): string {
  const name = /^(-|[\w:.\\@]+(?:-[\w:.\\@]+)*)\.slice$/.exec(slice)?.[1];
  if (name === undefined) throw new UsageError(`${JSON.stringify(slice)} is no name of a slice`);
  if (name === '-') return '';
  const parts = name.split('-');
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('-')}.slice`).join('');
}

/**
 * The cgroup of the user's own systemd, above which an unprivileged process changes nothing. A login session is beside it, not below:
 * from there the user's systemd has processes moved by the system's.
 */
function managerOf({ ownPath }: Hierarchy): string {
  const manager = /^.*\/user@\d+\.service(?=\/|$)/.exec(ownPath)?.[0];
  if (manager !== undefined) return manager;
  const session = /^(.*\/user-(\d+)\.slice)\/session-[^/]+\.scope(?:\/|$)/.exec(ownPath);
  if (session !== null) return `${session[1]}/user@${session[2]}.service`;
  throw new UsageError(
    `the user's own systemd is not above ${ownPath}: start a session, or leave out --systemd-cgroup`,
  );
}
