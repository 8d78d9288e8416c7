// Owns the creation of a container up to the moment before its program runs, and the undoing of it. The order is the
// lifecycle of runtime.md.
import { resourceWarnings } from '../cgroup/convertible.ts';
import { planCgroupOwner } from '../cgroup/delegation.ts';
import type { CgroupManager } from '../cgroup/manager.ts';
import { openCgroup } from '../cgroup/open.ts';
import { SystemdCgroup } from '../cgroup/systemd.ts';
import { HelperError, InternalError, lastly, StateError, whileFailing } from '../errors.ts';
import { readFacts } from '../host/facts.ts';
import { birthOf } from '../host/process.ts';
import { readWholePseudo } from '../host/mount-table.ts';
import { native } from '../native/binding.ts';
import type { Bundle } from '../oci/load-bundle.ts';
import { planCgroupPlaces, planSystemdPlaces } from '../plan/cgroup-places.ts';
import { planCreate, type CreateInput } from '../plan/create.ts';
import type { CgroupPlace, Facts } from '../plan/facts.ts';
import { planNamespaces } from '../plan/namespaces.ts';
import { AWAIT, type Op, type Plan } from '../plan/types.ts';
import { Executor } from './executor.ts';
import { sendPidfd, sendTerminal } from './hand-over.ts';
import { runHooks, runHooksLeniently } from './hooks.ts';
import { refuseHostValues } from './host-values.ts';
import { killAndReap } from './kill.ts';
import { Made } from './made.ts';
import { isOursAtEnd, warnOfLeft } from './members.ts';
import { makeNotifyDirectory, notifyHost, withNotify } from './notify.ts';
import { mountsOn, removeMounts } from './shared-mounts.ts';
import { compileFilter } from './seccomp.ts';
import { Slots } from './slots.ts';
import type { Runtime } from './runtime.ts';
import { keyringOf, newState, type StoredState } from './state.ts';

export interface CreateOptions {
  readonly id: string;
  readonly bundle: Bundle;
  /** Whether init waits at a gate for a later `start`, or for this process. */
  readonly hasGate: boolean;
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly noPivot?: boolean;
  readonly noNewKeyring?: boolean;
  readonly preserved?: readonly number[];
  /** Who makes the cgroups; none: the container stays in those of its caller. */
  readonly cgroups: 'files' | 'systemd' | 'none';
}

/** A container whose init waits to become the program. */
export interface Created {
  readonly state: StoredState;
  readonly executor: Executor;
  readonly cgroup: CgroupManager;
}

/** Makes the container. On any failure what was made for it is taken back: process, cgroups, mounts, state; and nothing else. */
export async function createContainer(runtime: Runtime, given: CreateOptions): Promise<Created> {
  const { id } = given;
  const { caller, store } = runtime;
  const hasNotify = notifyHost(caller) !== undefined;
  const bundle = hasNotify
    ? { ...given.bundle, config: withNotify(given.bundle.config, store.notify(id)) }
    : given.bundle;
  refuseHostValues(caller, bundle.config);
  const facts = readFacts(caller);
  const places = planPlaces(given, facts);
  const state = newState({
    id,
    bundle: bundle.directory,
    rootfs: bundle.rootfs,
    creator: birthOf(caller.pid),
    cgroupPlaces: places,
    config: bundle.config,
    // Not the id alone: the keys of another container of this id, before or under another root, are not this one's.
    keyring: given.noNewKeyring ? null : `_ses.${id}.${Date.now().toString(36)}`,
    ...(sharesMounts(bundle) ? { rootfsMounts: mountsOn(bundle.rootfs) } : {}),
    exact: [...bundle.exact].map(([pointer, value]) => [pointer, String(value)]),
  });
  // Told first: there is no moment at which something is made that nobody would take away.
  caller.own(state);
  const slots = new Slots();
  return store.reserved(id, () =>
    lastly(
      () => make(runtime, { ...given, bundle }, facts, state, slots),
      () => slots.close(),
    ),
  );
}

