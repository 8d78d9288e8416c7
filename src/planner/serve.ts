// Owns `tsrunc planner`: the socket, who may ask, one request a connection, and the end. What a request does is told by
// `answer`; nothing of it is remembered here (docs/decisions/0011).
import { lstatSync, rmSync, unlinkSync } from 'node:fs';
import { Connection } from '../caller/connection.ts';
import type { Caller } from '../caller/caller.ts';
import { decodeRequest, encodeMessage, TO_FRONT, type Message, type Request } from '../caller/protocol.ts';
import { RemoteCaller } from '../caller/remote.ts';
import { CallerGone, causeOf, Declined, errorCode, FileError, lastly, lastlySync, UsageError } from '../errors.ts';
import type { Log } from '../log.ts';
import { native } from '../native/binding.ts';
import { Descriptor } from '../native/descriptor.ts';
import { VERSION } from '../version.ts';

export interface PlannerOptions {
  readonly path: string;
  /** Without one the planner stays. */
  readonly idleSeconds?: number;
  readonly log: Log;
  /** The descriptor of a socket that systemd listens on for us, sd_listen_fds(3). */
  readonly inherited?: number;
  readonly countGlobals: (argv: readonly string[]) => number;
  /** Does what the arguments say: the exit status, or undefined when the caller sees to the rest. */
  readonly answer: (caller: Caller, argv: readonly string[]) => Promise<number | undefined>;
}

/** Serves until a signal, or until nobody has asked for a while; requests that are under way are finished first. */
export async function servePlanner(options: PlannerOptions): Promise<void> {
  process.umask(0o022);
  const listening =
    options.inherited === undefined ? await listenAfresh(options.path) : new Descriptor(options.inherited);
  await new Promise<void>((resolve) => new Planner(options, listening, resolve));
}

/** How long a front may take for its request. */
const ASK_MS = 10_000;

