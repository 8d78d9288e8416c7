// Owns the whole plan of a container's start: the table of contents. Each chapter is a file beside this one. Pure.
import type { Config, ExactIntegers, Hooks, Linux } from '../oci/types.ts';
import { planOpenCgroups } from './cgroup-places.ts';
import { planDevices } from './devices.ts';
import type { CgroupPlace, Facts } from './facts.ts';
import * as f from './flags.ts';
import { planHooks, type HookContainer } from './hooks.ts';
import { planExecLabel, planKeyring, planPersonality } from './labels.ts';
import { planMounts, sourcesOf } from './mounts.ts';
import { planIdMap, planNamespaces, type NamespacePlan } from './namespaces.ts';
import { cleanPath } from './paths.ts';
import {
  CAP_SYS_ADMIN,
  NO_SLOT,
  planFromInside,
  planFromOutside,
  planProcess,
  type ProcessInput,
  type ProcessStart,
  type SeccompProgram,
} from './process.ts';
import { AWAIT, type Op, type Plan } from './types.ts';

export interface CreateInput {
  readonly id: string;
  readonly config: Config;
  readonly exact: ExactIntegers;
  readonly facts: Facts;
  /** Absolute paths on the host. */
  readonly bundle: string;
  readonly rootfs: string;
  /** Whether the terminal goes to somebody else, and not to the front. */
  readonly hasConsoleSocket?: boolean;
  readonly cgroupPlaces: readonly CgroupPlace[];
  readonly seccomp?: SeccompProgram;
  /** Instead of pivot_root(2): where the host has whole procfs and sysfs, which are then covered. */
  readonly noPivot?: { readonly cover: readonly string[] };
  /** The name of its session keyring; absent: it stays in that of its caller. */
  readonly keyring?: string;
  /** How init waits for its start: for this process, or at a gate that `start` opens later. */
  readonly startsAt: 'await' | { readonly gateSlot: number };
}

