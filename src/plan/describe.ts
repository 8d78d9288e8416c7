// Owns the sentences: what an operation does, for `tsrunc plan`, for errors and for the debug log. Pure.
import type { Step } from '../errors.ts';
import { capabilityNames } from './capabilities.ts';
import { describeMsFlags } from './flags.ts';
import { namespaceName, namespaceNames } from './namespaces.ts';
import { RLIMITS } from './process.ts';
import { AWAIT, type Op, type OpKind, type OpOf } from './types.ts';

const UNLIMITED = 2n ** 64n - 1n;

type Describers = { readonly [K in OpKind]: (op: OpOf<K>) => string };

const DESCRIBE: Describers = {
  joinNamespace: (op) => `join the ${namespaceName(Number(op.flag))} namespace ${op.path}`,
  openPidNamespace: (op) => `open the pid namespace ${op.path}`,
  openUserNamespace: (op) => `open the user namespace ${op.path}`,
  enterUserNamespace: () => 'join that user namespace',
  prepareSources: (op) => `prepare to open ${op.sources.length} sources as the host sees them`,
  openSources: () => 'open them for init',
  enterCgroupNamespace: () => "join the container's cgroup namespace",
  setChildPidNamespace: () => 'have children born in the pid namespace to be joined',
  takeTerminal: () => 'make the terminal that of the session',
  closeDescriptors: () => 'close our descriptors',
  enterPidNamespace: () => 'go on as a child in that pid namespace',
  spawnInit: (op) =>
    `clone init into ${list(namespaceNames(Number(op.cloneFlags)), 'no new namespaces', 'new namespaces: ')}`,
  openCgroup: (op) => `open the cgroup ${op.path}`,
  joinProcess: (op) => `join the container's namespaces: ${namespaceNames(Number(op.flags)).join(', ')}`,
  joinCgroup: (op) => `enter the cgroup ${op.path}`,
  writeIdMaps: (op) => `map user ids ${inline(op.uidMap)} and group ids ${inline(op.gidMap)}`,
  setOomScoreAdj: (op) => `set oom_score_adj to ${op.value}`,
  setOwnOomScoreAdj: (op) => `set oom_score_adj to ${op.value}`,
  setRlimit: describeLimit,
  limitSelf: describeLimit,
  releaseInit: () => 'let init go',
  openPrivateProc: () => 'mount a private procfs for our own use',
  becomeRoot: () => 'become root of the user namespace',
  bringLoopbackUp: () => 'bring the loopback interface up',
  resetCpuAffinity: () => 'run on every CPU of the cgroup',
  startSession: () => 'start a session',
  unshare: (op) => `make a new ${list(namespaceNames(Number(op.flags)), '')} namespace`,
  joinKeyring: (op) => `join the session keyring ${op.name}`,
  makeRootSlave: (op) => `make every mount ${describeMsFlags(Number(op.flags))}`,
  makeParentPrivate: (op) => `make the mount that holds ${op.path} private`,
  bindRootfs: (op) => `bind the rootfs ${op.path} on itself`,
  mountFs: (op) =>
    `mount ${op.type} on ${op.target}${flags(op.msFlags)}${op.data.length === 0 ? '' : ` with ${op.data.join(',')}`}` +
    `${op.copyUp ? ', copying up what it covers' : ''}${propagation(op.propagation)}`,
  bindMount: (op) =>
    `bind ${op.source} on ${op.target}${flags(op.msFlags)}${recursive(op)}${propagation(op.propagation)}`,
  bindCgroup: (op) => `bind cgroup ${op.source} on ${op.target}${flags(op.msFlags)}${propagation(op.propagation)}`,
  attachMount: (op) =>
    `bind ${op.source} on ${op.target}${flags(op.msFlags)}${recursive(op)}${propagation(op.propagation)}`,
  detachMount: (op) => `unmount ${op.target}`,
  finish: () => 'end',
  remount: (op) =>
    `remount ${op.target}${flags(op.msFlags)}${op.data === '' ? '' : ` with ${op.data}`}${propagation(op.propagation)}`,
  setMountAttributes: (op) => `make ${op.target} ${describeMsFlags(Number(op.set)) || 'as it was'}`,
  makeDevice: (op) =>
    `make device ${op.path} ${deviceType(Number(op.mode))} ${op.major}:${op.minor} mode ${octal(Number(op.mode) & 0o7777)}`,
  bindDevice: (op) => `bind device ${op.source} on ${op.path}`,
  makeSymlink: (op) => `link ${op.path} to ${op.target}`,
  makeDirectory: (op) => `make sure that directory ${op.path} exists`,
  await: (op) =>
    `wait for ${Object.entries(AWAIT).find(([, point]) => point === op.point)?.[0] ?? `point ${op.point}`}`,
  pivotRoot: () => 'make the rootfs the root (pivot_root)',
  moveRoot: () => 'make the rootfs the root (move and chroot)',
  makeRootfsPrivate: (op) => `make the rootfs ${op.path} private`,
  changeRoot: () => 'make the rootfs the root (chroot)',
  takeRoot: () => "take the container's root",
  setRootPropagation: (op) => `make the root ${describeMsFlags(Number(op.flags))}`,
  makeRootReadonly: () => 'make the root read-only',
  makeConsole: () => 'make a pseudoterminal, its end in the container being /dev/console and the standard streams',
  reopenNull: () => "replace standard streams on the host's null device by the container's",
  setHostname: (op) => `set the hostname to ${op.name}`,
  setDomainname: (op) => `set the domain name to ${op.name}`,
  writeSysctl: (op) => `set kernel parameter /proc/${op.path} to ${JSON.stringify(op.value)}`,
  readonlyPath: (op) => `make ${op.path} read-only`,
  maskPath: (op) => `mask ${op.path}`,
  setNoNewPrivileges: () => 'set no_new_privs',
  dropBounding: (op) => `keep in the capability bounding set ${caps(op.keep)}`,
  setGroups: (op) =>
    op.gids.length === 0 ? 'drop all additional groups' : `set additional groups ${op.gids.join(',')}`,
  setUser: (op) => `become uid ${op.uid} gid ${op.gid}`,
  setCapabilities: (op) =>
    `set capabilities effective ${caps(op.effective)}, permitted ${caps(op.permitted)}, inheritable ${caps(op.inheritable)}`,
  setAmbient: (op) => `set ambient capabilities ${caps(op.mask)}`,
  setUmask: (op) => `set umask ${octal(Number(op.mask))}`,
  ownStdio: (op) => `give the standard streams to uid ${op.uid}`,
  setCwd: (op) => `enter ${op.path}${op.mayDefer ? '' : ' as the user, if root could not'}`,
  applySeccomp: (op) => `apply a seccomp filter of ${op.program.length / 8} instructions`,
  checkExecutable: (op) => `find the program ${op.file}`,
  setHome: (op) => `set HOME to the home directory of uid ${op.uid}`,
  openRoot: () => "take the container's root as the root",
  awaitGate: () => 'wait for start',
  runHook: (op) => `run the ${op.name} hook ${op.path}`,
  setExecLabel: (op) =>
    `set the label for ${op.path.endsWith('keycreate') ? 'its keys' : 'the program'} to ${JSON.stringify(op.label)}`,
  setPersonality: (op) => `set the execution domain to 0x${BigInt(op.persona).toString(16)}`,
  setScheduler: (op) =>
    `set the scheduling policy to number ${op.policy}, nice ${BigInt.asIntN(32, BigInt(op.nice))}, priority ${op.priority}`,
  setIoPriority: (op) => `set the I/O priority to class ${Number(op.value) >> 13} level ${Number(op.value) & 0x1fff}`,
  prepareExec: (op) => `find the program ${op.file}`,
  exec: (op) => `execute ${op.args.map(quote).join(' ')}`,
};

