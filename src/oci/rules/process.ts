// Rules on process: config.md, Process. Pure.
import type { Fault } from '../../errors.ts';
import { RLIMITS } from '../../plan/process.ts';
import type { Process } from '../types.ts';
import { fault, type Rule } from './rule.ts';

const SECTION = 'config.md, Process';
const POSIX = 'config.md, POSIX process';

export const processRules: Rule = (config) => {
  const { process } = config;
  if (process === undefined) return []; // start needs it, create does not
  const faults: Fault[] = [];
  if (process.args === undefined)
    faults.push(fault('/process/args', SECTION, 'args needs at least one entry', undefined));
  if (process.args?.[0] === '') faults.push(fault('/process/args/0', SECTION, 'the program needs a name', ''));
  return [...faults, ...rlimitFaults(process)];
};

function rlimitFaults(process: Process): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  for (const [i, { type, soft, hard }] of (process.rlimits ?? []).entries()) {
    const pointer = `/process/rlimits/${i}`;
    if (RLIMITS[type] === undefined)
      faults.push(fault(`${pointer}/type`, POSIX, 'type must be a resource of getrlimit(2)', type));
    if (seen.has(type)) faults.push(fault(`${pointer}/type`, POSIX, 'rlimits must not name a resource twice', type));
    if (soft > hard) faults.push(fault(`${pointer}/soft`, POSIX, 'soft must not be above hard, getrlimit(2)', soft));
    seen.add(type);
  }
  return faults;
}
