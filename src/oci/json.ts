// Owns the reading of JSON documents: where a mistake is, and integers beyond 2^53. Knows no schema.
import { FileError } from '../errors.ts';
import type { ExactIntegers } from './types.ts';

export interface JsonDocument {
  readonly value: unknown;
  readonly exact: ExactIntegers;
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
    throw new FileError(`cannot read ${path}`, { cause });
  }
  return parseJson(text, path);
}

/** Parses JSON; `name` is how messages call the document. */
export function parseJson(text: string, name: string): JsonDocument {
  try {
    return { value: JSON.parse(text) as unknown, exact: findExactIntegers(text) };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FileError(`${name} is not JSON (${place(text)}): ${cause.message.split(', "')[0]}`);
  }
}

/** Where the mistake is. V8's message does not always say: it is the end of the shortest start that nothing could complete. */
function place(text: string): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBroken(text.slice(0, middle))) high = middle;
    else low = middle + 1;
  }
  const isCutShort = low === text.length && !isBroken(text);
  const before = text.slice(0, isCutShort ? low : low - 1).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
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

/** An integer of 16 digits or more that is no part of a string. Rare: most documents are answered by the first test. */
const LONG_INTEGER = /[-0-9]\d{15,}/;

/** A walk over valid JSON that keeps the pointer of where it stands. */
function findExactIntegers(text: string): ExactIntegers {
  const found = new Map<string, bigint>();
  if (!LONG_INTEGER.test(text)) return found;
  const path: (string | number)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[{}[\]:,]|true|false|null/g;
  let key: string | undefined;
  for (const [word] of text.matchAll(token)) {
    if (word === '{') path.push('');
    else if (word === '[') path.push(0);
    else if (word === '}' || word === ']') path.pop();
    else if (word === ':') path[path.length - 1] = key ?? '';
    else if (word === ',') {
      const top = path.at(-1);
      if (typeof top === 'number') path[path.length - 1] = top + 1;
    } else if (word.startsWith('"')) key = JSON.parse(word) as string;
    else if (/^-?\d+$/.test(word) && !Number.isSafeInteger(Number(word))) found.set(pointerOf(path), BigInt(word));
  }
  return found;
}

function pointerOf(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
