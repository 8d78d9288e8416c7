// Owns what is the same for every caller: it is a front (addon/front), a process that starts, waits and supervises when it is asked
// to, while this one plans. Nothing here may block, because a planner has others to serve. What differs is what this process
// shares with it: local.ts, remote.ts.
import { constants } from 'node:fs';
import { CallerGone, errorCode, lastly, lastlySync, SyscallError } from '../errors.ts';
import { native, type ExitStatus, type NotifyEnds, type Report } from '../native/binding.ts';
import { Descriptor } from '../native/descriptor.ts';
import { ended } from '../native/readable.ts';
import type { Ending, Foreground, Launch, Owned, Removal } from './caller.ts';
import type { Channel } from './channel.ts';
import {
  encodeMessage,
  encodeTexts,
  FAILED_CLONE,
  FOREGROUND,
  FROM_FRONT,
  HAS,
  IS_INIT,
  PIECE,
  TO_FRONT,
  WITH_ENVIRONMENT,
} from './protocol.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The half of a caller that is its front. */
export abstract class FrontCaller {
  readonly #globals: number;
  #foreground = 0;

  /** `globals`: how many of its arguments come before the command. */
  constructor(globals: number) {
    this.#globals = globals;
  }

  protected abstract get channel(): Channel;

  async launch(launch: Launch): Promise<number | undefined> {
    const { helper, sync, plan, slots, preserved, flagsOfInit, withEnvironment } = launch;
    const numbers = Buffer.from(Uint32Array.from([...preserved].sort((a, b) => a - b)).buffer);
    const isInit = flagsOfInit !== undefined;
    const flags = this.#foreground | (isInit ? IS_INIT : 0) | (withEnvironment ? WITH_ENVIRONMENT : 0);
    const message = encodeMessage(TO_FRONT.launch, { a: flags, b: flagsOfInit ?? 0 }, numbers);
    const {
      a: pid,
      b: errno,
      c: call,
    } = await this.channel.ask(FROM_FRONT.launched, message, [helper, sync, plan, ...slots]);
    if (errno !== 0) throw failed(errno, call === FAILED_CLONE ? 'clone' : 'execveat', 'the helper cannot be started');
    return isInit ? pid : undefined;
  }

  async receive(sync: Descriptor): Promise<Report | null> {
    for (;;) {
      const report = native().receiveNow(sync.number);
      if (report !== undefined) return report;
      await this.whenReadable(sync);
    }
  }

  whenReadable(...descriptors: readonly Descriptor[]): Promise<void> {
    return this.channel.whenReadable(...descriptors);
  }

  async waitFor(pid: number): Promise<ExitStatus> {
    try {
      const { a: status, b: errno } = await this.channel.ask(
        FROM_FRONT.waited,
        encodeMessage(TO_FRONT.wait, { a: pid }),
      );
      if (errno !== 0) throw failed(errno, 'wait4', 'no such child');
      return (status & 0x7f) === 0 ? { exited: (status >> 8) & 0xff } : { signaled: status & 0x7f };
    } catch (error) {
      if (!(error instanceof CallerGone)) throw error;
      await endOf(pid); // its child is somebody else's now
      return { signaled: 9 };
    }
  }

  async lock(path: string): Promise<Descriptor> {
    const lock = await native().lockDirectory(path);
    if (!this.channel.isGone) return lock;
    lock.close();
    throw new CallerGone('the caller has ended');
  }

  get isGone(): boolean {
    return this.channel.isGone;
  }

  own({ id, created }: Owned): void {
    this.channel.send(encodeMessage(TO_FRONT.own, { a: this.#globals }, encodeTexts(id, created)));
  }

  prepareForeground({ subreaper }: { subreaper: boolean }): void {
    this.#foreground = subreaper ? FOREGROUND.subreaper | FOREGROUND.holdSignals : FOREGROUND.holdSignals;
  }

  async supervise({ pid, terminal, notify }: Foreground, ending?: Ending): Promise<undefined> {
    const removal = fits(ending?.removal) ? ending?.removal : undefined;
    // Open, the directory stays the one that is meant, whoever makes another of its name.
    const directory = removal === undefined ? undefined : Descriptor.open(removal.directory, DIRECTORY);
    const has =
      (terminal === undefined ? 0 : HAS.terminal) |
      (notify === undefined ? 0 : HAS.notify) |
      (ending === undefined ? 0 : HAS.finish) |
      (removal === undefined ? 0 : HAS.removal);
    const descriptors = [terminal, notify?.socket, directory].filter((descriptor) => descriptor !== undefined);
    const { cgroups = [], files = [] } = removal ?? {};
    const texts = encodeTexts(notify?.host ?? '', ...cgroups, '', removal?.directory ?? '', ...files, '');
    const message = encodeMessage(TO_FRONT.supervise, { a: pid, b: has }, texts);
    lastlySync(
      () => this.channel.send(message, descriptors),
      () => directory?.close(),
    );
  }

  async waitForReady(notify: NotifyEnds & { readonly pid: number; readonly pidfd: Descriptor }): Promise<void> {
    const message = encodeMessage(TO_FRONT.waitForReady, { a: notify.pid }, encodeTexts(notify.host));
    this.channel.send(message, [notify.socket, notify.pidfd]);
  }
}

/** In one message, with room to spare. */
function fits(removal: Removal | undefined): boolean {
  return removal !== undefined && [removal.directory, ...removal.cgroups].join().length < PIECE;
}

async function endOf(pid: number): Promise<void> {
  let pidfd: Descriptor;
  try {
    pidfd = native().openPidfd(pid);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return;
    throw error;
  }
  await lastly(
    () => ended(pidfd).then(),
    () => pidfd.close(),
  );
}

function failed(errno: number, syscall: string, text: string): SyscallError {
  return new SyscallError({ code: native().errnoName(errno), errno: -errno, syscall, text });
}
