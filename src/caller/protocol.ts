// Owns the bytes between a front and who plans for it; addon/front/protocol.h draws the protocol and is the other side. Pure.
import { UsageError } from '../errors.ts';
import { VERSION } from '../version.ts';

/** Raised with every change of the protocol. */
export const PROTOCOL = 3;

export const FROM_FRONT = { request: 1, launched: 2, waited: 3 } as const;
export const TO_FRONT = {
  print: 16,
  launch: 17,
  wait: 18,
  own: 19,
  supervise: 20,
  waitForReady: 21,
  exit: 22,
  decline: 23,
} as const;
/** What `launch` prepares for a process that the caller will supervise. */
export const FOREGROUND = { holdSignals: 1, subreaper: 2 } as const;
/** In `launch`: the helper is init from its birth. */
export const IS_INIT = 4;
/** In `launch`: the helper gets the environment of the front. */
export const WITH_ENVIRONMENT = 8;
/** In `launched`: there is no process. */
export const FAILED_CLONE = 1;
/** What comes with `supervise`. */
export const HAS = { terminal: 1, notify: 2, finish: 4, removal: 8 } as const;

/** Texts go in pieces that leave room for others in the socket's buffer. */
export const PIECE = 32 << 10;

/** TSRUNC_FRONT, "DESCRIPTOR:PROTOCOL:VERSION": the descriptor; UsageError for a front that is not of this version. */
export function parseFront(text: string): number {
  const [descriptor, protocol, version] = text.split(':');
  if (protocol !== String(PROTOCOL) || version !== VERSION)
    throw new UsageError(`bin/tsrunc is of version ${version}, and what it finds beside it of ${VERSION}`);
  return Number(descriptor);
}

const HEAD = 16;

export interface Message {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly data: Buffer;
}

export function encodeMessage(kind: number, numbers: { a?: number; b?: number }, data?: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEAD + (data?.length ?? 0));
  bytes.writeUInt32LE(kind, 0);
  bytes.writeUInt32LE(numbers.a ?? 0, 4);
  bytes.writeUInt32LE(numbers.b ?? 0, 8);
  if (data !== undefined) bytes.set(data, HEAD);
  return bytes;
}

/** Undefined for bytes that are no message. */
export function decodeMessage(bytes: Buffer): Message | undefined {
  if (bytes.length < HEAD) return undefined;
  return {
    kind: bytes.readUInt32LE(0),
    a: bytes.readUInt32LE(4),
    b: bytes.readUInt32LE(8),
    c: bytes.readUInt32LE(12),
    data: bytes.subarray(HEAD),
  };
}

/** Texts, each ended by a zero byte. */
export function encodeTexts(...texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\0`).join(''));
}

export interface Request {
  readonly version: string;
  readonly umask: number;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Undefined for what is no request of this version of the protocol. */
export function decodeRequest(message: Message): Request | undefined {
  if (message.kind !== FROM_FRONT.request || message.c !== PROTOCOL) return undefined;
  const texts = message.data.toString('utf8').split('\0');
  const end = texts.pop();
  const [version, cwd] = texts;
  const count = message.b;
  if (end !== '' || version === undefined || cwd === undefined || texts.length < 2 + count) return undefined;
  return {
    version,
    umask: message.a,
    cwd,
    argv: texts.slice(2, 2 + count),
    environment: Object.fromEntries(texts.slice(2 + count).map(splitVariable)),
  };
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf('=');
  return equals < 0 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)];
}
