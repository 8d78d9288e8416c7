// Owns one connection of a front's: messages out, in their order and without blocking, and the answers to them.
import { CallerGone } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import { isEnd, type Channel } from './channel.ts';
import { decodeMessage, type Message } from './protocol.ts';

/** What may wait for a front that does not read. */
const MAX_WAITING = 8 << 20;

interface Outgoing {
  readonly bytes: Uint8Array;
  /** Ours, closed when they are sent. */
  readonly descriptors: readonly Descriptor[];
}

export class Connection implements Channel {
  readonly #socket: Descriptor;
  #stopReading: () => void = () => undefined;
  #stopWriting: (() => void) | undefined;
  readonly #outgoing: Outgoing[] = [];
  #waiting = 0;
  #isGone = false;
  #isEnding = false;
  readonly #gone = new Set<() => void>();
  #answer: { readonly kind: number; resolve: (message: Message) => void; reject: (error: Error) => void } | undefined;
  readonly #onMessage: (message: Message | undefined) => void;
  readonly #onClose: () => void;

  /** `onMessage` gets what is no answer, undefined for what is no message; `onClose` is called once. */
  constructor(socket: Descriptor, on: { message: (message: Message | undefined) => void; close: () => void }) {
    this.#socket = socket;
    this.#onMessage = on.message;
    this.#onClose = on.close;
  }

  open(): void {
    this.#stopReading = native().watch(this.#socket.number, 'read', () => this.#read());
    this.#read(); // most fronts have sent their request by now
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether the front has ended its side: it does not wait for an answer any more. */
  get isEnded(): boolean {
    return native().waitReady([this.#socket.number], 'read', 0) !== undefined;
  }

  /** Whether something is still on its way. */
  get isSending(): boolean {
    return this.#outgoing.length > 0;
  }

  /** Calls back once when the connection is closed, unless the result is called before. */
  onGone(callback: () => void): () => void {
    if (this.#isGone) queueMicrotask(callback);
    this.#gone.add(callback);
    return () => this.#gone.delete(callback);
  }

  send(bytes: Uint8Array, descriptors: readonly Descriptor[] = []): void {
    if (this.#isGone) throw new CallerGone('the caller has ended');
    if (this.#outgoing.length === 0 && this.#trySend(bytes, descriptors)) return;
    if (this.#waiting + bytes.length > MAX_WAITING) {
      this.close();
      throw new CallerGone('the caller does not read what it is told');
    }
    this.#waiting += bytes.length;
    this.#outgoing.push({ bytes, descriptors: descriptors.map(({ number }) => native().duplicate(number)) });
    this.#stopWriting ??= this.#watchWriting();
  }

  /** libuv takes a descriptor once: this is another number of the same socket. */
  #watchWriting(): () => void {
    const writing = native().duplicate(this.#socket.number);
    const stop = native().watch(writing.number, 'write', () => this.#sendWaiting());
    return () => {
      stop();
      writing.close();
    };
  }

  ask(kind: number, bytes: Uint8Array, descriptors: readonly Descriptor[] = []): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.#answer = { kind, resolve, reject };
      this.send(bytes, descriptors);
    });
  }

  whenReadable(...descriptors: readonly Descriptor[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const stops = descriptors.map(({ number }) =>
        native().watch(number, 'read', () => {
          end();
          resolve();
        }),
      );
      const forget = this.onGone(() => {
        end();
        reject(new CallerGone('the caller has ended'));
      });
      const end = () => {
        for (const stop of stops) stop();
        forget();
      };
    });
  }

  /** Closes the connection once everything is sent. */
  end(): void {
    this.#isEnding = true;
    if (this.#outgoing.length === 0) this.close();
  }

  close(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#stopReading();
    this.#stopWriting?.();
    for (const { descriptors } of this.#outgoing.splice(0)) for (const descriptor of descriptors) descriptor.close();
    this.#socket.close();
    this.#answer?.reject(new CallerGone('the caller has ended'));
    for (const callback of [...this.#gone]) callback();
    this.#onClose();
  }

  #trySend(bytes: Uint8Array, descriptors: readonly Descriptor[]): boolean {
    try {
      const numbers = descriptors.map(({ number }) => number);
      return native().sendMessage(this.#socket.number, bytes, numbers);
    } catch (error) {
      if (!isEnd(error)) throw error;
      this.close();
      throw new CallerGone('the caller has ended', { cause: error });
    }
  }

  #sendWaiting(): void {
    try {
      for (let next; (next = this.#outgoing[0]) !== undefined;) {
        if (!this.#trySend(next.bytes, next.descriptors)) return;
        this.#outgoing.shift();
        this.#waiting -= next.bytes.length;
        for (const descriptor of next.descriptors) descriptor.close();
      }
    } catch (error) {
      if (error instanceof CallerGone) return; // everything is closed
      this.close(); // nobody is left to whom it could be told
      return;
    }
    this.#stopWriting?.();
    this.#stopWriting = undefined;
    if (this.#isEnding) this.close();
  }

  /** Null also for what is no message of this protocol: too long. Nothing that a caller sends may end the planner. */
  #receive(): Buffer | null | undefined {
    try {
      return native().receiveMessage(this.#socket.number);
    } catch {
      return null;
    }
  }

  #read(): void {
    while (!this.#isGone) {
      const bytes = this.#receive();
      if (bytes === undefined) return;
      if (bytes === null) return this.close();
      const message = decodeMessage(bytes);
      const answer = this.#answer;
      if (answer === undefined) this.#onMessage(message);
      // What is no answer to what was asked is the word of nobody whom we know: the command is taken back.
      else if (message?.kind !== answer.kind) this.close();
      else {
        this.#answer = undefined;
        answer.resolve(message);
      }
    }
  }
}
