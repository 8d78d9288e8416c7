// Owns `exec`: a process that joins a running container.
import { constants, readFileSync, readlinkSync } from 'node:fs';
import type { Caller } from '../caller/caller.ts';
import { FileError, lastly, StateError, UsageError, whileFailing } from '../errors.ts';
import { readProcessFacts } from '../host/facts.ts';
import { parseProcCgroup } from '../host/cgroup-mounts.ts';
import { isAlive } from '../host/process.ts';
import { native } from '../native/binding.ts';
import { Descriptor } from '../native/descriptor.ts';
import { planExec } from '../plan/exec.ts';
import type { CgroupPlace } from '../plan/facts.ts';
import { namespaceFlag } from '../plan/namespaces.ts';
import { isWithin } from '../plan/paths.ts';
import { Executor } from './executor.ts';
import { sendPidfd, sendTerminal } from './hand-over.ts';
import { killAndReap, withPidfd } from './kill.ts';
import { checkStatus, statusOf } from './lifecycle.ts';
import { writePidFile } from './pid-file.ts';
import type { ExecProcess } from './process-spec.ts';
import { checkConsole } from './run.ts';
import type { Runtime } from './runtime.ts';
import { compileFilter } from './seccomp.ts';
import { Slots } from './slots.ts';
import { exactOf, keyringOf, type StoredState } from './state.ts';

export interface ExecOptions extends ExecProcess {
  readonly id: string;
  readonly detach: boolean;
  readonly ignorePaused: boolean;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  /** A fifo: the program starts once somebody has opened it for reading and closed it, or it has been written to. */
  readonly waitFifo?: string;
  /** `[controllers:]path` below the container's cgroup. */
  readonly cgroups?: readonly string[];
  readonly preserved?: readonly number[];
}

/** Runs a process in the container; the exit status of the command, undefined when the caller sees to the rest. */
export async function execInContainer(runtime: Runtime, options: ExecOptions): Promise<number | undefined> {
  const { caller, store } = runtime;
  const { id } = options;
  checkConsole({ ...options, caller, terminal: options.process.terminal ?? false });
  const state = store.load(id);
  const status = statusOf(state);
  if (!(status === 'paused' && options.ignorePaused)) checkStatus('exec', id, status);
  if (!options.detach) caller.prepareForeground({ subreaper: true });
  const executor = await startExec(runtime, options, state);
  const terminal = options.detach ? undefined : executor.takeTerminal();
  try {
    return await lastly(
      () => letExecGo(caller, options, executor, terminal),
      () => terminal?.close(),
    );
  } catch (error) {
    throw await whileFailing(error, () => endExec(caller, executor));
  }
}

async function letExecGo(
  caller: Caller,
  options: ExecOptions,
  executor: Executor,
  terminal: Descriptor | undefined,
): Promise<number | undefined> {
  if (options.consoleSocket !== undefined) await sendTerminal(options.consoleSocket, executor);
  if (options.pidfdSocket !== undefined) await sendPidfd(options.pidfdSocket, executor.pid, 'setns');
  // Init of the exec waits at its start now; a hold point may keep it there.
  if (options.waitFifo !== undefined) await waitAtFifo(options.waitFifo, executor);
  executor.proceed();
  await executor.next();
  if (options.pidFile !== undefined) writePidFile(caller, options.pidFile, executor.pid);
  if (options.detach) return 0;
  return caller.supervise({ pid: executor.pid, ...(terminal === undefined ? {} : { terminal }) });
}

