// Owns the case in which the caller is a front that has asked this planner: its directory, terminal and environment are not ours.
import { constants, fstatSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { Declined, lastlySync } from '../errors.ts';
import { Descriptor } from '../native/descriptor.ts';
import { writeWhole } from '../native/whole.ts';
import { resolveFrom } from '../plan/paths.ts';
import { openToAppend } from './append.ts';
import type { Caller } from './caller.ts';
import type { Channel } from './channel.ts';
import { FrontCaller } from './front.ts';
import { encodeMessage, PIECE, TO_FRONT, type Request } from './protocol.ts';

export class RemoteCaller extends FrontCaller implements Caller {
  readonly isHere = false;
  readonly pid: number;
  readonly proc: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  protected readonly channel: Channel;
  readonly #umask: number;

  /** `globals`: how many of its arguments come before the command. */
  constructor(channel: Channel, pid: number, request: Request, globals: number) {
    super(globals);
    this.channel = channel;
    this.#umask = request.umask;
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
    return lastlySync(
      () => readFileSync(file.number, 'utf8'),
      () => file.close(),
    );
  }

  readInput(): string {
    throw new Declined("standard input is the caller's own");
  }

  writeFile(path: string, text: string, { flag, mode }: { flag: 'wx' | 'a'; mode: number }): void {
    const open = (flags: number) => this.#openRegular(path, flags, mode);
    const anew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const ours = process.umask(this.#umask);
    const file = lastlySync(
      () => (flag === 'a' ? openToAppend(open) : open(anew)),
      () => void process.umask(ours),
    );
    lastlySync(
      () => writeWhole(file.number, text),
      () => file.close(),
    );
  }

  /** A fifo would make everybody wait, and even opening it is noticed at its other end. */
  #openRegular(path: string, flags: number, mode: number): Descriptor {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new Declined(`${path} is no regular file`);
    const file = Descriptor.open(path, flags | constants.O_NONBLOCK, mode);
    if (fstatSync(file.number).isFile()) return file;
    file.close();
    throw new Declined(`${path} is no regular file`);
  }

  print(stream: 1 | 2, text: string): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += PIECE)
      this.channel.send(encodeMessage(TO_FRONT.print, { a: stream }, bytes.subarray(at, at + PIECE)));
  }
}
