// Rules on mounts and devices: config.md, Mounts; config-linux.md, Devices. Pure.
import type { Fault } from '../../errors.ts';
import { parseMountOptions } from '../../plan/mount-options.ts';
import { isBind } from '../../plan/mounts.ts';
import type { Config } from '../types.ts';
import { fault, type Rule } from './rule.ts';

const SECTION = 'config.md, Mounts';

export const mountRules: Rule = (config) => {
  const faults: Fault[] = [];
  for (const [i, mount] of (config.mounts ?? []).entries()) {
    const pointer = `/mounts/${i}`;
    const options = parseMountOptions(mount.options ?? []);
    const isOldRemount = (mount.options ?? []).includes('remount');
    if (!isBind(mount) && !isOldRemount && !mount.type)
      faults.push(fault(`${pointer}/type`, SECTION, 'a mount that is no bind mount needs a type', mount.type));
    if (!isBind(mount) && !isOldRemount && mount.type === 'none')
      faults.push(
        fault(`${pointer}/options`, SECTION, 'type none is for bind mounts: bind or rbind is missing', mount.options),
      );
    if (isBind(mount) && !mount.source)
      faults.push(fault(`${pointer}/source`, SECTION, 'a bind mount needs a source', mount.source));
    if ((mount.uidMappings === undefined) !== (mount.gidMappings === undefined))
      faults.push(fault(pointer, SECTION, 'uidMappings and gidMappings must be given together', mount));
    if (options.idmap !== 'none' && !mount.uidMappings && !hasUserNamespace(config))
      faults.push(
        fault(pointer, SECTION, `${options.idmap} needs mappings, or a user namespace to take them from`, mount),
      );
    if (options.copyUp && mount.type !== 'tmpfs')
      faults.push(fault(`${pointer}/options`, SECTION, 'tmpcopyup is for mounts of type tmpfs', mount.type));
    for (const text of [mount.destination, mount.source ?? '', ...(mount.options ?? [])])
      if (text.includes('\0'))
        faults.push(fault(pointer, SECTION, 'a mount cannot have a zero byte in its texts', text));
  }
  return [...faults, ...deviceFaults(config)];
};

function hasUserNamespace(config: Config): boolean {
  return (config.linux?.namespaces ?? []).some((namespace) => namespace.type === 'user');
}

function deviceFaults(config: Config): Fault[] {
  const faults: Fault[] = [];
  for (const [i, device] of (config.linux?.devices ?? []).entries()) {
    if (device.type === 'p') continue;
    for (const number of ['major', 'minor'] as const)
      if (device[number] === undefined)
        faults.push(
          fault(
            `/linux/devices/${i}/${number}`,
            'config-linux.md, Devices',
            `${number} is required unless type is p`,
            undefined,
          ),
        );
  }
  return faults;
}
