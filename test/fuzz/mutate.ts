// Owns the damaging of a JSON document: at a random place, in ways that JSON.stringify cannot write, too. Gives the bytes of a file.
import { WORDS } from './generate.ts';
import type { Chance } from './random.ts';

/** Stand for what no value of JavaScript is written as; replaced in the text. */
const MARK = '\ue000';
const RAW_NUMBERS = [
  '18446744073709551615',
  '18446744073709551616',
  '9223372036854775808',
  '-9223372036854775809',
  '1e400',
  '-0',
  '1e3',
  '1000.0',
  '0.1',
  '-1',
  '99999999999999999999999999',
];

const marked = (text: string) => `${MARK}${text}${MARK}`;

/** A value of a wrong kind, or of an extreme one. */
function bad(chance: Chance): unknown {
  return chance.pick<() => unknown>([
    () => null,
    () => chance.isLikely(0.5),
    () => [],
    () => ({}),
    () => [null],
    () => [[[]]],
    () => ({ x: null }),
    () => chance.pick(WORDS),
    () => '\u0000',
    () => '/a\u0000b',
    () => '\ud800',
    () => 'x'.repeat(5000),
    () => marked(chance.pick(RAW_NUMBERS)),
    () => marked('"\xff\xfe"'),
    () => marked('['.repeat(2000) + ']'.repeat(2000)),
    () => marked('{"a":'.repeat(300) + '1' + '}'.repeat(300)),
    () => ({ [marked('__proto__')]: { x: 1 } }),
    () => ({ constructor: null, length: 5, toString: 1 }),
    () => Array.from({ length: 300 }, (_, i) => i),
  ])();
}

interface Place {
  readonly holder: any;
  readonly name: string | number;
}

function places(value: any, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const name of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    found.push({ holder: value, name });
    places(value[name], found);
  }
  return found;
}

function damageOnce(chance: Chance, document: any): void {
  const all = places(document);
  if (all.length === 0) return;
  const { holder, name } = chance.pick(all);
  const kind = chance.below(8);
  if (kind === 0 && Array.isArray(holder)) holder.splice(name as number, 1);
  else if (kind === 0) delete holder[name];
  else if (kind === 1) holder[name] = null;
  else if (kind === 2) {
    const other = chance.pick(all);
    holder[name] = structuredClone(other.holder[other.name]);
  } else if (kind === 3 && Array.isArray(holder)) holder.push(structuredClone(holder[name as number]));
  else if (kind === 3) holder[chance.pick([`${name}X`, '__proto__x', 'x'])] = bad(chance);
  else if (kind === 4 && typeof holder[name] === 'string') holder[name] += chance.pick(WORDS);
  else if (kind === 5 && typeof holder[name] === 'number') holder[name] = -holder[name];
  else holder[name] = bad(chance);
}

/** What is safe to be anything is; a path that other containers' things are below is not. */
function keepSafe(document: any): void {
  const linux = document?.linux;
  if (typeof linux === 'object' && linux !== null && 'cgroupsPath' in linux && typeof linux.cgroupsPath === 'string')
    if (!/^(\/?fuzz-[ab])?$/.test(linux.cgroupsPath)) linux.cgroupsPath = '/fuzz-a';
  const root = document?.root;
  if (typeof root === 'object' && root !== null && typeof root.path === 'string' && !/rootfs/.test(root.path))
    root.path = './rootfs';
}

export function damage(chance: Chance, document: any, times: number): void {
  for (let i = 0; i < times; i++) damageOnce(chance, document);
  keepSafe(document);
}

/** The document as a file; `breaks`: cut off, or with rubbish in it. */
export function bytesOf(chance: Chance, document: unknown, { breaks }: { breaks: boolean }): Buffer {
  let text = JSON.stringify(document) ?? '';
  text = text.replace(/"\ue000((?:[^\ue000])*)\ue000"/g, (_, inner: string) =>
    inner.replaceAll('\\"', '"').replace(/^__proto__$/, '"__proto__"'),
  );
  if (breaks) {
    const at = chance.below(text.length + 1);
    text =
      text.slice(0, at) +
      (chance.isLikely(0.5) ? '' : chance.pick(['}', '"', ',', '\u0000', 'NaN', '//']) + text.slice(at));
  }
  // \xff and \xfe are to be those bytes, which are no UTF-8; the rest is.
  return Buffer.concat(
    text
      .split(/([\xfe\xff])/)
      .map((part) => (/^[\xfe\xff]$/.test(part) ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );
}
