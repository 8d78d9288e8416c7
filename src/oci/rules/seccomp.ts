// Rules on linux.seccomp: config-linux.md, Seccomp. Pure.
import type { Fault } from '../../errors.ts';
import { takesErrno } from '../../plan/seccomp.ts';
import { fault, type Rule } from './rule.ts';

const SECTION = 'config-linux.md, Seccomp';

export const seccompRules: Rule = (config) => {
  const seccomp = config.linux?.seccomp;
  if (seccomp === undefined) return [];
  const faults: Fault[] = [];
  const pointer = '/linux/seccomp';
  if (seccomp.listenerMetadata && !seccomp.listenerPath)
    faults.push(
      fault(
        `${pointer}/listenerMetadata`,
        SECTION,
        'listenerMetadata must not be set without listenerPath',
        seccomp.listenerMetadata,
      ),
    );
  if (seccomp.defaultErrnoRet !== undefined && !takesErrno(seccomp.defaultAction))
    faults.push(
      fault(`${pointer}/defaultErrnoRet`, SECTION, `${seccomp.defaultAction} takes no errno`, seccomp.defaultErrnoRet),
    );
  if (seccomp.defaultAction === 'SCMP_ACT_NOTIFY')
    faults.push(
      fault(
        `${pointer}/defaultAction`,
        SECTION,
        'SCMP_ACT_NOTIFY cannot be the default: the runtime itself would wait',
        seccomp.defaultAction,
      ),
    );
  for (const [i, call] of (seccomp.syscalls ?? []).entries())
    if (call.errnoRet !== undefined && !takesErrno(call.action))
      faults.push(fault(`${pointer}/syscalls/${i}/errnoRet`, SECTION, `${call.action} takes no errno`, call.errnoRet));
  return faults;
};
