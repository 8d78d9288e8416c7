// Owns `run`: create, start, and in the foreground the wait and the end.
import type { Caller } from '../caller/caller.ts';
import { lastly, UsageError, whileFailing } from '../errors.ts';
import { createContainer, type Created, type CreateOptions } from './create.ts';
import { hasTerminal } from '../host/terminal.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { requireProcess } from './lifecycle.ts';
import { endingOf, undoCreated } from './destroy.ts';
import { runHooks } from './hooks.ts';
import { NotifySocket } from './notify.ts';
import { writePidFile } from './pid-file.ts';
import type { Runtime } from './runtime.ts';

export interface RunOptions extends Omit<CreateOptions, 'hasGate'> {
  readonly detach: boolean;
  readonly pidFile?: string;
  /** The container's state stays when it has ended. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
}

/** Terminal and console socket need each other, unless we are the terminal's other end: then there must be one on this side, too. */
export function checkConsole(options: {
  readonly caller: Caller;
  readonly detach: boolean;
  readonly terminal: boolean;
  readonly consoleSocket?: string;
}): void {
  const { caller, detach, terminal, consoleSocket } = options;
  if (detach && terminal && consoleSocket === undefined)
    throw new UsageError('cannot allocate tty if tsrunc will detach without setting console socket', {
      hint: '"terminal": false in process of config.json, or --console-socket PATH where somebody listens',
    });
  if (consoleSocket !== undefined && !(detach && terminal))
    throw new UsageError('cannot use console socket if tsrunc will not detach or allocate tty');
  if (terminal && !detach && !hasTerminal(caller.proc))
    throw new UsageError('cannot allocate tty: no terminal is here, on the standard streams or as /dev/tty', {
      hint: 'set process.terminal to false, or detach with --console-socket',
    });
}

/** Runs a container; the exit status of the command: 0 when detached, undefined when the caller sees to the rest. */
export async function runContainer(runtime: Runtime, options: RunOptions): Promise<number | undefined> {
  const { caller } = runtime;
  checkConsole({ ...options, caller, terminal: options.bundle.config.process?.terminal ?? false });
  requireProcess(options.bundle.config);
  if (!options.detach) caller.prepareForeground({ subreaper: !options.noSubreaper });
  const created = await createContainer(runtime, { ...options, hasGate: false });
  const terminal = created.executor.takeTerminal();
  return lastly(
    () => startCreated(runtime, options, created, terminal),
    () => terminal?.close(),
  );
}

async function startCreated(
  runtime: Runtime,
  options: RunOptions,
  created: Created,
  terminal: Descriptor | undefined,
): Promise<number | undefined> {
  const { caller } = runtime;
  const { state, executor } = created;
  let notify: NotifySocket | undefined;
  const start = async () => {
    notify = NotifySocket.open(runtime, state.id);
    if (options.pidFile !== undefined) writePidFile(caller, options.pidFile, state.pid);
    executor.proceed();
    await executor.next();
    await runHooks(runtime, state, 'poststart', 'running');
    if (options.detach) {
      await notify?.waitForReady(caller, state);
      return 0;
    }
    const foreground = {
      pid: state.pid,
      ...(terminal === undefined ? {} : { terminal }),
      ...(notify === undefined ? {} : { notify: notify.ends }),
    };
    return caller.supervise(foreground, options.keep ? undefined : endingOf(runtime, state));
  };
  try {
    return await lastly(start, () => notify?.close());
  } catch (error) {
    throw await whileFailing(error, () => undoCreated(runtime, created));
  }
}
