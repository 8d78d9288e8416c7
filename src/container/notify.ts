// Owns NOTIFY_SOCKET: the manager that started us hears of the container's readiness, sd_notify(3). The container gets a socket
// of ours at /run/notify; only READY goes further.
import { existsSync, mkdirSync, unlinkSync } from 'node:fs';
import { errorCode, FileError } from '../errors.ts';
import type { Caller } from '../caller/caller.ts';
import { native, type NotifyEnds } from '../native/binding.ts';
import type { Config } from '../oci/types.ts';
import { withPidfd } from './kill.ts';
import type { Runtime } from './runtime.ts';
import type { StoredState } from './state.ts';
import type { Store } from './store.ts';

const INSIDE = '/run/notify';
const NAME = 'notify.sock';

/** The address in the environment, if a manager waits. */
export function notifyHost(caller: Caller): string | undefined {
  const host = caller.environment['NOTIFY_SOCKET'];
  return host === undefined || host === '' ? undefined : host;
}

/** The directory that the container sees; made at `create`, the socket in it at the start. */
export function makeNotifyDirectory(store: Store, id: string): void {
  const directory = store.notify(id);
  try {
    mkdirSync(directory, { mode: 0o755 });
  } catch (cause) {
    throw new FileError(`make ${directory} for NOTIFY_SOCKET`, { cause });
  }
}

/** The configuration with the mount and the variable by which the container finds the socket. */
export function withNotify(config: Config, directory: string): Config {
  const mount = {
    destination: INSIDE,
    type: 'bind',
    source: directory,
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  };
  const process = config.process;
  return {
    ...config,
    mounts: [...(config.mounts ?? []), mount],
    ...(process === undefined
      ? {}
      : { process: { ...process, env: [...(process.env ?? []), `NOTIFY_SOCKET=${INSIDE}/${NAME}`] } }),
  };
}

/** The container's socket, from before its program starts. */
export class NotifySocket {
  readonly ends: NotifyEnds;

  private constructor(ends: NotifyEnds) {
    this.ends = ends;
  }

  /** Undefined where nobody waits, or the container was created without it. */
  static open({ caller, store }: Runtime, id: string): NotifySocket | undefined {
    const host = notifyHost(caller);
    const directory = store.notify(id);
    if (host === undefined || !existsSync(directory)) return undefined;
    const path = `${directory}/${NAME}`;
    try {
      unlinkSync(path); // of a start that was killed
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
    return new NotifySocket({ socket: native().listenForNotify(path), host });
  }

  /** Blocks until the container has said READY or has ended. */
  async waitForReady(caller: Caller, state: StoredState): Promise<void> {
    await withPidfd(state, (pidfd) => caller.waitForReady({ ...this.ends, pid: state.pid, pidfd }));
  }

  close(): void {
    this.ends.socket.close();
  }
}
