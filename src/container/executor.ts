// Owns one execution of a plan: the helper's birth, its reports, and what a failed operation is called. Knows the protocol
// of addon/init/report.h; knows neither state nor cgroups.
import { writeSync } from 'node:fs';
import {
  errorCode,
  HelperError,
  HookError,
  InternalError,
  lastly,
  SyscallError,
  whileFailing,
  whileFailingSync,
} from '../errors.ts';
import type { Caller, Launch } from '../caller/caller.ts';
import { hasEndedAs, readProcess } from '../host/process.ts';
import type { Log } from '../log.ts';
import { native, openHelper, REPORT, type Report } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { describeOp, stepOf } from '../plan/describe.ts';
import { encodePlan } from '../plan/encode.ts';
import { needsCallerEnvironment } from '../plan/hooks.ts';
import { hintFor } from '../plan/hints.ts';
import { mountMessages } from '../plan/mount-log.ts';
import { AWAIT, type AwaitPoint, type Op, type Plan } from '../plan/types.ts';
import type { Runtime } from './runtime.ts';

/** What the helper calls itself until it executes something, addon/init/main.cc. */
const HELPER_NAME = 'tsrunc:[init]';

/** What an execution comes to next: a point where init waits for us, or the program itself. */
export type Progress = { readonly at: AwaitPoint } | { readonly at: 'exec' };

export interface ExecutorOptions {
  /** Descriptors, besides the standard streams, that the container keeps. */
  readonly preserved?: readonly number[];
  /** Descriptors for single operations, by slot; the caller closes its own. */
  readonly slots?: readonly Descriptor[];
}

/** Whose child the helper becomes, and where its reports are told. */
export type Executing = Pick<Runtime, 'caller' | 'log'>;

type Launched = { readonly executor: Executor; readonly born: Promise<void> };

export class Executor {
  readonly #plan: Plan;
  readonly #caller: Caller;
  readonly #log: Log;
  readonly #sync: Descriptor;
  #pid = 0;
  #startTime = 0;
  #terminal: Descriptor | undefined;
  /** How many times init has waited more than it was let go: an end meanwhile is no success. */
  #waits = 0;

  /** Takes part in an execution that another process has begun: `sync` is connected to the gate where its init waits. */
  static join(plan: Plan, runtime: Executing, sync: Descriptor, init: { pid: number; startTime: number }): Executor {
    const executor = new Executor(plan, runtime, sync);
    executor.#pid = init.pid;
    executor.#startTime = init.startTime;
    return executor;
  }

  private constructor(plan: Plan, { caller, log }: Executing, sync: Descriptor) {
    this.#plan = plan;
    this.#caller = caller;
    this.#log = log;
    this.#sync = sync;
  }