async function make(
  runtime: Runtime,
  options: CreateOptions,
  facts: Facts,
  reserved: StoredState,
  slots: Slots,
): Promise<Created> {
  const { store, log } = runtime;
  const { id, bundle } = options;
  const cgroup = openCgroup(reserved.cgroupPlaces);
  const made = new Made(() => store.remove(id));
  let state = reserved;
  let executor: Executor | undefined;
  try {
    if (notifyHost(runtime.caller) !== undefined) makeNotifyDirectory(store, id);
    const { cgroupPlaces, keyring } = reserved;
    const input = openSlots(runtime, createInput({ ...options, keyring }, facts, cgroupPlaces), options, slots);
    const { plan, warnings } = planCreate(input);
    const ignored = resourceWarnings(bundle.config.linux?.resources ?? {}, facts.cgroupVersion);
    for (const warning of [...warnings, ...ignored]) log.warn(warning);
    executor = await launchInit(runtime, plan, options, slots, { state, cgroup, made });
    const found = cgroup.found.length === 0 ? {} : { foundCgroups: cgroup.found };
    state = {
      ...state,
      ...executor.birth,
      ...found,
      startOps: operationsOfStart(plan),
      isStarted: !options.hasGate,
    };
    // Written while init works, seen once it is inside: whoever joined it before would be in the host's root.
    let save = store.stage(state);
    await reachStart(runtime, executor, state, cgroup);
    if (executor.pid !== state.pid) {
      // In a joined pid namespace another process has taken over as init on the way.
      state = { ...state, ...executor.birth };
      save = store.stage(state);
    }
    if (options.consoleSocket !== undefined) await sendTerminal(options.consoleSocket, executor);
    if (options.pidfdSocket !== undefined) await sendPidfd(options.pidfdSocket, executor.pid, 'standard');
    save();
    return { state, executor, cgroup };
  } catch (error) {
    const failure = await whileFailing(withMemoryHint(error, bundle), () => made.takeBack());
    if (executor !== undefined) await runHooksLeniently(runtime, state, 'poststop', 'stopped');
    throw failure;
  }
}

/** The input of planning, with the seccomp filter compiled: the one part of a plan that needs a library. */
export function createInput(
  options: Pick<CreateOptions, 'id' | 'bundle' | 'noPivot' | 'consoleSocket'> & { keyring?: string | null | undefined },
  facts: Facts,
  cgroupPlaces: readonly CgroupPlace[],
): CreateInput {
  const { bundle } = options;
  const seccomp = compileFilter(bundle.config.linux?.seccomp, bundle.exact);
  const keyring = keyringOf(options);
  return {
    id: options.id,
    config: bundle.config,
    exact: bundle.exact,
    facts,
    bundle: bundle.directory,
    rootfs: bundle.rootfs,
    hasConsoleSocket: options.consoleSocket !== undefined,
    cgroupPlaces,
    ...(options.noPivot ? { noPivot: { cover: readWholePseudo(bundle.rootfs) } } : {}),
    ...(keyring === undefined ? {} : { keyring }),
    startsAt: 'await',
    ...(seccomp === undefined ? {} : { seccomp }),
  };
}

/**
 * Makes cgroups and init. Where init waits for them, they are made while it is being born. The state is saved before anything
 * of the host is changed, so that `delete --force` finds it.
 */
