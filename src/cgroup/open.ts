// Owns the choice of a cgroup driver.
import type { CgroupPlace } from '../plan/facts.ts';
import { FsCgroup1 } from './fs1.ts';
import { FsCgroup2 } from './fs2.ts';
import type { CgroupManager } from './manager.ts';
import { NoCgroup } from './none.ts';
import { SystemdCgroup } from './systemd.ts';

/** A hierarchy's root holds every process of the host: whatever a state file says, it is never a container's. */
export function openCgroup(given: readonly CgroupPlace[]): CgroupManager {
  const places = given.filter(({ hierarchy, directory }) => directory.replace(/\/+$/, '') !== hierarchy.mountpoint);
  const [place] = places;
  if (place === undefined) return new NoCgroup();
  if (place.unit !== undefined) return new SystemdCgroup(place, place.unit);
  return cgroupVersion(places) === 2 ? new FsCgroup2(place) : new FsCgroup1(places);
}

/** Which one the limits are of: a hybrid host has places of both, and its limits from v1. */
export function cgroupVersion(places: readonly CgroupPlace[]): 1 | 2 {
  return places.every(({ hierarchy }) => hierarchy.version === 2) ? 2 : 1;
}
