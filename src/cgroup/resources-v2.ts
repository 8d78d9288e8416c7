// Owns linux.resources in the files of cgroup v2, the kernel's admin-guide/cgroup-v2. Pure. Devices are a BPF program there.
import { UsageError } from '../errors.ts';
import type { Resources } from '../oci/types.ts';
import { requireV2 } from './convertible.ts';
import { hugetlbWrites, rdmaLimit, type CgroupWrite } from './resources-v1.ts';

/** The writes; `controller` is what cgroup.subtree_control must enable. */
export function planResourcesV2(resources: Resources | undefined): CgroupWrite[] {
  if (resources === undefined) return [];
  requireV2(resources);
  const writes = [
    ...planMemory(resources.memory),
    ...planCpu(resources.cpu),
    ...planIo(resources.blockIO),
    ...planOthers(resources),
  ];
  // Last, so that who writes the files by name has the last word.
  for (const [file, value] of Object.entries(resources.unified ?? {}))
    writes.push({ controller: file.split('.')[0] ?? '', file, value });
  return writes;
}

function max(value: number): string {
  return value < 0 ? 'max' : String(value);
}

function planMemory(memory: Resources['memory']): CgroupWrite[] {
  if (memory === undefined) return [];
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: string) => writes.push({ controller: 'memory', file: `memory.${file}`, value });
  const { limit, reservation } = memory;
  const swap = swapBytes(memory);
  if (swap !== undefined) add('swap.max', max(swap));
  if (limit != null && limit !== 0) add('max', max(limit));
  if (reservation != null && reservation !== 0) add('low', max(reservation));
  return writes;
}

/** v1 limits memory and swap together, v2 swap alone. Bytes; -1 for no limit, undefined to leave it. */
export function swapBytes(memory: Resources['memory']): number | undefined {
  const { limit, swap } = memory ?? {};
  if (swap == null || swap === 0) return limit === -1 ? -1 : undefined;
  if (swap < 0) return -1;
  const hint = 'memory.swap limits memory and swap together; -1 is no limit';
  if (limit == null || limit <= 0) throw new UsageError('unable to set swap limit without memory limit', { hint });
  if (swap < limit) throw new UsageError('memory+swap limit should be >= memory limit', { hint });
  return swap - limit;
}

/** The weight of v2 (1 to 10000, default 100) for the shares of v1 (2 to 262144, default 1024): a curve through all three. */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

function planCpu(cpu: Resources['cpu']): CgroupWrite[] {
  if (cpu === undefined) return [];
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: string) => writes.push({ controller: 'cpu', file: `cpu.${file}`, value });
  if (cpu.idle != null) add('idle', String(cpu.idle));
  if (cpu.shares && !cpu.idle) add('weight', String(sharesToWeight(cpu.shares)));
  if (cpu.burst != null) add('max.burst', String(cpu.burst));
  if (cpu.quota || cpu.period) {
    const quota = cpu.quota && cpu.quota > 0 ? String(cpu.quota) : 'max';
    add('max', cpu.period ? `${quota} ${cpu.period}` : quota);
  }
  if (cpu.cpus) writes.push({ controller: 'cpuset', file: 'cpuset.cpus', value: cpu.cpus });
  if (cpu.mems) writes.push({ controller: 'cpuset', file: 'cpuset.mems', value: cpu.mems });
  return writes;
}

/** blkio's 10 to 1000 on io.weight's 1 to 10000. */
export function ioWeight(weight: number): number {
  return Math.floor(1 + ((weight - 10) * 9999) / 990);
}

function planIo(blockIO: Resources['blockIO']): CgroupWrite[] {
  if (blockIO === undefined) return [];
  const writes: CgroupWrite[] = [];
  // Where the BFQ scheduler is, its weights are what counts: as blkio's they go to 1000. io.weight is of the io.cost controller.
  const addWeight = (bfq: string, cost: string) => {
    const otherwise = { file: 'io.weight', value: cost };
    writes.push({ controller: 'io', file: 'io.bfq.weight', value: bfq, otherwise });
  };
  const { weight } = blockIO;
  if (weight) addWeight(String(weight), `default ${ioWeight(weight)}`);
  for (const { major, minor, weight: own } of blockIO.weightDevice ?? [])
    if (own != null) addWeight(`${major}:${minor} ${own}`, `${major}:${minor} ${ioWeight(own)}`);
  const throttles = [
    ['rbps', blockIO.throttleReadBpsDevice],
    ['wbps', blockIO.throttleWriteBpsDevice],
    ['riops', blockIO.throttleReadIOPSDevice],
    ['wiops', blockIO.throttleWriteIOPSDevice],
  ] as const;
  for (const [key, devices] of throttles)
    for (const { major, minor, rate } of devices ?? [])
      writes.push({ controller: 'io', file: 'io.max', value: `${major}:${minor} ${key}=${rate}` });
  return writes;
}

function planOthers(resources: Resources): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const limit = resources.pids?.limit;
  if (limit != null) writes.push({ controller: 'pids', file: 'pids.max', value: max(limit) });
  for (const { pageSize, limit } of resources.hugepageLimits ?? [])
    writes.push(...hugetlbWrites(pageSize, String(limit), 'max'));
  for (const [device, limits] of Object.entries(resources.rdma ?? {}))
    writes.push({ controller: 'rdma', file: 'rdma.max', value: rdmaLimit(device, limits) });
  return writes;
}
