// Owns numbers on the command line: memory with units, durations. Pure.
import { UsageError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** Bytes: "100m", "1g", "1.5GiB", or -1. */
export function parseMemory(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === '-1') return -1;
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/i.exec(text);
  if (match === null)
    throw new UsageError(`${option} ${JSON.stringify(text)}: it must be bytes, with k, m or g, or -1`, {
      hint: `for example ${option} 64m; -1 is no limit`,
    });
  const bytes = Math.floor(Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1));
  if (bytes >= 2 ** 63)
    throw new UsageError(`${option} ${JSON.stringify(text)}: it must be below 9223372036854775808 bytes (2^63)`);
  return bytes;
}

export function parseNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new UsageError(
      `${option} ${JSON.stringify(text)}: it must be an integer from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
    );
  return Number(text);
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Seconds: "500ms", "5s", "1m30s", as Go writes durations. */
export function parseDuration(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (SECONDS[unit ?? ''] ?? 0), 0);
  if (parts.map(([whole]) => whole).join('') !== text || seconds <= 0)
    throw new UsageError(`${option} ${JSON.stringify(text)}: it must be a duration such as 5s or 500ms`);
  return seconds;
}
