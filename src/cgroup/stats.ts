// Owns the shape of statistics that `events` prints (runc's), and the parsing of the kernel's files into it. Reads no file.

export interface MemoryUsage {
  readonly limit: number;
  readonly usage?: number;
  readonly max?: number;
  readonly failcnt: number;
}

export interface BlkioEntry {
  readonly major: number;
  readonly minor: number;
  readonly op?: string;
  readonly value: number;
}

export interface Pressure {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: number;
}

export interface Psi {
  readonly some: Pressure;
  readonly full: Pressure;
}

export interface CgroupStats {
  readonly cpu: {
    readonly usage: {
      readonly total?: number;
      readonly percpu?: readonly number[];
      readonly kernel: number;
      readonly user: number;
    };
    readonly throttling: {
      readonly periods?: number;
      readonly throttledPeriods?: number;
      readonly throttledTime?: number;
    };
    readonly psi?: Psi;
  };
  readonly cpuset: Readonly<Record<string, unknown>>;
  readonly memory: {
    readonly cache?: number;
    readonly usage: MemoryUsage;
    readonly swap: MemoryUsage;
    readonly kernel: MemoryUsage;
    readonly kernelTCP: MemoryUsage;
    readonly raw: Readonly<Record<string, number>>;
    readonly psi?: Psi;
  };
  readonly pids: { readonly current?: number; readonly limit?: number };
  readonly blkio: Readonly<Record<string, readonly BlkioEntry[]>>;
  readonly hugetlb: Readonly<
    Record<string, { readonly usage?: number; readonly max?: number; readonly failcnt: number }>
  >;
  readonly intel_rdt: object;
  readonly network_interfaces: null;
}

/** "key value" lines. */
export function parseFlat(text: string | undefined): Record<string, number> {
  const result: Record<string, number> = {};
  for (const line of (text ?? '').split('\n')) {
    const [key, value] = line.split(' ');
    if (key && value !== undefined) result[key] = Number(value);
  }
  return result;
}

/** "8:0 Read 4096" of v1; lines of sums have no device. */
export function parseBlkio(text: string | undefined): BlkioEntry[] {
  const entries: BlkioEntry[] = [];
  for (const line of (text ?? '').split('\n')) {
    const match = /^(\d+):(\d+)(?: ([A-Z]\w+))? (\d+)$/.exec(line);
    if (match === null) continue;
    const [, major, minor, op, value] = match;
    entries.push({
      major: Number(major),
      minor: Number(minor),
      ...(op === undefined ? {} : { op }),
      value: Number(value),
    });
  }
  return entries;
}

/** "8:0 rbytes=1 wbytes=2" of v2's io.stat: the value of one key for each device. */
export function parseIoStat(text: string | undefined, key: string, op: string): BlkioEntry[] {
  const entries: BlkioEntry[] = [];
  for (const line of (text ?? '').split('\n')) {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    const value = new RegExp(`\\b${key}=(\\d+)`).exec(match?.[3] ?? '')?.[1];
    if (match === null || value === undefined) continue;
    entries.push({ major: Number(match[1]), minor: Number(match[2]), op, value: Number(value) });
  }
  return entries;
}

/** cpu.pressure and the like; undefined where the kernel has none. */
export function parsePsi(text: string | undefined): Psi | undefined {
  if (text === undefined || text === '') return undefined;
  const line = (name: string): Pressure => {
    const values = parseFlat(
      (text.split('\n').find((l) => l.startsWith(name)) ?? '').replaceAll(' ', '\n').replaceAll('=', ' '),
    );
    return {
      avg10: values['avg10'] ?? 0,
      avg60: values['avg60'] ?? 0,
      avg300: values['avg300'] ?? 0,
      total: values['total'] ?? 0,
    };
  };
  return { some: line('some'), full: line('full') };
}

/** "0-2,5" as a list. */
export function parseList(text: string | undefined): number[] {
  return (text ?? '')
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: (last ?? 0) - (first ?? 0) + 1 }, (_, i) => (first ?? 0) + i);
    });
}

/** A limit: "max" is 0 for counts. */
export function parseLimit(text: string | undefined, unlimited: number): number {
  return text === undefined || text === 'max' ? unlimited : Number(text);
}
