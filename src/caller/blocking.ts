// Owns the connection to the front that has started this process: it serves nobody else, so it may block. Node's event loop is
// slower, and the garbage that is collected on its first turn is nobody's concern in a process that is about to end.
import { CallerGone } from '../errors.ts';
import { native } from '../native/binding.ts';
import { isEnd, type Channel } from './channel.ts';
import { decodeMessage, type Message } from './protocol.ts';

export class BlockingChannel implements Channel {
  readonly #socket: number;
  #isGone = false;

  constructor(socket: number) {
    this.#socket = socket;
  }

  get isGone(): boolean {
    // The front says nothing that it was not asked: what there is to read is its end.
    this.#isGone ||= native().waitReady([this.#socket], 'read', 0) !== undefined;
    return this.#isGone;
  }

  send(bytes: Uint8Array, descriptors: readonly number[] = []): void {
    try {
      while (!native().sendMessage(this.#socket, bytes, descriptors)) native().waitReady([this.#socket], 'write');
    } catch (error) {
      throw isEnd(error) ? this.#gone(error) : error;
    }
  }

  async ask(bytes: Uint8Array, descriptors: readonly number[] = []): Promise<Message> {
    this.send(bytes, descriptors);
    await undefined; // the front is at work: who asked may be, too
    native().waitReady([this.#socket], 'read');
    const answer = native().receiveMessage(this.#socket);
    const message = answer && decodeMessage(answer);
    if (!message) throw this.#gone();
    return message;
  }

  async whenReadable(descriptor: number): Promise<void> {
    await undefined;
    if (native().waitReady([descriptor, this.#socket], 'read') !== descriptor) throw this.#gone();
  }

  #gone(cause?: unknown): CallerGone {
    this.#isGone = true;
    return new CallerGone('the front has ended', cause === undefined ? {} : { cause });
  }
}
