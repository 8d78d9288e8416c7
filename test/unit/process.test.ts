// Planning of the process itself: environment, credentials, warnings.
import t from 'tap';
import { exactJson } from '../../src/cli/exact-json.ts';
import { exactInteger, type Process } from '../../src/oci/types.ts';
import { planCapabilities } from '../../src/plan/capabilities.ts';
import { eachOnce } from '../../src/plan/environment.ts';
import { planProcess, type ProcessInput } from '../../src/plan/process.ts';
import type { Op } from '../../src/plan/types.ts';

const ALL_CAPS = (1n << 41n) - 1n;

function plan(process: Partial<Process>): Op[] {
  const input: ProcessInput = {
    process: { cwd: '/', args: ['sh'], ...process },
    exact: new Map([['/process/scheduler/runtime', 18446744073709551615n]]),
    pointer: '/process',
    availableCaps: ALL_CAPS,
    isUserNew: false,
    isPidShared: false,
    maySetGroups: true,
  };
  return planProcess(input, { wait: [] }).ops;
}

const find = (process: Partial<Process>, kind: Op['kind']) => plan(process).find((op) => op.kind === kind);

t.test('each variable once, at its first place, with its last value', async (t) => {
  t.same(eachOnce(['A=1', 'B=x', 'A=2', 'NOEQ', 'B=', 'NOEQ', '=C']), ['A=2', 'B=', 'NOEQ', '=C']);
  t.match(find({ env: ['A=1', 'B=x', 'A=2'] }, 'exec'), { env: ['A=2', 'B=x'] });
});

t.test('an empty HOME is looked up, as none is; another stays', async (t) => {
  for (const env of [[], ['HOME='], ['HOME=/x', 'HOME=']]) {
    t.match(find({ env, user: { uid: 7 } }, 'setHome'), { uid: 7 });
    t.match(find({ env }, 'exec'), { env: [] }, 'and is not in the way');
  }
  t.equal(find({ env: ['HOME=', 'HOME=/x'] }, 'setHome'), undefined);
});

t.test('a user without uid or gid is 0; additional groups each once', async (t) => {
  t.match(find({ user: { additionalGids: [5, 7, 5] } }, 'setUser'), { uid: 0, gid: 0 });
  t.match(find({ user: { additionalGids: [5, 7, 5] } }, 'setGroups'), { gids: [5, 7] });
  t.match(find({ user: { gid: 3 } }, 'setUser'), { uid: 0, gid: 3 });
  t.match(find({}, 'setUser'), { uid: 0, gid: 0 });
});

t.test('times of a scheduler are exact', async (t) => {
  const scheduler = { policy: 'SCHED_DEADLINE', runtime: 2 ** 64 };
  t.match(find({ scheduler }, 'setScheduler'), { runtime: 18446744073709551615n, period: 0n });
});

t.test("runc's default configuration costs one warning, not three: ambient without inheritable", async (t) => {
  const caps = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
  const capabilities = { bounding: caps, effective: caps, permitted: caps, ambient: caps };
  const { words, warnings } = planCapabilities({ cwd: '/', capabilities }, ALL_CAPS);
  t.equal(words.ambient, 0n);
  t.match(warnings, [/^ignoring ambient capabilities .*: CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE$/]);
});

t.test('integers have all their digits on the way out', async (t) => {
  t.equal(
    exactJson({ limit: 9223372036854771712, none: 2 ** 64, a: [1, null, 1.5, undefined], b: undefined, c: '"' }),
    '{"limit":9223372036854771712,"none":18446744073709551615,"a":[1,null,1.5,null],"c":"\\""}',
  );
  const value = { a: { b: [true, 'x', { c: -1 }] } };
  t.equal(exactJson(value), JSON.stringify(value));
});

t.test('unlimited stays unlimited where the exact text is gone, as in a state file', async (t) => {
  t.equal(exactInteger(new Map(), '/x', JSON.parse('18446744073709551615')), 2n ** 64n - 1n);
  t.equal(exactInteger(new Map(), '/x', 5), 5n);
});
