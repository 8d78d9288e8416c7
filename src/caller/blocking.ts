// Owns the connection to the front that has started this process: it serves nobody else, so it may block. Node's event loop is
// slower, and the garbage that is collected on its first turn is nobody's concern in a process that is about to end.
import { CallerGone } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { isEnd, type Channel } from './channel.ts';
import { decodeMessage, type Message } from './protocol.ts';

export class BlockingChannel implements Channel {
  readonly #socket: Descriptor;
  #isGone = false;

  constructor(socket: Descriptor) {
    this.#socket = socket;
  }

  get isGone(): boolean {
    // The front says nothing that it was not asked: what there is to read is its end.
    this.#isGone ||= native().waitReady([this.#socket.number], 'read', 0) !== undefined;
    return this.#isGone;
  }

  send(bytes: Uint8Array, descriptors: readonly Descriptor[] = []): void {
    try {
      const numbers = descriptors.map(({ number }) => number);
      while (!native().sendMessage(this.#socket.number, bytes, numbers))
        native().waitReady([this.#socket.number], 'write');
    } catch (error) {
      throw isEnd(error) ? this.#gone(error) : error;
    }
  }

  async ask(kind: number, bytes: Uint8Array, descriptors: readonly Descriptor[] = []): Promise<Message> {
    this.send(bytes, descriptors);
    await undefined; // the front is at work: who asked may be, too
    native().waitReady([this.#socket.number], 'read');
    const answer = native().receiveMessage(this.#socket.number);
    const message = answer && decodeMessage(answer);
    if (message?.kind !== kind) throw this.#gone();
    return message;
  }

  async whenReadable(...descriptors: readonly Descriptor[]): Promise<void> {
    await undefined;
    const numbers = descriptors.map(({ number }) => number);
    if (native().waitReady([...numbers, this.#socket.number], 'read') === this.#socket.number) throw this.#gone();
  }

  #gone(cause?: unknown): CallerGone {
    this.#isGone = true;
    return new CallerGone('the front has ended', cause === undefined ? {} : { cause });
  }
}