export interface CreatePlan {
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

const ROOT_PROPAGATION: Readonly<Record<string, f.MsFlags>> = {
  shared: f.MS_SHARED,
  slave: f.MS_SLAVE,
  private: f.MS_PRIVATE,
  unbindable: f.MS_UNBINDABLE,
  rshared: f.union(f.MS_SHARED, f.MS_REC),
  rslave: f.union(f.MS_SLAVE, f.MS_REC),
  rprivate: f.union(f.MS_PRIVATE, f.MS_REC),
  runbindable: f.union(f.MS_UNBINDABLE, f.MS_REC),
};

const DEFAULT_PROPAGATION = f.union(f.MS_SLAVE, f.MS_REC);

export function planCreate(input: CreateInput): CreatePlan {
  const linux = input.config.linux ?? {};
  const isAdmin = (input.facts.permittedCaps & CAP_SYS_ADMIN) !== 0n;
  const namespaces = planNamespaces(linux, isAdmin ? 'userLast' : 'userFirst');
  const process = processInput(input, namespaces);
  const started = planProcess(process, planStart(input));
  const root = [
    ...(namespaces.sharesMounts ? planSharedRoot(input) : planPrepareRoot(input, linux)),
    ...planRoot(input, linux, namespaces),
  ];
  const needsOpener = isAdmin && (namespaces.isNew('user') || namespaces.isJoined('user'));
  return {
    plan: [
      ...planParent(input, linux, namespaces, { process, sources: needsOpener ? sourcesOf(root) : [] }),
      ...planBirth(input, namespaces),
      ...root,
      ...planNames(input.config, linux),
      ...started.ops,
    ],
    warnings: started.warnings,
  };
}

function processInput(input: CreateInput, namespaces: NamespacePlan): ProcessInput {
  const isUserNew = namespaces.isNew('user');
  const { facts } = input;
  return {
    process: input.config.process ?? { cwd: '/' },
    exact: input.exact,
    pointer: '/process',
    // Who enters a user namespace has every capability in it.
    availableCaps:
      isUserNew || namespaces.isJoined('user') ? (1n << BigInt(facts.lastCap + 1)) - 1n : facts.permittedCaps,
    isUserNew,
    isPidShared: !namespaces.isNew('pid'),
    ...(namespaces.latePidPath === undefined ? {} : { bornInto: NO_SLOT }),
    maySetGroups: !(isUserNew && facts.euid !== 0),
    ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
  };
}

/**
 * Whether init needs nothing from a parent: no namespace to join, no id maps, no cgroup to be born in. Then the helper is init from
 * its birth, which spares a process.
 */
function isInitAlone(input: CreateInput, namespaces: NamespacePlan): boolean {
  const joins = namespaces.joins.length > 0 || namespaces.latePidPath !== undefined;
  const isBornInCgroup = ownEntries(input).length > 0 && input.facts.cgroupVersion === 2;
  const needsClone3 = (namespaces.cloneFlags & f.CLONE_NEWTIME) !== 0; // clone(2) has other uses for the bit
  return seesHost(namespaces) && !joins && !isBornInCgroup && !needsClone3;
}

/** `sources`: paths that init may not be able to open. */
type ForInit = { readonly process: ProcessInput; readonly sources: readonly string[] };

function planParent(input: CreateInput, linux: Linux, namespaces: NamespacePlan, { process, sources }: ForInit): Op[] {
  if (isInitAlone(input, namespaces))
    return [{ kind: 'spawnInit', cloneFlags: namespaces.cloneFlags }, ...planFromInside(process)];
  // The cgroups are opened before a joined mount namespace hides them.
  const cgroups = joinsLate(input, namespaces) ? [] : planOpenCgroups(ownEntries(input));
  const pid: Op[] =
    namespaces.latePidPath === undefined ? [] : [{ kind: 'openPidNamespace', path: namespaces.latePidPath }];
  const ops: Op[] = [...cgroups, ...namespaces.opensUser, ...pid, ...namespaces.joins];
  if (sources.length > 0) ops.push({ kind: 'prepareSources', sources });
  ops.push(...namespaces.entersUser, { kind: 'spawnInit', cloneFlags: namespaces.cloneFlags });
  ops.push(...planFromOutside(process));
  if (namespaces.isNew('user'))
    ops.push({
      kind: 'writeIdMaps',
      uidMap: planIdMap(linux.uidMappings ?? []),
      gidMap: planIdMap(linux.gidMappings ?? []),
      // An unprivileged writer must give up setgroups(2) first, user_namespaces(7).
      setgroups: input.facts.euid === 0 ? '' : 'deny',
    });
  ops.push({ kind: 'releaseInit' });
  if (sources.length > 0) ops.push({ kind: 'openSources' });
  return ops;
}

/** Where systemd makes the cgroup, it also moves init in, while init waits. */
function isMovedBySystemd({ cgroupPlaces }: CreateInput): boolean {
  return cgroupPlaces[0]?.unit !== undefined;
}

function ownEntries(input: CreateInput): readonly CgroupPlace[] {
  return isMovedBySystemd(input) ? [] : input.cgroupPlaces;
}

/**
 * Whether init finds its cgroups by itself, so that they can be made while it is being born: on v1 that is a directory and some
 * files in each of ten hierarchies. On v2 init is born in its cgroup; and where the host's mounts are out of its sight, or its
 * credentials are not the host's, parent must open them first.
 */
function joinsLate(input: CreateInput, namespaces: NamespacePlan): boolean {
  return seesHost(namespaces) && input.facts.cgroupVersion === 1 && ownEntries(input).length > 0;
}

/** Whether init begins with the host's mounts in its sight, and the host's credentials. */
function seesHost(namespaces: NamespacePlan): boolean {
  return namespaces.isNew('mount') && !namespaces.isNew('user') && !namespaces.isJoined('user');
}

/** Of joinCgroup, where there is no openCgroup. */
const BY_PATH = 0xffffffff;

function planBirth(input: CreateInput, namespaces: NamespacePlan): Op[] {
  const isLate = joinsLate(input, namespaces);
  const ops: Op[] = isLate || isMovedBySystemd(input) ? [{ kind: 'await', point: AWAIT.born }] : [];
  // Before becomeRoot: the files belong to root of the host.
  for (const [slot, { directory }] of ownEntries(input).entries())
    ops.push({ kind: 'joinCgroup', path: directory, slot: isLate ? BY_PATH : slot });
  if (input.cgroupPlaces.length > 0) ops.push({ kind: 'resetCpuAffinity' });
  if (namespaces.isNew('user') || namespaces.isJoined('user')) ops.push({ kind: 'becomeRoot' });
  ops.push({ kind: 'startSession' });
  // As runc: only of a namespace that is new. A joined one, and the host's, is somebody else's.
  if (namespaces.isNew('network')) ops.push({ kind: 'bringLoopbackUp' });
  if (namespaces.isJoined('mount')) ops.push({ kind: 'openPrivateProc' });
  if (namespaces.unsharesCgroup) ops.push({ kind: 'unshare', flags: f.CLONE_NEWCGROUP });
  if (input.keyring !== undefined) ops.push(...planKeyring(input.keyring, input.config.process));
  return ops;
}

/**
 * "If a namespace type is not specified, the container MUST inherit the runtime namespace of that type" (config-linux.md): then
 * the rootfs is bound on itself in our own mount namespace, private, and the end of the container takes that mount away with
 * all that is on it. Nothing outside of it is touched.
 */
function planSharedRoot(input: CreateInput): Op[] {
  return [
    { kind: 'bindRootfs', path: input.rootfs },
    { kind: 'makeRootfsPrivate', path: input.rootfs },
  ];
}

/**
 * `prepareRoot`: nothing of the container's mounts may reach the host, and the rootfs becomes a mount of its own. Only
 * `shared` keeps the host's peers, for volumes whose mounts are to be seen there; then the mount that holds the rootfs is made
 * private, because pivot_root(2) refuses a shared one and the bind would be seen on the host. In the other cases every mount
 * is taken along (MS_REC), and a slave rootfs goes on receiving what the host mounts below it.
 */
function planPrepareRoot(input: CreateInput, linux: Linux): Op[] {
  const wanted = ROOT_PROPAGATION[linux.rootfsPropagation ?? ''] ?? DEFAULT_PROPAGATION;
  const bind: Op = { kind: 'bindRootfs', path: input.rootfs };
  if (f.has(wanted, f.MS_SHARED))
    return [{ kind: 'makeRootSlave', flags: wanted }, { kind: 'makeParentPrivate', path: input.rootfs }, bind];
  // An unbindable mount could not be bound: it becomes that after pivotRoot.
  const flags = f.has(wanted, f.MS_SLAVE) ? f.MS_SLAVE : f.MS_PRIVATE;
  return [{ kind: 'makeRootSlave', flags: f.union(flags, f.MS_REC) }, bind];
}

function planRoot(input: CreateInput, linux: Linux, namespaces: NamespacePlan): Op[] {
  const { config, facts } = input;
  const mounts = config.mounts ?? [];
  const mountPlan = planMounts({
    mounts,
    bundle: input.bundle,
    cgroupVersion: facts.cgroupVersion,
    cgroupPlaces: input.cgroupPlaces,
    hasCgroupNamespace: namespaces.unsharesCgroup,
    ...(linux.mountLabel === undefined ? {} : { mountLabel: linux.mountLabel }),
  });
  const ops = [...mountPlan.ops];
  const bindFromHost = namespaces.isNew('user') || namespaces.isJoined('user') || facts.isInUserNamespace;
  ops.push(...planDevices({ mounts, devices: linux.devices ?? [], bindFromHost }));
  const cwd = cleanPath(config.process?.cwd ?? '/');
  if (cwd !== '/') ops.push({ kind: 'makeDirectory', path: cwd, mode: 0o755 });
  ops.push(...planRuntimeHooks(config.hooks));
  ops.push(...planHooks(config, 'createContainer', hookContainer(input), { status: 'creating' }));
  if (namespaces.sharesMounts) ops.push({ kind: 'changeRoot' });
  else ops.push(input.noPivot === undefined ? { kind: 'pivotRoot' } : { kind: 'moveRoot', ...input.noPivot });
  if (config.process?.terminal) {
    const size = config.process.consoleSize ?? { height: 0, width: 0 };
    ops.push({ kind: 'makeConsole', ...size, bind: 1, crlf: input.hasConsoleSocket ? 1 : 0 });
  }
  ops.push({ kind: 'reopenNull' }, ...mountPlan.finalOps);
  if (config.root?.readonly) ops.push({ kind: 'makeRootReadonly' });
  return ops;
}

function planNames(config: Config, linux: Linux): Op[] {
  const ops: Op[] = [];
  if (config.hostname) ops.push({ kind: 'setHostname', name: config.hostname });
  if (config.domainname) ops.push({ kind: 'setDomainname', name: config.domainname });
  ops.push(...planPersonality(linux.personality));
  if (config.process !== undefined) ops.push(...planExecLabel(config.process));
  for (const [name, value] of Object.entries(linux.sysctl ?? {}))
    ops.push({ kind: 'writeSysctl', path: sysctlPath(name), value });
  // Each once: what is covered needs no second cover.
  for (const path of new Set(linux.readonlyPaths)) ops.push({ kind: 'readonlyPath', path });
  for (const path of new Set(linux.maskedPaths)) ops.push({ kind: 'maskPath', path });
  // makeRootSlave set it for the host's view; pivotRoot has made the old root a slave, not the new one. Last, because nothing
  // can be cloned from an unbindable mount.
  const propagation = ROOT_PROPAGATION[linux.rootfsPropagation ?? ''];
  if (propagation !== undefined) ops.push({ kind: 'setRootPropagation', flags: propagation });
  return ops;
}

/**
 * The file of a kernel parameter below /proc. As sysctl(8): whichever of "." and "/" comes first is the separator, and the
 * other stands for itself ("net/ipv4/conf/eth0.100/forwarding").
 */
export function sysctlPath(name: string): string {
  const isSlashed = name.indexOf('/') >= 0 && (name.indexOf('.') < 0 || name.indexOf('/') < name.indexOf('.'));
  if (isSlashed) return `sys/${name}`;
  return `sys/${name
    .split('.')
    .map((part) => part.replaceAll('/', '.'))
    .join('/')}`;
}

/** Hooks of the runtime namespace are run by the runtime while init waits, before pivotRoot. */
function planRuntimeHooks(hooks: Hooks | undefined): Op[] {
  const count = (hooks?.prestart?.length ?? 0) + (hooks?.createRuntime?.length ?? 0);
  return count === 0 ? [] : [{ kind: 'await', point: AWAIT.createRuntime }];
}

function hookContainer(input: CreateInput): HookContainer {
  return { id: input.id, bundle: input.bundle, annotations: input.config.annotations ?? {} };
}

/** "REQUIRED when start is called" (config.md, Process): without a process init waits, and start refuses. */
function planStart(input: CreateInput): ProcessStart {
  const { config, startsAt } = input;
  const hooks: ProcessStart['hooks'] = (filter) =>
    config.process === undefined
      ? []
      : planHooks(config, 'startContainer', hookContainer(input), { status: 'created', filter });
  if (startsAt === 'await') return { wait: [{ kind: 'await', point: AWAIT.start }], hooks };
  const { gateSlot } = startsAt;
  return {
    wait: [
      { kind: 'await', point: AWAIT.created },
      { kind: 'awaitGate', slot: gateSlot },
    ],
    gateSlot,
    hooks,
  };
}
