// Rules on namespaces and on what needs one: config-linux.md, Namespaces, Sysctl. Pure.
import type { Fault } from '../../errors.ts';
import type { Config, NamespaceType } from '../types.ts';
import { fault, type Rule } from './rule.ts';

const SECTION = 'config-linux.md, Namespaces';

export const namespaceRules: Rule = (config) => {
  const faults: Fault[] = [];
  const seen = new Set<NamespaceType>();
  for (const [i, { type }] of (config.linux?.namespaces ?? []).entries()) {
    if (seen.has(type))
      faults.push(fault(`/linux/namespaces/${i}/type`, SECTION, 'namespaces must not name a type twice', type));
    seen.add(type);
  }
  return [...faults, ...needs(config, seen), ...userFaults(config), ...sysctlFaults(config, seen)];
};

/** What would change the host's own names and clocks, or its mounts, is refused. */
function needs(config: Config, namespaces: ReadonlySet<NamespaceType>): Fault[] {
  const faults: Fault[] = [];
  const need = (pointer: string, value: unknown, type: NamespaceType, section: string) => {
    if (value === undefined || value === '' || namespaces.has(type)) return;
    const name = pointer.slice(pointer.lastIndexOf('/') + 1);
    faults.push(fault(pointer, section, `${name} needs a ${type} namespace, or it would be the host's`, value));
  };
  need('/hostname', config.hostname, 'uts', 'config.md, Hostname');
  need('/domainname', config.domainname, 'uts', 'config.md, Domainname');
  need('/linux/timeOffsets', config.linux?.timeOffsets, 'time', 'config-linux.md, Offset for Time Namespace');
  need('/linux/netDevices', config.linux?.netDevices, 'network', 'config-linux.md, Network Devices');
  return faults;
}

function userFaults(config: Config): Fault[] {
  const { namespaces = [], uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const user = namespaces.find((namespace) => namespace.type === 'user');
  const section = 'config-linux.md, User namespace mappings';
  const mapped = uidMappings.length > 0 || gidMappings.length > 0;
  if (user === undefined && mapped)
    return [fault('/linux/uidMappings', section, 'id mappings need a user namespace', uidMappings)];
  if (user !== undefined && !user.path && (uidMappings.length === 0 || gidMappings.length === 0))
    return [
      fault('/linux/uidMappings', section, 'a new user namespace needs uidMappings and gidMappings', uidMappings),
    ];
  return [];
}

const IPC_SYSCTLS = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** A kernel parameter with dots between its parts. */
function dottedName(name: string): string {
  return name.includes('.') && name.indexOf('.') < (name.indexOf('/') + 1 || Infinity)
    ? name
    : name.replaceAll('/', '.');
}

/** The kind of namespace that a kernel parameter belongs to; undefined for the host's own. */
export function namespaceOfSysctl(name: string): NamespaceType | undefined {
  return sysctlNamespace(dottedName(name));
}

function sysctlNamespace(name: string): NamespaceType | undefined {
  if (IPC_SYSCTLS.has(name) || name.startsWith('fs.mqueue.')) return 'ipc';
  if (name.startsWith('net.')) return 'network';
  if (name === 'kernel.domainname' || name === 'kernel.hostname') return 'uts';
  if (name.startsWith('user.')) return 'user';
  return undefined;
}

/** Only parameters that belong to a namespace of the container's own: the others are the host's. */
function sysctlFaults(config: Config, namespaces: ReadonlySet<NamespaceType>): Fault[] {
  const faults: Fault[] = [];
  for (const name of Object.keys(config.linux?.sysctl ?? {})) {
    const pointer = `/linux/sysctl/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const dotted = dottedName(name);
    const section = 'config-linux.md, Sysctl';
    const type = sysctlNamespace(dotted);
    if (type === undefined)
      faults.push(fault(pointer, section, 'this kernel parameter is in no namespace: it would change the host', name));
    else if (!namespaces.has(type))
      faults.push(
        fault(pointer, section, `this kernel parameter needs a ${type} namespace of the container's own`, name),
      );
    else if (dotted.split('.').some((part) => part === '' || part === '..'))
      faults.push(fault(pointer, section, 'a kernel parameter has the form a.b.c', name));
    else if (dotted === 'kernel.domainname' && config.domainname)
      faults.push(fault(pointer, section, 'kernel.domainname and domainname are one: give domainname alone', name));
    else if (dotted === 'kernel.hostname')
      faults.push(fault(pointer, section, 'use hostname for kernel.hostname', name));
  }
  return faults;
}
