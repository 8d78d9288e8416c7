// Owns the words for a limit that the host does not take: a controller or a file that is not there, and the errors whose names say
// too little. Reads the host only once something has failed.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, FileError } from '../errors.ts';
import type { CgroupPlace } from '../plan/facts.ts';
import { readCgroupFile } from './files.ts';
import type { CgroupWrite } from './resources-v1.ts';

/** Why a kernel can lack a file although the controller is there, and what to do. */
const ABSENT: readonly (readonly [RegExp, string])[] = [
  [
    /^blkio\.(bfq\.)?weight/,
    'I/O weights need the BFQ scheduler in the kernel: modprobe bfq, or leave blockIO.weight out',
  ],
  [/^blkio\.leaf_weight/, 'Linux 5.0 removed leaf weights with the CFQ scheduler: leave blockIO.leafWeight out'],
  [/^io\.(bfq\.)?weight/, 'I/O weights need the BFQ scheduler (modprobe bfq) or CONFIG_BLK_CGROUP_IOCOST'],
  [/^memory\.(memsw|swap)/, 'the kernel does not count swap: start it with swapaccount=1, or leave memory.swap out'],
  [/^memory\.kmem/, 'newer kernels have no limits for their own memory: leave memory.kernelTCP out'],
  [/^cpu\.rt_/, 'realtime limits need a kernel with CONFIG_RT_GROUP_SCHED: leave them out'],
  [/^cpu\.(cfs_burst_us|max\.burst)/, 'cpu.burst needs Linux 5.14'],
  [/^cpu\.idle/, 'cpu.idle needs Linux 5.15'],
  [/^cpu\.(cfs_|max)/, 'CPU quotas need a kernel with CONFIG_CFS_BANDWIDTH'],
  [/^hugetlb\./, 'the kernel has no pages of this size: those that it has are in /sys/kernel/mm/hugepages'],
];

/** A file that is not there, in the directory of its controller. */
export function absentFile(write: CgroupWrite, directory: string): FileError {
  const { controller, file } = write;
  if (!existsSync(directory)) return new FileError(`${named(write)}: the cgroup ${directory} is gone`);
  const isV2 = existsSync(`${directory}/cgroup.controllers`);
  if (isV2 && controller !== 'cgroup' && !controllersOf(directory).includes(controller))
    return notHandedDown(write, directory);
  return new FileError(
    `${named(write)}: this kernel has no such file, although the cgroup controller ${controller} is there`,
    {
      hint: ABSENT.find(([files]) => files.test(file))?.[1] ?? 'the name is mistyped, or the kernel is too old for it',
    },
  );
}

/** On v1 and hybrid hosts: the controller has no hierarchy here. */
export function absentController(write: CgroupWrite, places: readonly CgroupPlace[]): FileError {
  const { controller } = write;
  const unified = places.find(({ hierarchy }) => hierarchy.version === 2)?.hierarchy.mountpoint;
  const isOnV2 = unified !== undefined && controllersOf(unified).includes(controller);
  return new FileError(`${named(write)}: the cgroup controller ${controller} is not mounted on this host`, {
    hint: isOnV2
      ? `here it belongs to cgroup v2 (${unified}), and limits are those of v1: mount it there, or leave the value out`
      : `mount -t cgroup -o ${controller} cgroup DIRECTORY mounts it, where /proc/cgroups has it`,
  });
}

/** On v2 a cgroup has those controllers that all above it hand down. */
function notHandedDown(write: CgroupWrite, directory: string): FileError {
  const { controller } = write;
  let giver = directory;
  while (existsSync(`${dirname(giver)}/cgroup.controllers`) && !controllersOf(giver).includes(controller))
    giver = dirname(giver);
  return new FileError(`${named(write)}: the cgroup controller ${controller} is not available in ${directory}`, {
    hint: controllersOf(giver).includes(controller)
      ? withholds(giver, readCgroupFile(`${giver}/cgroup.type`) ?? 'domain')
      : `neither is it in ${giver}: the kernel lacks it, it is switched off (cgroup_disable=), or v1 has it`,
  });
}

function withholds(giver: string, type: string): string {
  return type === 'domain'
    ? `${giver} does not hand it down: it has processes of its own, or nobody may write its cgroup.subtree_control`
    : `${giver} is ${type}: such a cgroup has only the controllers that count threads (cpu, cpuset, pids)`;
}

function named({ file, value }: CgroupWrite): string {
  return `${file} = ${value}`;
}

/** A value that the kernel has refused. The error's own name stays in the cause. */
export function refusedValue(error: unknown, { file }: CgroupWrite, directory: string): unknown {
  const cause = error instanceof FileError ? error.cause : error;
  const hint = hintFor(errorCode(cause) ?? '', file, directory);
  return error instanceof FileError && hint !== undefined ? new FileError(error.message, { cause, hint }) : error;
}

function hintFor(code: string, file: string, directory: string): string | undefined {
  const parent = dirname(directory);
  if (code === 'EROFS') return `the cgroup filesystem is mounted read-only: mount -o remount,rw ${parent}`;
  const list = /^cpuset\.(cpus|mems)$/.exec(file)?.[1];
  if (list !== undefined) return listHint(list as 'cpus' | 'mems', directory);
  if (/^(blkio|io)\./.test(file) && code === 'ENODEV')
    return 'no block device has these numbers: lsblk shows those there are';
  if (/^(blkio|io)\..*weight/.test(file) && (code === 'ENOTSUP' || code === 'EOPNOTSUPP'))
    return 'the weight of a device needs its scheduler to be bfq (/sys/block/NAME/queue/scheduler), or io.cost.qos for it';
  if (file === 'memory.limit_in_bytes' && code === 'EBUSY')
    return `its processes use ${readCgroupFile(`${directory}/memory.usage_in_bytes`)} bytes: a limit cannot be below that`;
  if (/^memory\.(memsw\.)?limit_in_bytes$/.test(file) && code === 'EINVAL')
    return 'memory.swap limits memory and swap together: it cannot be below memory.limit';
  if (/^cpu\.(cfs_|max)/.test(file) && code === 'EINVAL')
    return "a quota is at least 1000 microseconds and a period 1000 to 1000000; quota / period is at most the parent's, and burst at most quota";
  if (/^cpu\.rt_/.test(file) && code === 'EINVAL')
    return `the runtime of all groups below ${parent} is at most its own: ${readCgroupFile(`${parent}/cpu.rt_runtime_us`)} microseconds`;
  return undefined;
}

const ONLINE = { cpus: '/sys/devices/system/cpu/online', mems: '/sys/devices/system/node/online' } as const;
const NAMES = { cpus: 'CPUs', mems: 'memory nodes' } as const;

function listHint(list: 'cpus' | 'mems', directory: string): string {
  const parent = dirname(directory);
  const given = readCgroupFile(`${parent}/cpuset.${list}.effective`) ?? readCgroupFile(`${parent}/cpuset.${list}`);
  const here = readCgroupFile(ONLINE[list]) ?? '0';
  return `this host has the ${NAMES[list]} ${here}${given === undefined || given === here ? '' : `, and the cgroup above may use ${given || 'none'}`}`;
}

function controllersOf(directory: string): string[] {
  return (readCgroupFile(`${directory}/cgroup.controllers`) ?? '').split(' ').filter(Boolean);
}
