// Owns the reading of JSON documents: where a mistake is, what null means, and what a JavaScript value cannot say of the text.
// Knows no schema.
import { FileError } from '../errors.ts';
import type { ExactIntegers } from './types.ts';

/** What a text says and its value in JavaScript does not. Both are empty for nearly every document. */
export interface Losses {
  readonly exact: ExactIntegers;
  /**
   * What only a schema can judge, by JSON pointer and as it is written: numbers with a point or an exponent, integers that rounding
   * brings back to 64 bits, texts and names with a zero byte.
   */
  readonly doubtful: ReadonlyMap<string, string>;
}

export const NO_LOSSES: Losses = { exact: new Map(), doubtful: new Map() };

export interface JsonDocument extends Losses {
  /** Without properties that are null. */
  readonly value: unknown;
}

/** Who reads files: paths are as it means them. */
export interface Reader {
  resolve(path: string): string;
  readText(path: string): string;
}

/** Reads a JSON file. FileError names the file and, for broken JSON, line and column. */
export function readJson(path: string, reader: Reader): JsonDocument {
  let text: string;
  try {
    text = reader.readText(path);
  } catch (cause) {
    throw new FileError(`cannot read ${path}`, { cause, hint: 'paths are relative to the working directory' });
  }
  return parseJson(text, path);
}

/** What a document loses in one member of it, whose pointers then begin there. */
export function member({ exact, doubtful }: Losses, pointer: string): Losses {
  return { exact: cutOff(exact, pointer), doubtful: cutOff(doubtful, pointer) };
}

function cutOff<T>(places: ReadonlyMap<string, T>, pointer: string): Map<string, T> {
  const inside = [...places].filter(([place]) => place.startsWith(`${pointer}/`));
  return new Map(inside.map(([place, value]) => [place.slice(pointer.length), value]));
}

/** Parses JSON; `name` is how messages call the document. */
export function parseJson(text: string, name: string): JsonDocument {
  try {
    const value = JSON.parse(text) as unknown;
    return { value: /:\s*null/.test(text) ? withoutNulls(value) : value, ...findLosses(text) };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FileError(`${name} is not JSON (${mistakeIn(text)}`, {
      hint: 'jq . FILE checks a file, too',
    });
  }
}

/** Where the mistake is: at the end of the shortest start that nothing could complete. What an engine says of it differs. */
function mistakeIn(text: string): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBroken(text.slice(0, middle))) high = middle;
    else low = middle + 1;
  }
  const isCutShort = low === text.length && !isBroken(text);
  const before = text.slice(0, isCutShort ? low : low - 1).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  return isCutShort ? `${place}): it ends too early` : `${place}): ${JSON.stringify(text[low - 1])} cannot stand here`;
}

/** Whether the start of a document holds a mistake, other than that it ends too early. */
function isBroken(start: string): boolean {
  try {
    JSON.parse(start);
    return false;
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /position (\d+)/.exec(message)?.[1];
    return !/end of JSON|Unterminated/.test(message) && Number(position ?? -1) !== start.length;
  }
}

/** Where to look closer. Rare: most documents are answered by this test. */
const LOSSY = /[-0-9]\d{15,}|[:,[]\s*-?\d+[.eE]|\\u0000/;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*(:))?|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[{}[\],]|true|false|null/g;

/** A walk over valid JSON that keeps the pointer of where it stands. */
function findLosses(text: string): Losses {
  if (!LOSSY.test(text)) return NO_LOSSES;
  const exact = new Map<string, bigint>();
  const doubtful = new Map<string, string>();
  const path: (string | number)[] = [];
  for (const [word, colon] of text.matchAll(TOKEN)) {
    if (word === '{') path.push('');
    else if (word === '[') path.push(0);
    else if (word === '}' || word === ']') path.pop();
    else if (word === ',') {
      const top = path.at(-1);
      if (typeof top === 'number') path[path.length - 1] = top + 1;
    } else if (word.startsWith('"')) {
      const string = word.includes('\\') || colon !== undefined ? parseString(word) : '';
      if (colon !== undefined) path[path.length - 1] = string;
      if (string.includes('\0')) doubtful.set(pointerOf(path), JSON.stringify(string));
    } else if (/[.eE]/.test(word) && /\d/.test(word)) doubtful.set(pointerOf(path), word);
    else if (/\d/.test(word) && !Number.isSafeInteger(Number(word))) {
      const integer = BigInt(word);
      exact.set(pointerOf(path), integer);
      if (isOnEdge(integer)) doubtful.set(pointerOf(path), word);
    }
  }
  return { exact, doubtful };
}

function parseString(word: string): string {
  return JSON.parse(word.replace(/\s*:$/, '')) as string;
}

/** Whether rounding makes the integer the limit of 64 bits that it exceeds: any other is on the same side of a limit as its number. */
function isOnEdge(integer: bigint): boolean {
  const number = Number(integer);
  return EDGES.some(([edge, isBeyond]) => number === edge && isBeyond(integer));
}

const EDGES: readonly (readonly [number, (integer: bigint) => boolean])[] = [
  [-(2 ** 63), (integer) => integer < -(2n ** 63n)],
  [2 ** 63, (integer) => integer >= 2n ** 63n],
  [2 ** 64, (integer) => integer >= 2n ** 64n],
];

/** "null" for a property is as none: Go's programs write it for what is not set, and read it so. In place. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const [key, member] of Object.entries(value))
    if (member === null && !Array.isArray(value)) delete (value as Record<string, unknown>)[key];
    else withoutNulls(member);
  return value;
}

function pointerOf(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
