// Owns the table of states: what a container is, and what may be done to it then. runtime.md, Lifecycle and Operations.
import { openCgroup } from '../cgroup/open.ts';
import { StateError } from '../errors.ts';
import { isAlive } from '../host/process.ts';
import type { Config } from '../oci/types.ts';
import type { StoredState } from './state.ts';
import type { Store } from './store.ts';

/** `paused` is an addition of runc's that callers know. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** What the container is now: asked from the kernel, not remembered. */
export function statusOf(state: StoredState): Status {
  if (state.pid === 0) return isBeingCreated(state) ? 'creating' : 'stopped';
  if (!isAlive(state.pid, state.startTime)) return 'stopped';
  if (openCgroup(state.cgroupPlaces).isFrozen()) return 'paused';
  return state.isStarted ? 'running' : 'created';
}

/** A container that is being created. */
export type Creating = StoredState & Required<Pick<StoredState, 'creator'>>;

/** As long as the front that has asked for it lives: when that is killed, what it has made is "stopped", and can be deleted. */
export function isBeingCreated(state: StoredState): state is Creating {
  const { pid, creator } = state;
  return pid === 0 && creator !== undefined && isAlive(creator.pid, creator.startTime);
}

/**
 * Runs `work` on a container in a state that allows the operation, while no other command changes it. One that is being created is refused
 * at once: its lock is held until then, perhaps by a hook that waits for us.
 */
export async function whileAllowed<T>(
  store: Store,
  operation: Operation,
  id: string,
  work: (state: StoredState) => Promise<T>,
): Promise<T> {
  if (isBeingCreated(store.load(id))) checkStatus(operation, id, 'creating');
  return store.locked(id, async () => {
    const state = store.load(id);
    checkStatus(operation, id, statusOf(state));
    return work(state);
  });
}

/** "REQUIRED when start is called", config.md, Process. */
export function requireProcess(config: Config): void {
  if (config.process === undefined)
    throw new StateError('ERR_STATE_STATUS', '/process: process is required to start a container', {
      hint: 'tsrunc spec writes a configuration with one',
    });
}

/** Operation, then the states in which it may be called; the words of the refusals are matched by callers. */
const ALLOWED = {
  start: ['created'],
  kill: ['created', 'running', 'paused'],
  delete: ['created', 'stopped'],
  exec: ['created', 'running'],
  pause: ['created', 'running'],
  resume: ['paused'],
  update: ['created', 'running', 'paused'],
  events: ['created', 'running', 'paused'],
  mounts: ['created', 'running', 'paused'],
} as const satisfies Record<string, readonly Status[]>;

export type Operation = keyof typeof ALLOWED;

/** Throws StateError when the operation is not for this status. */
export function checkStatus(operation: Operation, id: string, status: Status): void {
  if ((ALLOWED[operation] as readonly Status[]).includes(status)) return;
  throw new StateError('ERR_STATE_STATUS', refusal(operation, id, status), {
    hint: `${id} is ${status}: ${WAY_ON[status]}`,
  });
}

/** What can be done in a state, for the line below the refusal. */
const WAY_ON: Readonly<Record<Status, string>> = {
  creating: 'tsrunc state tells when it is made',
  created: 'tsrunc start lets its program run',
  running: 'tsrunc exec runs another process in it, tsrunc kill ends it',
  paused: 'tsrunc resume lets it go on',
  stopped: 'tsrunc delete removes it, tsrunc run makes another',
};

function refusal(operation: Operation, id: string, status: Status): string {
  if (status === 'creating' && operation === 'start') return 'cannot start a container that is still being created';
  if (status === 'creating' && operation === 'exec') return 'cannot exec in a container that is still being created';
  switch (operation) {
    case 'start':
      return status === 'stopped'
        ? 'cannot start a container that has stopped'
        : 'cannot start an already running container';
    case 'kill':
      return 'container not running';
    case 'delete':
      return `cannot delete container ${id} that is not stopped: ${status}`;
    case 'exec':
      return status === 'paused'
        ? 'cannot exec in a paused container (use --ignore-paused to override)'
        : 'cannot exec in a stopped container';
    case 'pause':
      return `container not running or created: ${status}`;
    case 'resume':
      return 'container not paused';
    case 'update':
    case 'events':
    case 'mounts':
      return `container with id ${id} is not running`;
  }
}