  /** Begins an execution; `born` tells when init is there. What init waits for may be made meanwhile. */
  static launch(plan: Plan, runtime: Executing, options: ExecutorOptions = {}): Launched {
    const [ours, theirs] = native().socketPair();
    const executor = new Executor(plan, runtime, ours);
    try {
      const files = { helper: openHelper(), sync: theirs, plan: executor.#openPlan() };
      return { executor, born: executor.#launch(files, options) };
    } catch (error) {
      throw whileFailingSync(error, () => {
        theirs.close();
        executor.close();
      });
    }
  }

  /** Starts the helper and returns once init is born. */
  static async start(plan: Plan, runtime: Executing, options: ExecutorOptions = {}): Promise<Executor> {
    const { executor, born } = Executor.launch(plan, runtime, options);
    await born;
    return executor;
  }

  #openPlan(): Descriptor {
    return native().openPlan(encodePlan(this.#plan, { reportEveryOp: this.#log.isDebug }));
  }

  async #launch(
    files: Pick<Launch, 'helper' | 'sync' | 'plan'>,
    { preserved = [], slots = [] }: ExecutorOptions,
  ): Promise<void> {
    const flags = flagsOfInit(this.#plan);
    const withEnvironment = needsCallerEnvironment(this.#plan);
    const whole = { ...files, slots, preserved, withEnvironment };
    const launch = flags === undefined ? whole : { ...whole, flagsOfInit: flags };
    const start = async () => {
      const launched = await this.#caller.launch(launch);
      if (launched !== undefined) this.#setPid(launched);
    };
    try {
      await lastly(start, () => {
        files.sync.close();
        files.plan.close();
      });
    } catch (error) {
      throw await whileFailing(error, () => this.close());
    }
    await this.#waitForBirth();
  }

  /** Of init, as this process sees it. */
  get pid(): number {
    return this.#pid;
  }

  /** Init as one process for ever, whoever gets its pid later. */
  get birth(): { pid: number; startTime: number } {
    return { pid: this.#pid, startTime: this.#startTime };
  }

  /** Hands over the master of the container's pseudoterminal, once there is one; the caller closes it. */
  takeTerminal(): Descriptor | undefined {
    const terminal = this.#terminal;
    this.#terminal = undefined;
    return terminal;
  }

  /** Waits until init waits for us, or has become the program. Throws HelperError when an operation fails. */
  async next(): Promise<Progress> {
    for (;;) {
      const report = await this.#caller.receive(this.#sync);
      if (report === null) return this.#end();
      if (report.kind === REPORT.await) {
        this.#waits++;
        return { at: pointName(report.value) };
      }
      await this.#handle(report);
    }
  }

  /** The end of reports: the program has taken init's place, unless init still had to be let go. */
  #end(): Progress {
    this.close();
    if (this.#waits > 0) throw new HelperError('init ended while it waited to go on');
    this.#refuseSilence();
    return { at: 'exec' };
  }

  /**
   * While init waits: until there is something to read from the descriptor. An end of init ends this, too; next() tells of it. Until it
   * is reaped, the pid namespace that it is in cannot end.
   */
  waitBeside(descriptor: Descriptor): Promise<void> {
    return this.#caller.whenReadable(descriptor, this.#sync);
  }

  /** Lets init go on from where it waits, or will. One that has ended is told by next(), which has its last words. */
  proceed(): void {
    if (!this.#sync.isOpen) throw new InternalError('init cannot go on: its execution has ended');
    try {
      writeSync(this.#sync.number, 'g');
      this.#waits--;
    } catch (error) {
      if (errorCode(error) !== 'EPIPE') throw error;
    }
  }

  /** Breaks off: an init that waits ends. */
  close(): void {
    this.#sync.close();
    this.takeTerminal()?.close();
  }

  /** End of file means that execve(2) worked, unless a filter forbids execve and also the message that would say so. */
  #refuseSilence(): void {
    if (!this.#plan.some((op) => op?.kind === 'applySeccomp') || !hasEndedAs(HELPER_NAME, this.birth)) return;
    const program = this.#plan.findLast((op) => op?.kind === 'exec');
    throw new HelperError(`exec: ${JSON.stringify(program?.file)}: init ended before it was executed`, {
      hint: 'the seccomp profile refuses execve(2), and also sendmsg(2), by which init would have said more',
    });
  }

  async #waitForBirth(): Promise<void> {
    while (this.#pid === 0) {
      const report = await this.#caller.receive(this.#sync);
      if (report === null) throw new InternalError('the helper ended without a word');
      await this.#handle(report);
    }
  }

  async #handle(report: Report): Promise<void> {
    switch (report.kind) {
      case REPORT.pid:
        await this.#takePid(report.value);
        return;
      case REPORT.terminal:
        this.#terminal?.close();
        this.#terminal = report.descriptor;
        return;
      case REPORT.done:
        this.#logDone(report);
        return;
      case REPORT.warn:
        this.#log.warn(`${describeOp(this.#opOf(report))}: ${causeOf(report)?.message ?? 'failed'}`);
        return;
      case REPORT.fail:
        this.close();
        throw this.#failure(report);
      default:
        throw new InternalError(`the helper sent a report of unknown kind ${report.kind}`);
    }
  }

  /** The first is init; a later one takes its place, and the old one is ours to reap. */
  async #takePid(pid: number): Promise<void> {
    const before = this.#pid;
    // Whoever has taken over an init in a pid namespace of others could name any process, and we would kill it in the end.
    if (before !== 0 && readProcess(pid)?.parent !== this.#caller.pid)
      throw new InternalError(`process ${pid} cannot take the place of init: it is not a child of the caller`);
    this.#setPid(pid);
    if (before !== 0) await this.#caller.waitFor(before);
  }

  #setPid(pid: number): void {
    this.#pid = pid;
    this.#startTime = readProcess(pid)?.startTime ?? 0;
  }

  #logDone(report: Report): void {
    const op = this.#opOf(report);
    const messages = mountMessages(op);
    for (const message of messages) this.#log.debug(message);
    if (messages.length === 0) this.#log.debug(describeOp(op));
  }

  #opOf(report: Report): Op {
    const op = this.#plan[report.op];
    if (op === undefined)
      throw new InternalError(`the helper reported on operation ${report.op}, which is not in the plan`);
    return op;
  }

  #failure(report: Report): HelperError {
    const op = this.#opOf(report);
    return new HelperError(programFailure(op, report) ?? describeOp(op), {
      cause: causeOf(report),
      hint: hintFor(op, report),
      step: stepOf(op),
    });
  }
}

/** Where init has no parent of ours: what it is born with. */
function flagsOfInit(plan: Plan): number | undefined {
  const [first] = plan;
  const isAlone = first?.kind === 'spawnInit' && !plan.some(({ kind }) => kind === 'releaseInit');
  return isAlone ? Number(first.cloneFlags) : undefined;
}

function pointName(point: number): AwaitPoint {
  const name = Object.entries(AWAIT).find(([, value]) => value === point)?.[0];
  if (name === undefined) throw new InternalError(`init waits at unknown point ${point}`);
  return name as AwaitPoint;
}

/** A hook that ran and failed has no errno of its own; its detail says how it ended. */
const HOOK_FAILED = 'ECANCELED';

function causeOf(report: Report): Error | undefined {
  if (report.errno === 0) return undefined;
  if (report.code === HOOK_FAILED) return new HookError(report.detail);
  return new SyscallError({
    code: report.code,
    errno: -report.errno,
    syscall: report.call,
    text: report.text,
    ...(report.detail === '' ? {} : { path: report.detail }),
  });
}

/** A program that cannot be run has words of its own, by which engines tell 127 from 126 (docs/engines.md). */
function programFailure(op: Op, report: Report): string | undefined {
  if (op.kind !== 'exec' && op.kind !== 'checkExecutable' && op.kind !== 'prepareExec') return undefined;
  const name = JSON.stringify(op.file);
  if (report.code === 'ENOENT') {
    // The file was found before: what execve(2) misses is what the file asks for.
    if (op.kind === 'exec') return `exec: ${name}: its interpreter or loader is missing in the container`;
    if (!op.file.includes('/')) return `exec: ${name}: executable file not found in $PATH`;
  }
  return `exec: ${name}`;
}
