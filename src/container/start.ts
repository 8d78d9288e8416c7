// Owns `start`: opens the gate at which init waits, and stays until init has become the program.
import { errorCode, whileFailing } from '../errors.ts';
import type { Log } from '../log.ts';
import { native } from '../native/binding.ts';
import type { Op } from '../plan/types.ts';
import { destroyContainer } from './destroy.ts';
import { Executor } from './executor.ts';
import { runHooks } from './hooks.ts';
import { killAndWait } from './kill.ts';
import { checkStatus, requireProcess, statusOf } from './lifecycle.ts';
import { NotifySocket } from './notify.ts';
import type { Store, StoredState } from './store.ts';

export function startContainer(store: Store, id: string, log: Log): void {
  const { state, notify } = store.locked(id, () => openGate(store, id, log));
  try {
    // Not locked: the container may take its time, and may be killed meanwhile.
    notify?.waitForReady(state);
  } finally {
    notify?.close();
  }
}

function openGate(store: Store, id: string, log: Log): { state: StoredState; notify: NotifySocket | undefined } {
  const state = store.load(id);
  checkStatus('start', id, statusOf(state));
  requireProcess(state.config);
  const executor = Executor.join(planOf(state), log, connect(store, state));
  const notify = NotifySocket.open(store, id);
  try {
    executor.next(); // init is at its gate
    const started = { ...state, isStarted: true };
    // Before init goes: a command that looks now must not find a container that runs and is called created.
    store.save(started);
    executor.proceed();
    executor.next(); // the program runs, or HelperError: init has ended
    runPoststart(store, started, log);
    return { state: started, notify };
  } catch (error) {
    throw whileFailing(error, () => notify?.close());
  }
}

/** "If any poststart hook fails, the runtime MUST ... stop the container, and continue the lifecycle at step 12", runtime.md. */
export function runPoststart(store: Store, state: StoredState, log: Log): void {
  try {
    runHooks(state, 'poststart', 'running');
  } catch (error) {
    throw whileFailing(error, () => {
      killAndWait(state);
      destroyContainer(store, state, log);
    });
  }
}

/** Who does not listen any more has been started, or has ended. */
function connect(store: Store, state: StoredState): number {
  try {
    return native().connectTo(store.gate(state.id), 'seqpacket');
  } catch (error) {
    if (errorCode(error) === 'ECONNREFUSED' || errorCode(error) === 'ENOENT')
      checkStatus('start', state.id, statusOf({ ...state, isStarted: true }));
    throw error;
  }
}

/** The operations at the places that they have in the plan of create. */
function planOf(state: StoredState): Op[] {
  const plan: Op[] = [];
  state.startOps.ops.forEach((op, i) => (plan[state.startOps.first + i] = op));
  return plan;
}
