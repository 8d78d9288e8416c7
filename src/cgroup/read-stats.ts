// Owns the reading of statistics from cgroup v1 and v2 files, each in its function.
import { readdirSync } from 'node:fs';
import { readCgroupFile } from './files.ts';
import {
  parseBlkio,
  parseFlat,
  parseIoStat,
  parseLimit,
  parseList,
  parsePsi,
  type CgroupStats,
  type MemoryUsage,
} from './stats.ts';

const UNLIMITED = 2 ** 64;
const NANOSECONDS = 1000;

/** `directoryOf` gives the container's directory for a controller, where the host has it. */
export function readStatsV1(directoryOf: (controller: string) => string | undefined): CgroupStats {
  const read = (controller: string, file: string) => {
    const directory = directoryOf(controller);
    return directory === undefined ? undefined : readCgroupFile(`${directory}/${file}`);
  };
  const number = (controller: string, file: string) => Number(read(controller, file) ?? 0);
  const memory = (name: string): MemoryUsage => ({
    limit: Number(read('memory', `memory.${name}limit_in_bytes`) ?? 0),
    usage: number('memory', `memory.${name}usage_in_bytes`),
    max: number('memory', `memory.${name}max_usage_in_bytes`),
    failcnt: number('memory', `memory.${name}failcnt`),
  });
  const throttling = parseFlat(read('cpu', 'cpu.stat'));
  const raw = parseFlat(read('memory', 'memory.stat'));
  const blkio = (file: string) => parseBlkio(read('blkio', `blkio.${file}`));
  return {
    cpu: {
      usage: {
        total: number('cpuacct', 'cpuacct.usage'),
        percpu: (read('cpuacct', 'cpuacct.usage_percpu') ?? '').split(/\s+/).filter(Boolean).map(Number),
        kernel: number('cpuacct', 'cpuacct.usage_sys'),
        user: number('cpuacct', 'cpuacct.usage_user'),
      },
      throttling: {
        periods: throttling['nr_periods'] ?? 0,
        throttledPeriods: throttling['nr_throttled'] ?? 0,
        throttledTime: throttling['throttled_time'] ?? 0,
      },
    },
    cpuset: {
      cpus: parseList(read('cpuset', 'cpuset.cpus')),
      cpu_exclusive: number('cpuset', 'cpuset.cpu_exclusive'),
      mems: parseList(read('cpuset', 'cpuset.mems')),
      mem_hardwall: number('cpuset', 'cpuset.mem_hardwall'),
      mem_exclusive: number('cpuset', 'cpuset.mem_exclusive'),
      memory_migrate: number('cpuset', 'cpuset.memory_migrate'),
      memory_spread_page: number('cpuset', 'cpuset.memory_spread_page'),
      memory_spread_slab: number('cpuset', 'cpuset.memory_spread_slab'),
      memory_pressure: number('cpuset', 'cpuset.memory_pressure'),
      sched_load_balance: number('cpuset', 'cpuset.sched_load_balance'),
      sched_relax_domain_level: number('cpuset', 'cpuset.sched_relax_domain_level'),
    },
    memory: {
      cache: raw['cache'] ?? 0,
      usage: memory(''),
      swap: memory('memsw.'),
      kernel: memory('kmem.'),
      kernelTCP: memory('kmem.tcp.'),
      raw,
    },
    pids: { current: number('pids', 'pids.current'), limit: parseLimit(read('pids', 'pids.max'), 0) },
    blkio: {
      ioServiceBytesRecursive: blkio('throttle.io_service_bytes_recursive'),
      ioServicedRecursive: blkio('throttle.io_serviced_recursive'),
      ioQueueRecursive: blkio('io_queued_recursive'),
      ioServiceTimeRecursive: blkio('io_service_time_recursive'),
      ioWaitTimeRecursive: blkio('io_wait_time_recursive'),
      ioMergedRecursive: blkio('io_merged_recursive'),
      ioTimeRecursive: blkio('time_recursive'),
      sectorsRecursive: blkio('sectors_recursive'),
    },
    hugetlb: hugetlb(directoryOf('hugetlb'), 'limit_in_bytes', 'usage_in_bytes', 'max_usage_in_bytes'),
    intel_rdt: {},
    network_interfaces: null,
  };
}

export function readStatsV2(directory: string): CgroupStats {
  const read = (file: string) => readCgroupFile(`${directory}/${file}`);
  const cpu = parseFlat(read('cpu.stat'));
  const raw = parseFlat(read('memory.stat'));
  const io = read('io.stat');
  const psi = (file: string) => {
    const pressure = parsePsi(read(file));
    return pressure === undefined ? {} : { psi: pressure };
  };
  const memoryEvents = parseFlat(read('memory.events'));
  const none: MemoryUsage = { limit: 0, failcnt: 0 };
  return {
    cpu: {
      usage: {
        total: (cpu['usage_usec'] ?? 0) * NANOSECONDS,
        kernel: (cpu['system_usec'] ?? 0) * NANOSECONDS,
        user: (cpu['user_usec'] ?? 0) * NANOSECONDS,
      },
      throttling: {
        periods: cpu['nr_periods'] ?? 0,
        throttledPeriods: cpu['nr_throttled'] ?? 0,
        throttledTime: (cpu['throttled_usec'] ?? 0) * NANOSECONDS,
      },
      ...psi('cpu.pressure'),
    },
    cpuset: { cpus: parseList(read('cpuset.cpus')), mems: parseList(read('cpuset.mems')) },
    memory: {
      cache: raw['file'] ?? 0,
      usage: {
        limit: parseLimit(read('memory.max'), UNLIMITED),
        usage: Number(read('memory.current') ?? 0),
        max: Number(read('memory.peak') ?? 0),
        failcnt: memoryEvents['max'] ?? 0,
      },
      swap: {
        limit: parseLimit(read('memory.swap.max'), UNLIMITED),
        usage: Number(read('memory.swap.current') ?? 0),
        failcnt: 0,
      },
      kernel: { ...none, usage: raw['kernel'] ?? 0 },
      kernelTCP: none,
      raw,
      ...psi('memory.pressure'),
    },
    pids: { current: Number(read('pids.current') ?? 0), limit: parseLimit(read('pids.max'), 0) },
    blkio: {
      ioServiceBytesRecursive: [...parseIoStat(io, 'rbytes', 'Read'), ...parseIoStat(io, 'wbytes', 'Write')],
      ioServicedRecursive: [...parseIoStat(io, 'rios', 'Read'), ...parseIoStat(io, 'wios', 'Write')],
    },
    hugetlb: hugetlb(directory, 'max', 'current', 'current'),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function hugetlb(
  directory: string | undefined,
  limitFile: string,
  usageFile: string,
  maxFile: string,
): CgroupStats['hugetlb'] {
  if (directory === undefined) return {};
  const sizes = readdirSync(directory).flatMap((name) =>
    name.endsWith(`.${limitFile}`) ? (/^hugetlb\.(\w+)\./.exec(name)?.[1] ?? []) : [],
  );
  const read = (size: string, file: string) => Number(readCgroupFile(`${directory}/hugetlb.${size}.${file}`) ?? 0);
  return Object.fromEntries(
    sizes.map((size) => [size, { usage: read(size, usageFile), max: read(size, maxFile), failcnt: 0 }]),
  );
}
