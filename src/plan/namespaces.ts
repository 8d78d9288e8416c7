// Owns the planning of linux.namespaces: which are joined, which are new, and in what order. Pure.
import type { IdMapping, Linux, Namespace, NamespaceType } from '../oci/types.ts';
import * as f from './flags.ts';
import type { Op } from './types.ts';

const FLAGS: Readonly<Record<NamespaceType, number>> = {
  user: f.CLONE_NEWUSER,
  cgroup: f.CLONE_NEWCGROUP,
  ipc: f.CLONE_NEWIPC,
  uts: f.CLONE_NEWUTS,
  network: f.CLONE_NEWNET,
  pid: f.CLONE_NEWPID,
  time: f.CLONE_NEWTIME,
  mount: f.CLONE_NEWNS,
};

/** The order of joining: mount last, because paths end there. For user see `JoinOrder`. */
const JOIN_ORDER = Object.keys(FLAGS) as NamespaceType[];

export const NAMESPACE_TYPES: readonly NamespaceType[] = JOIN_ORDER;

export interface NamespacePlan {
  /** joinNamespace operations of stage parent. */
  readonly joins: Op[];
  /** What comes after them, and after what needs the host's credentials. */
  readonly entersUser: Op[];
  /** What comes before the joins. */
  readonly opensUser: Op[];
  /** CLONE_NEW* flags that init is born with. */
  readonly cloneFlags: number;
  /** Whether init makes a cgroup namespace of its own once it is in its cgroup, whose place becomes the root. */
  readonly unsharesCgroup: boolean;
  /** The path of a pid namespace that init enters last, docs/decisions/0015. */
  readonly latePidPath: string | undefined;
  /** Whether the container's mounts are made in our own mount namespace, and have to be taken away again. */
  readonly sharesMounts: boolean;
  readonly isNew: (type: NamespaceType) => boolean;
  readonly isJoined: (type: NamespaceType) => boolean;
}

/**
 * When a user namespace is joined. With CAP_SYS_ADMIN outside, last: the others may belong to the host, and from outside those
 * that belong to it can be joined, too. Without, first: its capabilities are all there is to join the others with.
 */
export type JoinOrder = 'userFirst' | 'userLast';

export function planNamespaces(linux: Linux | undefined, order: JoinOrder = 'userLast'): NamespacePlan {
  const wanted = new Map<NamespaceType, Namespace>();
  for (const namespace of linux?.namespaces ?? []) wanted.set(namespace.type, namespace);
  const isJoined = (type: NamespaceType) => (wanted.get(type)?.path ?? '') !== '';
  const isNew = (type: NamespaceType) => wanted.has(type) && !isJoined(type);
  // A user namespace of our own could not enter another's pid namespace: then the parent joins, outside of it.
  const entersPidLate = isJoined('pid') && !isNew('user');
  const entersUserLast = isJoined('user') && order === 'userLast';
  const isElsewhere = (type: NamespaceType) => (type === 'pid' && entersPidLate) || (type === 'user' && entersUserLast);
  const path = (type: NamespaceType) => wanted.get(type)?.path ?? '';
  const joins = JOIN_ORDER.filter((type) => isJoined(type) && !isElsewhere(type)).map((type): Op => ({
    kind: 'joinNamespace',
    flag: FLAGS[type],
    path: path(type),
  }));
  const cloneFlags = JOIN_ORDER.filter((type) => isNew(type) && type !== 'cgroup').reduce(
    (flags, type) => flags + FLAGS[type],
    0,
  );
  return {
    joins,
    opensUser: entersUserLast ? [{ kind: 'openUserNamespace', path: path('user') }] : [],
    entersUser: entersUserLast ? [{ kind: 'enterUserNamespace' }] : [],
    cloneFlags,
    unsharesCgroup: isNew('cgroup'),
    latePidPath: entersPidLate ? path('pid') : undefined,
    sharesMounts: !wanted.has('mount'),
    isNew,
    isJoined,
  };
}

/** The name of a namespace by its CLONE_NEW* flag, for descriptions. */
export function namespaceName(flag: number): string {
  return JOIN_ORDER.find((type) => FLAGS[type] === flag) ?? `0x${flag.toString(16)}`;
}

/** The names of all namespaces in a word of flags. */
export function namespaceNames(flags: number): string[] {
  return JOIN_ORDER.filter((type) => (flags & FLAGS[type]) !== 0);
}

/** The lines of uid_map or gid_map, user_namespaces(7). */
export function planIdMap(mappings: readonly IdMapping[]): string {
  return mappings.map((mapping) => `${mapping.containerID} ${mapping.hostID} ${mapping.size}\n`).join('');
}

/** Names of the files in /proc/PID/ns, which differ from the specification's for two types. */
const FILE_TYPES: Readonly<Record<string, NamespaceType>> = { net: 'network', mnt: 'mount' };

/** The CLONE_NEW* flag of a file in /proc/PID/ns. */
export function namespaceFlag(file: string): number {
  return FLAGS[FILE_TYPES[file] ?? (file as NamespaceType)];
}
