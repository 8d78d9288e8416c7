// Owns linux.resources in the files of cgroup v1, cgroups(7) and the kernel's admin-guide/cgroup-v1. Pure.
import type { DeviceRule, Resources } from '../oci/types.ts';
import { requireV1 } from './convertible.ts';

/** One value for one file of one controller. */
export interface CgroupWrite {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** What to write where the kernel has no such file; absent: that is an error. */
  readonly otherwise?: Pick<CgroupWrite, 'file' | 'value'> | 'nothing';
}

/** The writes for a new cgroup, devices first. */
export function planResourcesV1(resources: Resources | undefined): CgroupWrite[] {
  return [...planDevicesV1(resources?.devices), ...planLimitsV1(resources ?? {})];
}

/** The writes for a cgroup with processes in it: what is not given stays. */
export function planUpdateV1(resources: Resources): CgroupWrite[] {
  return [...(resources.devices === undefined ? [] : planDevicesV1(resources.devices)), ...planLimitsV1(resources)];
}

/** In an order in which the kernel takes them. */
function planLimitsV1(resources: Resources): CgroupWrite[] {
  requireV1(resources);
  return [
    ...planMemory(resources.memory),
    ...planCpu(resources.cpu),
    ...planPids(resources.pids),
    ...planBlockIo(resources.blockIO),
    ...planOthers(resources),
  ];
}

const ALL_DEVICES = 'a *:* rwm';

/**
 * What every container may do whatever its rules say: make nodes, and use the default devices, consoles and
 * pseudoterminals. Without them the specification's default devices could not be supplied; as runc.
 */
export const ALWAYS_ALLOWED_RULES: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
  { allow: true, type: 'c', major: 10, minor: 200, access: 'rwm' },
];

/** Everything is denied first: what no rule allows is not allowed. */
export function planDevicesV1(rules: readonly DeviceRule[] | undefined): CgroupWrite[] {
  const all = [...(rules ?? []), ...ALWAYS_ALLOWED_RULES];
  return [deviceWrite(false, ALL_DEVICES), ...all.map((rule) => deviceWrite(rule.allow, describeDeviceRule(rule)))];
}

function deviceWrite(allow: boolean, value: string): CgroupWrite {
  return { controller: 'devices', file: allow ? 'devices.allow' : 'devices.deny', value };
}

/** A rule in the words of devices.allow: unset means all. */
export function describeDeviceRule(rule: DeviceRule): string {
  const number = (value: number | null | undefined) =>
    value === undefined || value === null || value < 0 ? '*' : String(value);
  const type = rule.type ?? 'a';
  const numbers = `${number(rule.major)}:${number(rule.minor)}`;
  if (type === 'a') return ALL_DEVICES; // the kernel takes no numbers with "a"
  return `${type} ${numbers} ${rule.access || 'rwm'}`;
}

function planMemory(memory: Resources['memory']): CgroupWrite[] {
  if (memory === undefined) return [];
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: number | null | undefined) => {
    if (value !== undefined && value !== null)
      writes.push({ controller: 'memory', file: `memory.${file}`, value: String(value) });
  };
  // Callers that speak Go send 0 for what they leave alone.
  const set = (value: number | null | undefined) => value || undefined;
  // memory+swap can never be below memory: for a new cgroup the lower one comes first. Unlimited memory takes swap with it.
  add('limit_in_bytes', set(memory.limit));
  add('memsw.limit_in_bytes', set(memory.swap) ?? (memory.limit === -1 ? -1 : undefined));
  add('soft_limit_in_bytes', set(memory.reservation));
  add('kmem.tcp.limit_in_bytes', set(memory.kernelTCP));
  add('swappiness', memory.swappiness);
  if (memory.disableOOMKiller) add('oom_control', 1);
  return writes;
}

