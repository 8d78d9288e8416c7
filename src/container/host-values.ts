// Owns the refusal of names and kernel parameters that would be the host's: a namespace that is joined by path can be the runtime's own,
// which no rule on the configuration alone can see.
import { statSync } from 'node:fs';
import type { Caller } from '../caller/caller.ts';
import { SpecError, type Fault } from '../errors.ts';
import { namespaceOfSysctl } from '../oci/rules/namespaces.ts';
import type { Config, NamespaceType } from '../oci/types.ts';

/** Its name in /proc/PID/ns. */
const FILES: Partial<Record<NamespaceType, string>> = { network: 'net', ipc: 'ipc', uts: 'uts', user: 'user' };

/** SpecError where a value of the configuration is for a namespace that the container shares with the host. */
export function refuseHostValues(caller: Caller, config: Config): void {
  const wanted = valuesIn(config);
  if (wanted.length === 0) return;
  const joined = (config.linux?.namespaces ?? []).filter(({ path }) => (path ?? '') !== '');
  const faults = joined.flatMap(({ type, path = '' }) => {
    const values = wanted.filter((value) => value.type === type);
    return values.length > 0 && isOwn(caller, type, path) ? values.map((value) => faultOf(value, path)) : [];
  });
  if (faults.length > 0) throw new SpecError('config.json', faults);
}

interface Value {
  readonly type: NamespaceType | undefined;
  readonly pointer: string;
  readonly section: string;
}

function valuesIn({ hostname, domainname, linux }: Config): Value[] {
  const values: Value[] = [];
  if (hostname) values.push({ type: 'uts', pointer: '/hostname', section: 'config.md, Hostname' });
  if (domainname) values.push({ type: 'uts', pointer: '/domainname', section: 'config.md, Domainname' });
  for (const name of Object.keys(linux?.sysctl ?? {}))
    values.push({
      type: namespaceOfSysctl(name),
      pointer: `/linux/sysctl/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      section: 'config-linux.md, Sysctl',
    });
  return values;
}

/** A namespace is its device and inode, namespaces(7). A path that leads nowhere is told when it is to be joined. */
function isOwn(caller: Caller, type: NamespaceType, path: string): boolean {
  const file = FILES[type];
  if (file === undefined) return false;
  const theirs = statIfThere(path);
  const ours = statIfThere(`${caller.proc}/ns/${file}`);
  return theirs !== undefined && ours !== undefined && theirs.ino === ours.ino && theirs.dev === ours.dev;
}

function statIfThere(path: string): { ino: number; dev: number } | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function faultOf({ pointer, section, type }: Value, path: string): Fault {
  return {
    pointer,
    section,
    rule: `it needs a ${type} namespace of the container's own, or it would change the host`,
    found: `${path}, which is the runtime's own`,
  };
}
