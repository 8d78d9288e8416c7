// Owns the case in which another process has called: a front that has asked this planner. What starts, waits and prints is done
// by it, on request; nothing here may block, for there are others.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { CallerGone, Declined, errorCode, SyscallError } from '../errors.ts';
import { native, type ExitStatus, type NotifyEnds, type Report } from '../native/binding.ts';
import { readable } from '../native/readable.ts';
import { resolveFrom } from '../plan/paths.ts';
import type { Caller, Ending, Foreground, Launch, Owned, Removal } from './caller.ts';
import type { Connection } from './connection.ts';
import { encodeMessage, encodeTexts, FOREGROUND, HAS, IS_INIT, TO_FRONT, type Request } from './protocol.ts';

/** Texts go in pieces that leave room for others in the socket's buffer. */
const PIECE = 32 << 10;

/** addon/sys/message.h takes 64 descriptors, and three are not slots. */
const MAX_SLOTS = 60;

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class RemoteCaller implements Caller {
  readonly isThisProcess = false;
  readonly pid: number;
  readonly proc: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly #connection: Connection;
  readonly #umask: number;
  readonly #globals: number;
  #foreground = 0;

  /** `globals`: how many of its arguments come before the command. */
  constructor(connection: Connection, pid: number, request: Request, globals: number) {
    this.#connection = connection;
    this.#umask = request.umask;
    this.#globals = globals;
    this.pid = pid;
    this.proc = `/proc/${pid}`;
    this.cwd = request.cwd;
    this.environment = request.environment;
  }

  /** Declined for what another process is than it is for the caller. */
  resolve(path: string): string {
    const absolute = resolveFrom(this.cwd, path);
    if (/^\/(proc|dev)(\/|$)/.test(absolute)) throw new Declined(`${absolute} is the caller's own`);
    return absolute;
  }

  /** Before anything is done: writing to a link to a terminal, or to a fifo, is the caller's own, too. */
  resolveOutput(path: string): string {
    const absolute = this.resolve(path);
    const found = lstatSync(absolute, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) throw new Declined(`${absolute} is no regular file`);
    return absolute;
  }

  readText(path: string): string {
    const file = this.#openRegular(path, constants.O_RDONLY, 0);
    try {
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  }

  readInput(): string {
    throw new Declined("standard input is the caller's own");
  }

  writeFile(path: string, text: string, { flag, mode }: { flag: 'w' | 'wx' | 'a'; mode: number }): void {
    const how = { w: constants.O_TRUNC, wx: constants.O_EXCL, a: constants.O_APPEND }[flag];
    const ours = process.umask(this.#umask);
    let file: number;
    try {
      file = this.#openRegular(path, constants.O_WRONLY | constants.O_CREAT | how, mode);
    } finally {
      process.umask(ours);
    }
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  }

  /** A fifo would make everybody wait, and even opening it is noticed at its other end. */
  #openRegular(path: string, flags: number, mode: number): number {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new Declined(`${path} is no regular file`);
    const file = openSync(path, flags | constants.O_NONBLOCK, mode);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    throw new Declined(`${path} is no regular file`);
  }

  print(stream: 1 | 2, text: string): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += PIECE)
      this.#connection.send(encodeMessage(TO_FRONT.print, { a: stream }, bytes.subarray(at, at + PIECE)));
  }

  async launch(launch: Launch): Promise<number | undefined> {
    const { helper, sync, plan, slots, preserved, flagsOfInit } = launch;
    const numbers = Buffer.from(Uint32Array.from([...preserved].sort((a, b) => a - b)).buffer);
    if (slots.length > MAX_SLOTS) throw new Declined('so many descriptors do not fit into a message');
    const isInit = flagsOfInit !== undefined;
    const flags = this.#foreground | (isInit ? IS_INIT : 0);
    const message = encodeMessage(TO_FRONT.launch, { a: flags, b: flagsOfInit ?? 0 }, numbers);
    const { a: pid, b: errno } = await this.#connection.ask(message, [helper, sync, plan, ...slots]);
    if (errno !== 0) throw failed(errno, 'execve', 'the helper cannot be started');
    return isInit ? pid : undefined;
  }

  async receive(sync: number): Promise<Report | null> {
    for (;;) {
      const report = native().receiveNow(sync);
      if (report !== undefined) return report;
      await this.whenReadable(sync);
    }
  }

  /** CallerGone when the caller ends before that. */
  whenReadable(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = native().watch(descriptor, 'read', () => {
        end();
        resolve();
      });
      const forget = this.#connection.onGone(() => {
        end();
        reject(new CallerGone('the caller has ended'));
      });
      const end = () => {
        stop();
        forget();
      };
    });
  }

  async waitFor(pid: number): Promise<ExitStatus> {
    try {
      const { a: status, b: errno } = await this.#connection.ask(encodeMessage(TO_FRONT.wait, { a: pid }));
      if (errno !== 0) throw failed(errno, 'wait4', 'no such child');
      return (status & 0x7f) === 0 ? { exited: (status >> 8) & 0xff } : { signaled: status & 0x7f };
    } catch (error) {
      if (!(error instanceof CallerGone)) throw error;
      await endOf(pid); // its child is somebody else's now
      return { signaled: 9 };
    }
  }

  async lock(path: string): Promise<number> {
    const lock = await native().lockLater(path);
    if (!this.#connection.isGone) return lock;
    closeSync(lock);
    throw new CallerGone('the caller has ended');
  }

  get isGone(): boolean {
    return this.#connection.isGone;
  }

  own({ id, created }: Owned): void {
    this.#connection.send(encodeMessage(TO_FRONT.own, { a: this.#globals }, encodeTexts(id, created)));
  }

  prepareForeground({ subreaper }: { subreaper: boolean }): void {
    this.#foreground = subreaper ? FOREGROUND.subreaper | FOREGROUND.holdSignals : FOREGROUND.holdSignals;
  }

  async supervise({ pid, terminal, notify }: Foreground, ending?: Ending): Promise<undefined> {
    const removal = fits(ending?.removal) ? ending?.removal : undefined;
    // Open, the directory stays the one that is meant, whoever makes another of its name.
    const directory = removal === undefined ? undefined : openSync(removal.directory, DIRECTORY);
    try {
      const has =
        (terminal === undefined ? 0 : HAS.terminal) |
        (notify === undefined ? 0 : HAS.notify) |
        (ending === undefined ? 0 : HAS.finish) |
        (removal === undefined ? 0 : HAS.removal);
      const descriptors = [terminal, notify?.socket, directory].filter((descriptor) => descriptor !== undefined);
      const { cgroups = [], files = [] } = removal ?? {};
      const texts = encodeTexts(notify?.host ?? '', ...cgroups, '', removal?.directory ?? '', ...files, '');
      this.#connection.send(encodeMessage(TO_FRONT.supervise, { a: pid, b: has }, texts), descriptors);
    } finally {
      if (directory !== undefined) closeSync(directory);
    }
  }

  async waitForReady(notify: NotifyEnds & { readonly pid: number; readonly pidfd: number }): Promise<void> {
    const message = encodeMessage(TO_FRONT.waitForReady, { a: notify.pid }, encodeTexts(notify.host));
    this.#connection.send(message, [notify.socket, notify.pidfd]);
  }
}

/** In one message, with room to spare. */
function fits(removal: Removal | undefined): boolean {
  return removal !== undefined && [removal.directory, ...removal.cgroups].join().length < PIECE;
}

async function endOf(pid: number): Promise<void> {
  let pidfd: number;
  try {
    pidfd = native().openPidfd(pid);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return;
    throw error;
  }
  try {
    await readable(pidfd);
  } finally {
    closeSync(pidfd);
  }
}

function failed(errno: number, syscall: string, text: string): SyscallError {
  return new SyscallError({ code: native().errnoName(errno), errno: -errno, syscall, text });
}
