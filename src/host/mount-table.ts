// Owns the reading of our mount namespace's table: once, and again when the kernel says that it has changed.
import { openSync, readFileSync } from 'node:fs';
import { native } from '../native/binding.ts';
import { parseCgroupMounts, parseMountInfo, type MountInfo } from './mountinfo.ts';

const PATH = '/proc/self/mountinfo';
/** Open as long as this process lives: poll(2) tells of a change, proc_pid_mounts(5). */
let file: number | undefined;
let cgroupMounts: readonly MountInfo[] = [];

/** Where cgroup hierarchies are mounted. */
export function readCgroupMounts(): readonly MountInfo[] {
  if (file !== undefined && !native().hasChanged(file)) return cgroupMounts;
  file ??= openSync(PATH, 'r');
  // By name: the position of the open file is past its end.
  cgroupMounts = parseCgroupMounts(readFileSync(PATH, 'utf8'));
  return cgroupMounts;
}

/** Where the root of a procfs or sysfs is mounted, outside of `rootfs`. */
export function readWholePseudo(rootfs: string): string[] {
  return readMountTable()
    .filter(({ type, root }) => (type === 'proc' || type === 'sysfs') && root === '/')
    .map(({ mountpoint }) => mountpoint)
    .filter((mountpoint) => mountpoint !== rootfs && !mountpoint.startsWith(`${rootfs}/`));
}

/** Every mount, as it is now. */
export function readMountTable(): readonly MountInfo[] {
  return parseMountInfo(readFileSync(PATH, 'utf8'));
}
