// Owns the handing over of a descriptor at a socket that the caller has named: of a terminal (--console-socket), of a process
// (--pidfd-socket).
import { FileError, InternalError, lastly, lastlySync, UsageError } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { isPidfd } from '../native/readable.ts';
import type { Executor } from './executor.ts';

/**
 * Sends the master of the container's terminal. Connected only now that there is one: who listens takes a connection for the terminal,
 * and its end for that of the container (conmon ends by it, and with it the reason of a failure).
 */
export async function sendTerminal(path: string, executor: Executor): Promise<void> {
  const terminal = executor.takeTerminal();
  if (terminal === undefined) throw new InternalError('init has made no terminal');
  await lastly(
    () => send(path, '/dev/ptmx', terminal),
    () => terminal.close(),
  );
}

/** Sends a pidfd of the process; `name` is the word that callers expect with it. */
export async function sendPidfd(path: string, pid: number, name: 'standard' | 'setns'): Promise<void> {
  const pidfd = native().openPidfd(pid);
  const sendIt = () => {
    if (!isPidfd(pidfd)) throw new UsageError('--pidfd-socket: the kernel, or a filter, has no pidfd_open(2)');
    return send(path, name, pidfd);
  };
  await lastly(sendIt, () => pidfd.close());
}

async function send(path: string, name: string, descriptor: Descriptor): Promise<void> {
  try {
    const socket = await native().connectTo(path, 'stream');
    lastlySync(
      () => native().sendDescriptor(socket.number, name, descriptor.number),
      () => socket.close(),
    );
  } catch (cause) {
    throw new FileError(`send a descriptor to the socket ${path}`, { cause });
  }
}
