// The text of GVariant: every type of D-Bus, and what is no value.
import t from 'tap';
import { parseVariant } from '../../src/cgroup/gvariant.ts';

const parsed = (text: string) => {
  const typed = parseVariant(text);
  return typed === undefined ? undefined : [typed.signature, typed.value];
};

t.test('basic values', async (t) => {
  t.same(parsed('true'), ['b', true]);
  t.same(parsed(' 7 '), ['i', 7n]);
  t.same(parsed('-0x1F'), ['i', -31n]);
  t.same(parsed('010'), ['i', 8n]);
  t.same(parsed('1.5'), ['d', 1.5]);
  t.same(parsed('1e3'), ['d', 1000]);
  t.same(parsed('double 2'), ['d', 2]);
  t.same(parsed('byte 255'), ['y', 255n]);
  t.same(parsed('int16 -3'), ['n', -3n]);
  t.same(parsed('uint16 3'), ['q', 3n]);
  t.same(parsed('@t 18446744073709551615'), ['t', 2n ** 64n - 1n]);
  t.same(parsed('@x -9223372036854775808'), ['x', -(2n ** 63n)]);
  t.same(parsed(String.raw`"a'b\n\u00e9"`), ['s', "a'b\né"]);
  t.same(parsed("objectpath '/a'"), ['o', '/a']);
  t.same(parsed("signature 'as'"), ['g', 'as']);
});

t.test('containers', async (t) => {
  t.same(parsed("['a', 'b']"), ['as', ['a', 'b']]);
  t.same(parsed('@as []'), ['as', []]);
  t.same(parsed('[1, uint64 2]'), ['at', [1n, 2n]], 'one word is enough for all');
  t.same(parsed('@a(ss) [("/dev/null", "rw"), ("char-pts", "r")]'), [
    'a(ss)',
    [
      ['/dev/null', 'rw'],
      ['char-pts', 'r'],
    ],
  ]);
  t.same(parsed("('/dev/vda', @t 100)"), ['(st)', ['/dev/vda', 100n]]);
  t.same(parsed("{'a': <1>, 'b': <'x'>}"), [
    'a{sv}',
    [
      ['a', ['i', 1n]],
      ['b', ['s', 'x']],
    ],
  ]);
  t.same(parsed('@ay [1, 0x2]'), ['ay', new Uint8Array([1, 2])]);
  t.same(parsed("b'a'"), ['ay', Buffer.from('a\0')]);
});

t.test('what is no value', async (t) => {
  const long = '['.repeat(100_000);
  for (const text of [
    '',
    'x',
    '[',
    '[]',
    '(1',
    "'a",
    '1 2',
    'uint32',
    'uint32 -1',
    'byte 256',
    'int32 2147483648',
    '@t 1.5',
    '@zz 1',
    '@a 1',
    '@{ 1',
    '@(s 1',
    '08',
    '{1}',
    '<1',
    'just 1',
    'nothing',
    '@mi 1',
    '@o 5',
    "@(ss) ('a',)",
    long,
  ])
    t.equal(parsed(text), undefined, text.slice(0, 20));
});
