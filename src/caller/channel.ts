// Owns what it takes to ask a front: connection.ts has it for who serves many, blocking.ts for who serves one.
import { errorCode } from '../errors.ts';
import type { Descriptor } from '../native/descriptor.ts';
import type { Message } from './protocol.ts';

export interface Channel {
  /** Whether the front has ended. */
  readonly isGone: boolean;
  /** Sends a message; `descriptors` stay the sender's to close. CallerGone when nobody is there. */
  send(bytes: Uint8Array, descriptors?: readonly Descriptor[]): void;
  /** Sends a message and waits for the answer to it, which is of this kind. CallerGone when none comes. */
  ask(kind: number, bytes: Uint8Array, descriptors?: readonly Descriptor[]): Promise<Message>;
  /** Waits until there is something to read from one of the descriptors, or its end. CallerGone when the front ends before that. */
  whenReadable(...descriptors: readonly Descriptor[]): Promise<void>;
}

/** Whether a send(2) has failed because nobody is there any more. */
export function isEnd(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ENOTCONN';
}