async function launchInit(
  runtime: Runtime,
  plan: Plan,
  { bundle, preserved = [] }: CreateOptions,
  slots: Slots,
  { state, cgroup, made }: { state: StoredState; cgroup: CgroupManager; made: Made },
): Promise<Executor> {
  const { caller, store, log } = runtime;
  const prepare = () => {
    store.save(state);
    cgroup.create();
    if (cgroup.found.length > 0) store.save({ ...state, foundCgroups: cgroup.found });
    cgroup.apply(bundle.config.linux?.resources);
    const owner = planCgroupOwner(bundle.config);
    if (owner !== undefined) cgroup.delegate(owner);
  };
  const isLate = waitsForCgroups(plan) && !(cgroup instanceof SystemdCgroup);
  let pid = 0;
  made.note(() => {
    if (pid > 0) removeMounts(state);
  });
  made.note(async () => warnOfLeft(log, await cgroup.undo(isOursAtEnd({ ...state, pid }))));
  if (!isLate) prepare();
  const { executor, born } = Executor.launch(plan, runtime, { preserved, slots: slots.descriptors });
  made.note(async () => {
    await born.catch(() => undefined);
    executor.close(); // an init that waits for us ends by itself
    ({ pid } = executor);
    await killAndReap(caller, executor.birth);
  });
  if (isLate) prepare();
  await born;
  if (isLate) executor.proceed();
  return executor;
}

function waitsForCgroups(plan: Plan): boolean {
  return plan.some((op) => op.kind === 'await' && op.point === AWAIT.born);
}

function openSlots({ store }: Runtime, input: CreateInput, { id, hasGate }: CreateOptions, slots: Slots): CreateInput {
  return hasGate ? { ...input, startsAt: { gateSlot: slots.add(native().listenAt(store.gate(id))) } } : input;
}

function sharesMounts({ config }: Bundle): boolean {
  return planNamespaces(config.linux).sharesMounts;
}

/** The container's cgroups, as who makes them names them. */
export function planPlaces(
  { id, bundle, cgroups }: Pick<CreateOptions, 'id' | 'bundle' | 'cgroups'>,
  facts: Facts,
): CgroupPlace[] {
  const path = bundle.config.linux?.cgroupsPath;
  if (cgroups === 'none') return [];
  return cgroups === 'systemd' ? planSystemdPlaces(facts, id, path) : planCgroupPlaces(facts, id, path);
}

/** Follows init to where it waits for its start, running the hooks of the runtime namespace on the way. */
async function reachStart(
  runtime: Runtime,
  executor: Executor,
  state: StoredState,
  cgroup: CgroupManager,
): Promise<void> {
  const last = state.isStarted ? 'start' : 'created';
  for (;;) {
    const { at } = await executor.next();
    if (at === last) return;
    if (at === 'born') {
      if (cgroup instanceof SystemdCgroup) {
        const { id, config } = state;
        await cgroup.start(executor.pid, {
          id,
          resources: config.linux?.resources,
          annotations: config.annotations ?? {},
          owner: planCgroupOwner(config),
        });
        executor.proceed();
      } // otherwise it has been let go already
      continue;
    }
    if (at !== 'createRuntime') throw new InternalError(`init came to ${at}, not to its start`);
    await runHooks(runtime, state, 'prestart', 'creating');
    await runHooks(runtime, state, 'createRuntime', 'creating');
    executor.proceed();
  }
}

/** What init does after the gate, without what only it needs: `start` names a failure by it. */
function operationsOfStart(plan: Plan): StoredState['startOps'] {
  const first = plan.findIndex((op) => op.kind === 'awaitGate') + 1;
  const strip = (op: Op): Op => {
    if (op.kind === 'applySeccomp') return { ...op, program: new Uint8Array() };
    return op.kind === 'exec'
      ? { ...op, env: [] }
      : op.kind === 'runHook'
        ? { ...op, env: [], stateHead: '', stateTail: '', filter: new Uint8Array() }
        : op;
  };
  return first === 0 ? { first, ops: [] } : { first, ops: plan.slice(first).map(strip) };
}

/** A helper that dies without a word under a small memory limit was killed for it. */
function withMemoryHint(error: unknown, bundle: Bundle): unknown {
  const limit = bundle.config.linux?.resources?.memory?.limit;
  if (error instanceof HelperError || !(error instanceof InternalError) || limit == null || limit <= 0) return error;
  return new StateError(
    'ERR_STATE_STATUS',
    `container init was killed, probably by its memory limit of ${limit} bytes`,
    {
      cause: error,
    },
  );
}
