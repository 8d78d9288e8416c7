// Owns the names and numbers of signals, signal(7).
import { constants } from 'node:os';
import { UsageError } from '../errors.ts';

const REAL_TIME_FIRST = 34;
const REAL_TIME_LAST = 64;

/** "9", "KILL", "SIGKILL", "rtmin+1" in any case. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= REAL_TIME_LAST) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (number !== undefined) return number;
  const realTime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  const result =
    realTime === null ? -1 : (realTime[1] === 'MIN' ? REAL_TIME_FIRST : REAL_TIME_LAST) + Number(realTime[2] ?? 0);
  if (result < REAL_TIME_FIRST || result > REAL_TIME_LAST)
    throw new UsageError(`unknown signal ${JSON.stringify(text)}`, {
      hint: 'a name such as TERM, KILL or RTMIN+1, or a number up to 64; kill -l lists them',
    });
  return result;
}
