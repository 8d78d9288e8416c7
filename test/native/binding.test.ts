// The addon: what it gives, its errors, and that both sides agree on the bytes of every operation.
import { readFileSync, closeSync, writeSync, openSync } from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import t from 'tap';
import { native, openHelper } from '../../src/native/binding.ts';
import { encodePlan } from '../../src/plan/encode.ts';
import { OP_TABLE } from '../../src/plan/op-table.ts';
import { planSeccomp } from '../../src/plan/seccomp.ts';
import type { Op, Plan } from '../../src/plan/types.ts';

t.test('the addon gives what binding.ts says', async (t) => {
  const source = readFileSync('src/native/binding.ts', 'utf8');
  const body = /export interface Binding \{([^]*?)\n\}/.exec(source)?.[1] ?? '';
  const declared = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map((match) => match[1]).sort();
  t.same(Object.keys(native()).sort(), declared);
});

/** An operation of each kind with values that are easy to confuse. */
function sample(kind: string): Op {
  const fields = OP_TABLE[kind as keyof typeof OP_TABLE].fields as Record<string, string>;
  const values = Object.entries(fields).map(([name, type], i) => {
    const value = {
      U: 2n ** 64n - 1n - BigInt(i),
      S: i % 2 === 0 ? `${name} "ü" ${'x'.repeat(i * 100)}` : '',
      L: ['a', '', `${name}\n`, 'a'],
      N: [0n, 1n, 2n ** 63n],
      B: Buffer.from([0, 1, 2, 255, i]),
    }[type];
    return [name, value];
  });
  return { kind, ...Object.fromEntries(values) } as Op;
}

t.test('every operation arrives as it was sent', async (t) => {
  const sent = Object.keys(OP_TABLE).map(sample);
  const read = native().decodePlan(encodePlan(sent, { reportEveryOp: false }));
  t.equal(read.length, sent.length);
  sent.forEach((op, i) => {
    const { stage, ...rest } = read[i] as { stage: number };
    t.same(rest, op, op.kind);
    t.equal(stage, OP_TABLE[op.kind].stage === 'parent' ? 0 : 1, `${op.kind}: stage`);
  });
});

t.test('both tables name the same operations with the same fields', async (t) => {
  const text = readFileSync('addon/plan/ops.def', 'utf8');
  const there = [...text.matchAll(/^OP\((\d+), (\w+), ?(.*)\)$/gm)].map(([, code, name, fields]) => [
    name,
    Number(code),
    [...(fields ?? '').matchAll(/([USLNB])\((\w+)\)/g)].map(([, kind, field]) => [field, kind]),
  ]);
  const here = Object.entries(OP_TABLE).map(([name, { code, fields }]) => [name, code, Object.entries(fields)]);
  t.same(here, there);
});

t.test('a plan that is cut, or bent at any byte, never crashes the reader', async (t) => {
  const plan: Plan = ['mountFs', 'exec', 'bindMount', 'applySeccomp'].map(sample);
  const good = encodePlan(plan, { reportEveryOp: true });
  let refused = 0;
  for (let size = 0; size < good.length; size += 7)
    try {
      native().decodePlan(good.subarray(0, size));
    } catch {
      refused++;
    }
  t.equal(refused, Math.ceil(good.length / 7), 'every cut plan is refused');
  for (let at = 0; at < good.length; at++)
    for (const value of [0, 1, 0x7f, 0xff]) {
      const bent = Uint8Array.from(good);
      bent[at] = value;
      try {
        native().decodePlan(bent);
      } catch (error) {
        if ((error as { code?: string }).code !== 'EBADMSG') throw error;
      }
    }
  t.pass('no other error came');
});

t.test("system errors have the properties of Node's", async (t) => {
  try {
    native().openHelper('/nowhere/at/all');
    t.fail('opened what is not there');
  } catch (error) {
    t.match(error, { code: 'ENOENT', errno: -2, syscall: 'openat', path: '/nowhere/at/all' });
  }
  t.equal(native().errnoName(8), 'ENOEXEC', 'a name that Node does not know');
});

t.test('the helper is sealed', async (t) => {
  const helper = openHelper();
  t.teardown(() => helper.close());
  t.throws(() => writeSync(helper.number, 'x'), { code: 'EPERM' });
  const again = openSync(`/proc/self/fd/${helper.number}`, 'r+');
  t.teardown(() => closeSync(again));
  t.throws(() => writeSync(again, 'x'), { code: 'EPERM' }, 'not even by who opens it again for writing');
});

t.test('the helper is small, static, and refuses to be used by hand', async (t) => {
  const path = 'build/Release/tsrunc-init';
  t.ok(readFileSync(path).length < 128 << 10, `${readFileSync(path).length} bytes`);
  t.throws(() => execFileSync('ldd', [path], { stdio: 'pipe' }), /not a dynamic executable/);
  t.equal(spawnSync(path).status, 2);
});

t.test('the addon itself enters no namespace', async (t) => {
  const undefinedSymbols = execFileSync('nm', ['-uD', 'build/Release/tsrunc.node'], { encoding: 'utf8' });
  t.notMatch(undefinedSymbols, /\b(fork|vfork|unshare|setns)@/);
});

t.test('seccomp profiles', async (t) => {
  const compile = (syscalls: object[]) =>
    native().compileSeccomp(planSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls } as never, new Map()));
  const empty = compile([]);
  const one = compile([{ names: ['mkdir', 'no_such_call'], action: 'SCMP_ACT_ERRNO' }]);
  t.equal(one.length % 8, 0, 'instructions of 8 bytes');
  t.ok(one.length > empty.length);
  t.throws(
    () => native().compileSeccomp({ defaultAction: 0x7fff0000, architectures: ['pdp11'], rules: [], youngerErrno: 0 }),
    {
      code: 'EINVAL',
      path: 'pdp11',
    },
  );
  t.match(native().seccompVersion(), /^\d+\.\d+\.\d+$/);
});