async function startExec(runtime: Runtime, options: ExecOptions, state: StoredState): Promise<Executor> {
  const { caller, log } = runtime;
  const slots = new Slots();
  let executor: Executor | undefined;
  const join = async (pidfd: Descriptor) => {
    try {
      const facts = readProcessFacts(caller);
      const pidfdSlot = slots.add(native().duplicate(pidfd.number));
      const filter = compileFilter(state.config.linux?.seccomp, exactOf(state));
      const { plan, warnings } = planExec({
        process: options.process,
        exact: options.exact,
        pointer: options.pointer,
        hasConsoleSocket: options.consoleSocket !== undefined,
        keyring: keyringOf(state),
        personality: state.config.linux?.personality,
        facts,
        cgroupPlaces: execPlaces(state, options.cgroups ?? []),
        namespaces: foreignNamespaces(caller, state.pid),
        pidfdSlot,
        ...(state.rootfsMounts === undefined ? {} : { rootSlot: slots.add(openRootOf(state)) }),
        ...(filter === undefined ? {} : { seccomp: filter }),
      });
      for (const warning of warnings) log.warn(warning);
      executor = await Executor.start(plan, runtime, {
        preserved: options.preserved ?? [],
        slots: slots.descriptors,
      });
      await executor.next();
    } catch (error) {
      throw await whileFailing(error, async () => {
        if (executor !== undefined) await endExec(caller, executor);
      });
    }
  };
  const isThere = await withPidfd(state, (pidfd) =>
    lastly(
      () => join(pidfd),
      () => slots.close(),
    ),
  );
  if (!isThere || executor === undefined)
    throw new StateError('ERR_STATE_STATUS', 'cannot exec in a stopped container');
  return executor;
}

/** Opened first, asked afterwards whether init still lives: then it was its root, and not that of a later process. */
function openRootOf({ pid, startTime }: StoredState): Descriptor {
  const root = Descriptor.open(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  if (isAlive(pid, startTime)) return root;
  root.close();
  throw new StateError('ERR_STATE_STATUS', 'cannot exec in a stopped container');
}

async function endExec(caller: Caller, executor: Executor): Promise<void> {
  executor.close();
  await killAndReap(caller, executor.birth);
}

const NAMESPACE_FILES = ['user', 'cgroup', 'ipc', 'uts', 'net', 'pid', 'mnt', 'time'] as const;

/** CLONE_NEW* of the namespaces in which the process is and we are not; setns(2) refuses to enter one's own user namespace. */
function foreignNamespaces(caller: Caller, pid: number): number {
  return NAMESPACE_FILES.reduce((flags, file) => {
    const theirs = readLink(`/proc/${pid}/ns/${file}`);
    return theirs === undefined || theirs === readLink(`${caller.proc}/ns/${file}`)
      ? flags
      : flags + namespaceFlag(file);
  }, 0);
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // a kernel without this kind of namespace
  }
}

/** The container's cgroup in each hierarchy, with the part of `--cgroup` that is meant for it. */
function execPlaces(state: StoredState, wanted: readonly string[]): CgroupPlace[] {
  const paths = wanted.map(parseCgroupOption);
  return state.cgroupPlaces.map((place) => {
    const { controllers } = place.hierarchy;
    const path = paths.find(({ controller }) => controller === '' || controllers.includes(controller))?.path;
    if (path !== undefined) return { ...place, directory: belowPlace(place, path) };
    return place.hierarchy.version === 2 ? whereInitIs(place, state.pid) : place;
  });
}

function parseCgroupOption(option: string): { controller: string; path: string } {
  const colon = option.indexOf(':');
  return colon < 0
    ? { controller: '', path: option }
    : { controller: option.slice(0, colon), path: option.slice(colon + 1) };
}

/** Component by component: "/a" is not the beginning of "/ab", and ".." leads nowhere. */
function belowPlace(place: CgroupPlace, path: string): string {
  const directory = `${place.directory}/${path}`;
  if (path.split('/').includes('..') || !isWithin(directory, place.directory))
    throw new UsageError(`--cgroup ${path}: not below the container's cgroup`, {
      hint: 'the path is one below the cgroup of the container, without ..',
    });
  return directory.replace(/\/+$/, '');
}

/** On v2 a cgroup with children takes no processes: where init moved itself to, exec follows. */
function whereInitIs(place: CgroupPlace, pid: number): CgroupPlace {
  const own = parseProcCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).get('');
  if (own === undefined) return place;
  const directory = `${place.hierarchy.mountpoint}${own === '/' ? '' : own}`;
  return isWithin(directory, place.directory) ? { ...place, directory } : place;
}

/** Without blocking, which open(2) and read(2) of a fifo do. */
async function waitAtFifo(path: string, executor: Executor): Promise<void> {
  try {
    const fifo = Descriptor.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await lastly(
      () => executor.waitBeside(fifo),
      () => fifo.close(),
    );
  } catch (cause) {
    throw new FileError(`wait at the fifo ${path}`, { cause });
  }
}
