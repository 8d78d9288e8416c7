// Owns what of linux.resources a version of cgroups has no file for: refused, because "if the conversion is not possible the runtime
// MUST generate an error" (config-linux.md, Unified), or told, where leaving it out changes nothing. Pure.
import { UsageError } from '../errors.ts';
import type { Resources } from '../oci/types.ts';

type Look = (resources: Resources) => boolean;

/** Values that ask for nothing (0, -1 for a limit, false) are what callers send for what they leave alone. */
const isLimit = (value: number | null | undefined) => value != null && value > 0;

const ONLY_V1: readonly (readonly [pointer: string, isGiven: Look])[] = [
  ['memory/kernel', ({ memory }) => isLimit(memory?.kernel)],
  ['memory/kernelTCP', ({ memory }) => isLimit(memory?.kernelTCP)],
  ['memory/swappiness', ({ memory }) => memory?.swappiness != null],
  ['memory/disableOOMKiller', ({ memory }) => memory?.disableOOMKiller === true],
  ['cpu/realtimeRuntime', ({ cpu }) => isLimit(cpu?.realtimeRuntime)],
  ['cpu/realtimePeriod', ({ cpu }) => isLimit(cpu?.realtimePeriod)],
  ['blockIO/leafWeight', ({ blockIO }) => isLimit(blockIO?.leafWeight)],
  ['blockIO/weightDevice', ({ blockIO }) => (blockIO?.weightDevice ?? []).some((d) => isLimit(d.leafWeight))],
  ['network/classID', ({ network }) => isLimit(network?.classID)],
  ['network/priorities', ({ network }) => (network?.priorities ?? []).length > 0],
];

/** UsageError for what cgroup v2 cannot do. */
export function requireV2(resources: Resources): void {
  const given = ONLY_V1.find(([, isGiven]) => isGiven(resources));
  if (given !== undefined)
    throw new UsageError(`/linux/resources/${given[0]}: cgroup v2 has nothing for it`, {
      hint: 'leave it out, or boot with systemd.unified_cgroup_hierarchy=0 for cgroup v1; `unified` sets the files of v2',
    });
}

/** UsageError for what needs cgroup v2. */
export function requireV1(resources: Resources): void {
  if (Object.keys(resources.unified ?? {}).length > 0)
    throw new UsageError('/linux/resources/unified: cannot use unified on cgroup v1', {
      hint: 'its keys are files of cgroup v2, and this host sets its limits on v1: use the other properties of resources',
    });
}

/** What makes no difference and is left out, for the log. */
export function resourceWarnings({ memory }: Resources, version: 1 | 2): string[] {
  const warnings: string[] = [];
  if (version === 1 && isLimit(memory?.kernel))
    warnings.push(
      '/linux/resources/memory/kernel is ignored: kernels have no such limit any more, memory.limit holds both',
    );
  if (memory?.useHierarchy === false)
    warnings.push('/linux/resources/memory/useHierarchy is ignored: kernels always count what is below a cgroup, too');
  return warnings;
}
