// Owns linux.resources in the words of systemd, systemd.resource-control(5). Pure. The files hold the same limits; systemd must
// know them, too, or it writes its own over them when it reloads.
import { UsageError } from '../errors.ts';
import type { UnitProperty } from '../native/binding.ts';
import type { Resources } from '../oci/types.ts';
import { parseVariant, type Typed } from './gvariant.ts';
import { ioWeight, sharesToWeight, swapBytes } from './resources-v2.ts';

const INFINITY = 2n ** 64n - 1n;
const MICROSECONDS = 1_000_000;
/** systemd keeps the quota as whole percents: 10 ms of a second. */
const QUOTA_STEP = 10_000;

const word = (value: number): bigint => (value < 0 ? INFINITY : BigInt(value));

/** What every scope of ours is, before its limits. */
export function planUnitProperties(id: string, slice: string, pid: number): UnitProperty[] {
  return [
    ['Description', 's', `container ${id} of tsrunc`],
    ['Slice', 's', slice],
    ['PIDs', 'au', [pid]],
    // The cgroup is ours below the scope's; systemd keeps its hands off and enables every controller it has.
    ['Delegate', 'b', true],
    ['DefaultDependencies', 'b', false],
    // Nothing of it stays, however it ends.
    ['CollectMode', 's', 'inactive-or-failed'],
    ['MemoryAccounting', 'b', true],
    ['CPUAccounting', 'b', true],
    ['IOAccounting', 'b', true],
    ['TasksAccounting', 'b', true],
  ];
}

/** The limits that systemd has words for; the files have the rest. */
export function planLimitProperties(resources: Resources | undefined): UnitProperty[] {
  const properties: UnitProperty[] = [];
  const { memory, cpu, blockIO, pids } = resources ?? {};
  if (memory?.limit) properties.push(['MemoryMax', 't', word(memory.limit)]);
  if (memory?.reservation) properties.push(['MemoryLow', 't', word(memory.reservation)]);
  const swap = swapBytes(memory);
  if (swap !== undefined) properties.push(['MemorySwapMax', 't', word(swap)]);
  if (cpu?.shares && !cpu.idle) properties.push(['CPUWeight', 't', BigInt(sharesToWeight(cpu.shares))]);
  if (cpu?.period) properties.push(['CPUQuotaPeriodUSec', 't', BigInt(cpu.period)]);
  if (cpu?.quota) properties.push(['CPUQuotaPerSecUSec', 't', quotaPerSecond(cpu.quota, cpu.period ?? 100_000)]);
  if (cpu?.cpus) properties.push(['AllowedCPUs', 'ay', parseCpuList(cpu.cpus)]);
  if (cpu?.mems) properties.push(['AllowedMemoryNodes', 'ay', parseCpuList(cpu.mems)]);
  if (blockIO?.weight) properties.push(['IOWeight', 't', BigInt(ioWeight(blockIO.weight))]);
  // TasksMax=0 is no value of systemd's; the file gets the 0.
  if (pids?.limit != null) properties.push(['TasksMax', 't', pids.limit === 0 ? 1n : word(pids.limit)]);
  return properties;
}

function quotaPerSecond(quota: number, period: number): bigint {
  if (quota < 0) return INFINITY;
  return BigInt(Math.ceil((quota * MICROSECONDS) / period / QUOTA_STEP) * QUOTA_STEP);
}

/** "0-3,7" as a mask of bits, the lowest byte first; cpuset(7), List format. */
export function parseCpuList(list: string): Uint8Array {
  const bits: number[] = [];
  for (const part of list.split(',').filter((text) => text.trim() !== '')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first || last > 8191)
      throw new UsageError(`${JSON.stringify(list)} is no list such as 0-3,7`);
    for (let bit = first; bit <= last; bit++) bits.push(bit);
  }
  const mask = new Uint8Array(Math.floor(Math.max(0, ...bits) / 8) + 1);
  for (const bit of bits) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (1 << (bit & 7));
  return mask;
}

const PREFIX = 'org.systemd.property.';

/** Annotations org.systemd.property.NAME: a property each, the value as GVariant writes it. */
export function planAnnotatedProperties(annotations: Readonly<Record<string, string>>): UnitProperty[] {
  return Object.entries(annotations)
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([annotation, text]) => {
      const name = annotation.slice(PREFIX.length);
      const value = parseVariant(text);
      const property = value === undefined || !/^[A-Za-z]{3,}$/.test(name) ? undefined : inMicroseconds(name, value);
      if (property !== undefined) return property;
      throw new UsageError(
        `annotation ${annotation}: ${JSON.stringify(text)} is no property: true, 'text', ['a', 'b'], or uint64 12`,
      );
    });
}

/** As runc: a time can be given in seconds (NameSec), where systemd counts microseconds (NameUSec). */
function inMicroseconds(name: string, { signature, value }: Typed): UnitProperty | undefined {
  if (!/[a-z]Sec$/.test(name)) return [name, signature, value];
  if ((typeof value !== 'bigint' && typeof value !== 'number') || value < 0) return undefined;
  const seconds = typeof value === 'bigint' ? value * BigInt(MICROSECONDS) : BigInt(Math.round(value * MICROSECONDS));
  return [name.replace(/Sec$/, 'USec'), 't', seconds > INFINITY ? INFINITY : seconds];
}