function planCpu(cpu: Resources['cpu']): CgroupWrite[] {
  if (cpu === undefined) return [];
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: number | null | undefined) => {
    if (value !== undefined && value !== null)
      writes.push({ controller: 'cpu', file: `cpu.${file}`, value: String(value) });
  };
  if (cpu.shares) add('shares', cpu.shares);
  if (cpu.realtimePeriod) add('rt_period_us', cpu.realtimePeriod);
  if (cpu.realtimeRuntime) add('rt_runtime_us', cpu.realtimeRuntime);
  if (cpu.period) add('cfs_period_us', cpu.period);
  if (cpu.quota) add('cfs_quota_us', cpu.quota);
  add('cfs_burst_us', cpu.burst);
  add('idle', cpu.idle);
  if (cpu.cpus) writes.push({ controller: 'cpuset', file: 'cpuset.cpus', value: cpu.cpus });
  if (cpu.mems) writes.push({ controller: 'cpuset', file: 'cpuset.mems', value: cpu.mems });
  return writes;
}

function planPids(pids: Resources['pids']): CgroupWrite[] {
  if (pids?.limit === undefined || pids.limit === null) return [];
  return [{ controller: 'pids', file: 'pids.max', value: pids.limit < 0 ? 'max' : String(pids.limit) }];
}

/** Since the CFQ scheduler has gone, weights are those of BFQ: they have the same range, and a name of their own. */
function planWeights(blockIO: NonNullable<Resources['blockIO']>): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: string | number, bfqFile?: string) =>
    writes.push({
      controller: 'blkio',
      file: `blkio.${file}`,
      value: String(value),
      ...(bfqFile === undefined ? {} : { otherwise: { file: `blkio.${bfqFile}`, value: String(value) } }),
    });
  if (blockIO.weight) add('weight', blockIO.weight, 'bfq.weight');
  if (blockIO.leafWeight) add('leaf_weight', blockIO.leafWeight);
  for (const device of blockIO.weightDevice ?? []) {
    const number = `${device.major}:${device.minor}`;
    if (device.weight != null) add('weight_device', `${number} ${device.weight}`, 'bfq.weight_device');
    if (device.leafWeight != null) add('leaf_weight_device', `${number} ${device.leafWeight}`);
  }
  return writes;
}

function planBlockIo(blockIO: Resources['blockIO']): CgroupWrite[] {
  if (blockIO === undefined) return [];
  const writes = planWeights(blockIO);
  const throttles = [
    ['throttle.read_bps_device', blockIO.throttleReadBpsDevice],
    ['throttle.write_bps_device', blockIO.throttleWriteBpsDevice],
    ['throttle.read_iops_device', blockIO.throttleReadIOPSDevice],
    ['throttle.write_iops_device', blockIO.throttleWriteIOPSDevice],
  ] as const;
  for (const [file, devices] of throttles)
    for (const { major, minor, rate } of devices ?? [])
      writes.push({ controller: 'blkio', file: `blkio.${file}`, value: `${major}:${minor} ${rate}` });
  return writes;
}

function planOthers(resources: Resources): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  for (const { pageSize, limit } of resources.hugepageLimits ?? [])
    writes.push(...hugetlbWrites(pageSize, String(limit), 'limit_in_bytes'));
  if (resources.network?.classID)
    writes.push({ controller: 'net_cls', file: 'net_cls.classid', value: String(resources.network.classID) });
  for (const { name, priority } of resources.network?.priorities ?? [])
    writes.push({ controller: 'net_prio', file: 'net_prio.ifpriomap', value: `${name} ${priority}` });
  for (const [device, limits] of Object.entries(resources.rdma ?? {}))
    writes.push({ controller: 'rdma', file: 'rdma.max', value: rdmaLimit(device, limits) });
  return writes;
}

/** The limit of pages in use, and of those reserved, which Linux 5.7 added. config-linux.md, Huge page limits. */
export function hugetlbWrites(pageSize: string, value: string, file: string): CgroupWrite[] {
  const controller = 'hugetlb';
  return [
    { controller, file: `hugetlb.${pageSize}.${file}`, value },
    { controller, file: `hugetlb.${pageSize}.rsvd.${file}`, value, otherwise: 'nothing' },
  ];
}

/** "mlx5_0 hca_handle=2 hca_object=2000", admin-guide/cgroup-v1/rdma. */
export function rdmaLimit(device: string, limits: { hcaHandles?: number; hcaObjects?: number }): string {
  const parts = [device];
  if (limits.hcaHandles !== undefined) parts.push(`hca_handle=${limits.hcaHandles}`);
  if (limits.hcaObjects !== undefined) parts.push(`hca_object=${limits.hcaObjects}`);
  return parts.join(' ');
}
