// Owns `run`: create, start, and in the foreground the wait and the end.
import { closeSync } from 'node:fs';
import { UsageError, whileFailing } from '../errors.ts';
import { native, type ExitStatus } from '../native/binding.ts';
import { createContainer, type CreateOptions } from './create.ts';
import { requireProcess } from './lifecycle.ts';
import { destroyContainer } from './destroy.ts';
import { killAndReap } from './kill.ts';
import { NotifySocket } from './notify.ts';
import { writePidFile } from './pid-file.ts';
import { runPoststart } from './start.ts';

export interface RunOptions extends Omit<CreateOptions, 'hasGate'> {
  readonly detach: boolean;
  readonly pidFile?: string;
  /** The container's state stays when it has ended. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
}

/** Terminal and console socket need each other, unless we are the terminal's other end. */
export function checkConsole(options: { detach: boolean; terminal: boolean; consoleSocket?: string }): void {
  const { detach, terminal, consoleSocket } = options;
  if (detach && terminal && consoleSocket === undefined)
    throw new UsageError('cannot allocate tty if tsrunc will detach without setting console socket');
  if (consoleSocket !== undefined && !(detach && terminal))
    throw new UsageError('cannot use console socket if tsrunc will not detach or allocate tty');
}

/** Runs a container; the exit status of the command: the container's own, 128+N for signal N, 0 when detached. */
export function runContainer(options: RunOptions): number {
  const { store, log } = options;
  checkConsole({ ...options, terminal: options.bundle.config.process?.terminal ?? false });
  requireProcess(options.bundle.config);
  if (!options.detach && !options.noSubreaper) native().becomeSubreaper();
  // Nothing may end us between the first thing that is made and the wait for the end: what comes meanwhile is forwarded then.
  if (!options.detach) native().holdSignals();
  const { state: created, executor } = createContainer({ ...options, hasGate: false });
  const state = { ...created, isStarted: true };
  const { terminal } = executor;
  let notify: NotifySocket | undefined;
  try {
    notify = NotifySocket.open(store, state.id);
    store.save(state);
    if (options.pidFile !== undefined) writePidFile(options.pidFile, state.pid);
    executor.proceed();
    executor.next();
    runPoststart(store, state, log);
    if (options.detach) {
      notify?.waitForReady(state);
      return 0;
    }
    const status = native().supervise({
      pid: state.pid,
      ...(terminal === undefined ? {} : { terminal }),
      ...(notify === undefined ? {} : { notify: notify.ends }),
    });
    if (!options.keep) destroyContainer(store, state, log);
    return exitCode(status);
  } catch (error) {
    throw whileFailing(error, () => {
      executor.close();
      killAndReap(state.pid);
      if (store.has(state.id)) destroyContainer(store, state, log);
    });
  } finally {
    notify?.close();
    if (terminal !== undefined) closeSync(terminal);
  }
}

/** As a shell has it: 128 and the number of the signal. */
export function exitCode(status: ExitStatus): number {
  return 'exited' in status ? status.exited : 128 + status.signaled;
}
