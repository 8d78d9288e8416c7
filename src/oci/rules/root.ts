// Rules on the document as a whole, its version, root and resources. Pure.
import type { Fault } from '../../errors.ts';
import type { Config } from '../types.ts';
import { fault, type Rule } from './rule.ts';

/** runtime.md has no 2.x yet: within a major version newer documents are compatible, config.md, Specification version. */
const MAJOR = '1';

export const rootRules: Rule = (config) => {
  const faults: Fault[] = [];
  if (config.ociVersion.split('.')[0] !== MAJOR)
    faults.push(
      fault('/ociVersion', 'config.md, Specification version', 'tsrunc knows versions 1.x', config.ociVersion),
    );
  if (config.root === undefined) faults.push(fault('/root', 'config.md, Root', 'root is required on Linux', undefined));
  faults.push(...resourceFaults(config));
  return faults;
};

function resourceFaults(config: Config): Fault[] {
  const faults: Fault[] = [];
  const cpu = config.linux?.resources?.cpu;
  const section = 'config-linux.md, CPU';
  if (cpu?.quota != null && cpu.burst != null && cpu.quota > 0 && cpu.burst > cpu.quota)
    faults.push(
      fault('/linux/resources/cpu/burst', section, 'burst must be no larger than a positive quota', cpu.burst),
    );
  if (cpu?.idle != null && cpu.idle !== 0 && cpu.idle !== 1)
    faults.push(fault('/linux/resources/cpu/idle', section, 'idle is 0 or 1', cpu.idle));
  (config.linux?.resources?.blockIO?.weightDevice ?? []).forEach((device, i) => {
    if (device.weight != null || device.leafWeight != null) return;
    const pointer = `/linux/resources/blockIO/weightDevice/${i}`;
    faults.push(
      fault(pointer, 'config-linux.md, Block IO', 'at least one of weight and leafWeight must be given', device),
    );
  });
  return faults;
}
