// Owns the choice of a cgroup driver.
import type { CgroupPlace } from '../plan/facts.ts';
import { FsCgroup1 } from './fs1.ts';
import { FsCgroup2 } from './fs2.ts';
import type { CgroupManager } from './manager.ts';

export function openCgroup(places: readonly CgroupPlace[]): CgroupManager {
  return places[0]?.hierarchy.version === 2 ? new FsCgroup2(places[0]) : new FsCgroup1(places);
}
