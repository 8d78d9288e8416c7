// Owns the case in which the front has started this process for one command: directory, terminal and environment are its own.
import { readFileSync } from 'node:fs';
import { errorCode, lastlySync, UsageError } from '../errors.ts';
import { native } from '../native/binding.ts';
import { Descriptor } from '../native/descriptor.ts';
import { readWhole, writeWhole } from '../native/whole.ts';
import { resolveFrom } from '../plan/paths.ts';
import { openToAppend } from './append.ts';
import type { Caller, Owned } from './caller.ts';
import { BlockingChannel } from './blocking.ts';
import type { Channel } from './channel.ts';
import { FrontCaller } from './front.ts';
import { encodeMessage, parseFront, TO_FRONT } from './protocol.ts';

export class LocalCaller extends FrontCaller implements Caller {
  readonly isHere = true;
  readonly pid: number;
  readonly proc = '/proc/self';
  readonly environment = process.env;
  readonly #front: string | undefined;
  #channel: BlockingChannel | undefined;
  #hasOwned = false;

  /** `front`: TSRUNC_FRONT, how to reach it; without, this process is its own caller, and can start nothing. */
  constructor(front: string | undefined, globals: number) {
    super(globals);
    this.#front = front;
    this.pid = front === undefined ? process.pid : process.ppid;
  }

  protected get channel(): Channel {
    if (this.#front === undefined) throw new UsageError('this needs bin/tsrunc, which starts what is to be started');
    return (this.#channel ??= new BlockingChannel(new Descriptor(parseFront(this.#front))));
  }

  override get isGone(): boolean {
    return this.#channel?.isGone ?? false;
  }

  get cwd(): string {
    return process.cwd();
  }

  resolve(path: string): string {
    return resolveFrom(path.startsWith('/') ? '' : this.cwd, path);
  }

  resolveOutput(path: string): string {
    return this.resolve(path);
  }

  readText(path: string): string {
    return readFileSync(path, 'utf8');
  }

  readInput(): string {
    return readWhole(0);
  }

  writeFile(path: string, text: string, options: { flag: 'wx' | 'a'; mode: number }): void {
    const open = (flags: number | string) => Descriptor.open(path, flags, options.mode);
    const file = options.flag === 'a' ? openToAppend(open) : open(options.flag);
    lastlySync(
      () => writeWhole(file.number, text),
      () => file.close(),
    );
  }

  print(stream: 1 | 2, text: string): void {
    if (stream === 1) writeWhole(stream, text);
    else printBeside(text);
  }

  /** The terminal signals this process, too. If that ends the front, we are there to take back what was made. */
  override own(owned: Owned): void {
    native().ignoreSignals();
    this.#hasOwned = true;
    super.own(owned);
  }

  /** Signals are for the process in the foreground, and the front keeps them for it. */
  override prepareForeground(options: { subreaper: boolean }): void {
    native().ignoreSignals();
    super.prepareForeground(options);
  }

  /** The command is done; without this a front that is to look after a container would do so. Undefined: it has more to do. */
  end(status: number | undefined): void {
    if (this.#hasOwned && status !== undefined) this.channel.send(encodeMessage(TO_FRONT.exit, { a: status }));
  }

  /** The front is to become this program itself. */
  decline(): void {
    this.channel.send(encodeMessage(TO_FRONT.decline, {}));
  }
}

/** How long a standard error that is full may hold a command up. */
const STDERR_PATIENCE_MS = 1000;

/** Standard error is for words beside the work: one that cannot be written (closed, read-only, full) fails nothing. */
function printBeside(text: string): void {
  try {
    writeWhole(2, text, { patienceMs: STDERR_PATIENCE_MS });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}
