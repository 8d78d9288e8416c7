// Owns `start`: opens the gate at which init waits, and stays until init has become the program.
import { errorCode, lastly, whileFailing } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import type { Op } from '../plan/types.ts';
import { destroyContainer } from './destroy.ts';
import { Executor } from './executor.ts';
import { runHooks } from './hooks.ts';
import { killAndWait } from './kill.ts';
import { checkStatus, requireProcess, statusOf, whileAllowed } from './lifecycle.ts';
import { NotifySocket } from './notify.ts';
import type { Runtime } from './runtime.ts';
import type { StoredState } from './state.ts';
import type { Store } from './store.ts';

export async function startContainer(runtime: Runtime, id: string): Promise<void> {
  const { state, notify } = await whileAllowed(runtime.store, 'start', id, (state) => openGate(runtime, state));
  await lastly(
    // Not locked: the container may take its time, and may be killed meanwhile.
    () => notify?.waitForReady(runtime.caller, state),
    () => notify?.close(),
  );
}

async function openGate(
  runtime: Runtime,
  state: StoredState,
): Promise<{ state: StoredState; notify: NotifySocket | undefined }> {
  const { store } = runtime;
  requireProcess(state.config);
  const executor = Executor.join(planOf(state), runtime, await connect(store, state), state);
  let notify: NotifySocket | undefined;
  try {
    notify = NotifySocket.open(runtime, state.id);
    await executor.next(); // init is at its gate
    const started = { ...state, isStarted: true };
    // Before init goes: a command that looks now must not find a container that runs and is called created.
    store.save(started);
    executor.proceed();
    await executor.next(); // the program runs, or HelperError: init has ended
    await runPoststart(runtime, started);
    return { state: started, notify };
  } catch (error) {
    throw await whileFailing(error, () => {
      executor.close();
      notify?.close();
    });
  }
}

/** "If any poststart hook fails, the runtime MUST ... stop the container, and continue the lifecycle at step 12", runtime.md. */
async function runPoststart(runtime: Runtime, state: StoredState): Promise<void> {
  try {
    await runHooks(runtime, state, 'poststart', 'running');
  } catch (error) {
    throw await whileFailing(error, async () => {
      await killAndWait(state);
      await destroyContainer(runtime, state);
    });
  }
}

/** Who does not listen any more has been started, or has ended. */
async function connect(store: Store, state: StoredState): Promise<Descriptor> {
  try {
    return await native().connectTo(store.gate(state.id), 'seqpacket');
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