class Planner {
  readonly #options: PlannerOptions;
  readonly #resolve: () => void;
  readonly #listening: Descriptor;
  #stopListening: () => void = () => undefined;
  readonly #connections = new Set<Connection>();
  #working = 0;
  #idle: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(options: PlannerOptions, listening: Descriptor, resolve: () => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#listening = listening;
    this.#listen();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => this.#end());
    this.#waitIdle();
    options.log.debug(
      `planner ${VERSION} listens at ${options.inherited === undefined ? options.path : 'a socket of systemd'}`,
    );
  }

  #listen(): void {
    this.#stopListening = native().watch(this.#listening.number, 'read', () => {
      try {
        const socket = native().acceptCaller(this.#listening.number);
        if (socket !== undefined) this.#serve(socket);
      } catch (error) {
        // No descriptor is left for it (EMFILE): it waits until some are given back.
        this.#stopListening();
        this.#stopListening = () => undefined;
        setTimeout(() => this.#isEnding || this.#listen(), 100);
        this.#options.log.warn(`accept: ${(error as Error).message}`);
      }
    });
  }

  #serve(socket: Descriptor): void {
    clearTimeout(this.#idle);
    const peer = native().peerOf(socket.number);
    // At once: it must not keep a place that others need.
    if (peer.difference !== '' || this.#isEnding) {
      this.#options.log.debug(`declined: ${this.#isEnding ? 'the end' : `its ${peer.difference} differs`}`);
      declineAtOnce(socket);
      this.#waitIdle();
      return;
    }
    let isAsked = false;
    const tooLong = setTimeout(() => isAsked || connection.close(), ASK_MS);
    const connection: Connection = new Connection(socket, {
      message: (message) => {
        if (isAsked) return; // one request a connection
        isAsked = true;
        clearTimeout(tooLong);
        // Withdrawn: the front has asked Node by now (kPatience in addon/front/protocol.h). What it did must not be done twice.
        if (connection.isEnded) {
          this.#options.log.debug('declined: it was withdrawn');
          decline(connection);
          return;
        }
        this.#handle(connection, peer, message).catch(() => connection.close()); // a log that cannot be written
      },
      close: () => {
        clearTimeout(tooLong);
        this.#connections.delete(connection);
        this.#waitIdle();
        this.#endWhenDone();
      },
    });
    this.#connections.add(connection);
    connection.open();
  }

  async #handle(
    connection: Connection,
    peer: { pid: number; difference: string },
    message: Message | undefined,
  ): Promise<void> {
    const request = message === undefined ? undefined : decodeRequest(message);
    this.#working++;
    const work = async () => {
      try {
        const last = await this.#answer(connection, peer, request);
        if (last !== undefined) connection.send(last);
      } catch (error) {
        if (!(error instanceof CallerGone)) this.#options.log.warn(`request: ${(error as Error).stack}`);
      }
    };
    await lastly(work, () => {
      this.#working--;
      connection.end();
      this.#waitIdle();
      this.#endWhenDone();
    });
  }

  /** The last message; undefined when the caller sees to the rest. */
  async #answer(
    connection: Connection,
    peer: { pid: number; difference: string },
    request: Request | undefined,
  ): Promise<Uint8Array | undefined> {
    const { log, answer, countGlobals } = this.#options;
    try {
      if (request === undefined) throw new Declined('it speaks another protocol');
      if (request.version !== VERSION) throw new Declined(`it is version ${request.version}`);
      log.debug(`pid ${peer.pid} in ${request.cwd}: ${request.argv.join(' ')}`);
      const caller = new RemoteCaller(connection, peer.pid, request, countGlobals(request.argv));
      const status = await answer(caller, request.argv);
      return status === undefined ? undefined : encodeMessage(TO_FRONT.exit, { a: status });
    } catch (error) {
      const declined = causeOf(error, Declined);
      if (declined === undefined) throw causeOf(error, CallerGone) ?? error;
      log.debug(`declined: ${declined.message}`);
      return encodeMessage(TO_FRONT.decline, {});
    }
  }

  #waitIdle(): void {
    const { idleSeconds } = this.#options;
    clearTimeout(this.#idle);
    if (idleSeconds === undefined || this.#connections.size > 0 || this.#working > 0 || this.#isEnding) return;
    this.#idle = setTimeout(() => this.#end(), idleSeconds * 1000);
  }

  /** Nobody finds us any more; who has, and is still in the kernel's queue, is declined until the last request is done. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    clearTimeout(this.#idle);
    // A socket that systemd listens on stays: it starts the next planner.
    if (this.#options.inherited === undefined) rmSync(this.#options.path, { force: true });
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (!this.#isEnding || this.#working > 0 || [...this.#connections].some((connection) => connection.isSending))
      return;
    this.#stopListening();
    this.#stopListening = () => undefined;
    this.#resolve();
  }
}

function decline(connection: Connection): void {
  try {
    connection.send(encodeMessage(TO_FRONT.decline, {}));
  } catch (error) {
    if (!(error instanceof CallerGone)) throw error;
  }
  connection.end();
}

/** A front that does not trust us has closed its end already. */
function declineAtOnce(socket: Descriptor): void {
  const decline = () => {
    try {
      native().sendMessage(socket.number, encodeMessage(TO_FRONT.decline, {}), []);
    } catch (error) {
      if (errorCode(error) !== 'EPIPE') throw error;
    }
  };
  lastlySync(decline, () => socket.close());
}

/** A socket of a planner that was killed is taken away; anything else is somebody's. */
async function listenAfresh(path: string): Promise<Descriptor> {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
      await refuseListener(path);
      unlinkSync(path);
    }
    return native().listenAt(path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new FileError(`make the socket ${path}`, { cause });
  }
}

async function refuseListener(path: string): Promise<void> {
  try {
    (await native().connectTo(path, 'seqpacket')).close();
  } catch (error) {
    if (errorCode(error) === 'ECONNREFUSED') return;
    throw error;
  }
  throw new UsageError(`a planner listens at ${path} already`);
}