/** One line, lower case, no full stop. */
export function describeOp(op: Op): string {
  return (DESCRIBE[op.kind] as (op: Op) => string)(op);
}

/** The same for programs. */
export function stepOf(op: Op): Step {
  const found = op as { target?: unknown; path?: unknown; file?: unknown; msFlags?: number | bigint };
  const path = [found.target, found.path, found.file].find((value) => typeof value === 'string');
  const words = found.msFlags === undefined ? '' : describeMsFlags(Number(found.msFlags));
  return { step: op.kind, ...(path === undefined ? {} : { path }), ...(words === '' ? {} : { flags: words }) };
}

function describeLimit(op: OpOf<'setRlimit' | 'limitSelf'>): string {
  return `limit ${rlimitName(Number(op.resource))} to ${limit(op.soft)}, at most ${limit(op.hard)}`;
}

function list(words: readonly string[], none: string, prefix = ''): string {
  return words.length === 0 ? none : `${prefix}${words.join(', ')}`;
}

function flags(word: number | bigint): string {
  const words = describeMsFlags(Number(word));
  return words === '' ? '' : ` (${words})`;
}

function propagation(words: readonly number[]): string {
  return words.length === 0 ? '' : `, then make it ${words.map(describeMsFlags).join(', then ')}`;
}

function recursive(op: OpOf<'bindMount' | 'attachMount'>): string {
  const set = Number(op.recursiveSet);
  return set === 0 ? '' : `, ${describeMsFlags(set & 0xf)} for all below`;
}

function inline(map: string): string {
  return map.trim().split('\n').join('; ');
}

function rlimitName(resource: number): string {
  return Object.entries(RLIMITS).find(([, number]) => number === resource)?.[0] ?? `limit ${resource}`;
}

function limit(value: number | bigint): string {
  return BigInt(value) === UNLIMITED ? 'unlimited' : String(value);
}

function deviceType(mode: number): string {
  return { 0o020000: 'c', 0o060000: 'b', 0o010000: 'p' }[mode & 0o170000] ?? '?';
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function caps(word: number | bigint): string {
  return list(capabilityNames(BigInt(word)), 'none');
}

function quote(argument: string): string {
  return /^[\w./:=@%+,-]+$/.test(argument) ? argument : JSON.stringify(argument);
}
