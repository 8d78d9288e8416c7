// Owns the connection to the front that has started this process: it serves nobody else, so it may block. Node's event loop is
// slower, and the garbage that is collected on its first turn is nobody's concern in a process that is about to end.
import { CallerGone } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Channel } from './channel.ts';
import { decodeMessage, type Message } from './protocol.ts';

export class BlockingChannel implements Channel {
  readonly #socket: number;
  isGone = false;

  constructor(socket: number) {
    this.#socket = socket;
  }

  send(bytes: Uint8Array, descriptors: readonly number[] = []): void {
    if (this.isGone) throw this.#gone();
    try {
      while (!native().sendMessage(this.#socket, bytes, descriptors)) native().waitReady([this.#socket], 'write');
    } catch (cause) {
      throw this.#gone(cause);
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
    // The front says nothing that it was not asked: what there is to read is its end.
    if (native().waitReady([descriptor, this.#socket], 'read') !== descriptor) throw this.#gone();
  }

  #gone(cause?: unknown): CallerGone {
    this.isGone = true;
    return new CallerGone('the front has ended', cause === undefined ? {} : { cause });
  }
}
