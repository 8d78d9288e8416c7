// What the specification knows and this version of tsrunc does not do yet. Never silently ignored: a container that asks for
// it is refused. An entry goes when the thing is done. Pure.
import type { Fault } from '../../errors.ts';
import { parseMountOptions } from '../../plan/mount-options.ts';
import type { Config } from '../types.ts';
import { fault, type Rule } from './rule.ts';

type Look = (config: Config) => unknown;

const NOT_YET: readonly (readonly [string, string, Look])[] = [
  ['/process/execCPUAffinity', 'config.md, Linux Process', (c) => c.process?.execCPUAffinity],
  ['/linux/timeOffsets', 'config-linux.md, Offset for Time Namespace', (c) => c.linux?.timeOffsets],
  ['/linux/netDevices', 'config-linux.md, Network Devices', (c) => c.linux?.netDevices],
  ['/linux/intelRdt', 'config-linux.md, IntelRdt', (c) => c.linux?.intelRdt],
  ['/linux/memoryPolicy', 'config-linux.md, Memory policy', (c) => c.linux?.memoryPolicy],
];

export const unsupportedRules: Rule = (config) => {
  const faults: Fault[] = [];
  for (const [pointer, section, look] of NOT_YET) {
    const value = look(config);
    if (value === undefined || value === '') continue;
    faults.push(fault(pointer, section, 'is not supported by this version of tsrunc yet', value));
  }
  for (const [i, mount] of (config.mounts ?? []).entries())
    if (mount.uidMappings !== undefined || parseMountOptions(mount.options ?? []).idmap !== 'none')
      faults.push(
        fault(
          `/mounts/${i}`,
          'config.md, Mounts',
          'idmapped mounts are not supported by this version of tsrunc yet',
          mount,
        ),
      );
  for (const [i, call] of (config.linux?.seccomp?.syscalls ?? []).entries())
    if (call.action === 'SCMP_ACT_NOTIFY')
      faults.push(
        fault(
          `/linux/seccomp/syscalls/${i}/action`,
          'config-linux.md, Seccomp',
          'is not supported by this version of tsrunc yet',
          call.action,
        ),
      );
  return faults;
};
