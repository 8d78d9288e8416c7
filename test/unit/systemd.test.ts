// Scopes and their properties, and the lines for the system's logs: what the kernel and systemd are told, without either.
import t from 'tap';
import { parseCpuList, planAnnotatedProperties, planLimitProperties } from '../../src/cgroup/systemd-properties.ts';
import { formatDatagram } from '../../src/log.ts';
import { planSystemdPlaces } from '../../src/plan/cgroup-places.ts';
import type { Facts } from '../../src/plan/facts.ts';

const FACTS = {
  cgroupVersion: 2,
  euid: 0,
  hierarchies: [
    { controllers: [], version: 2, mountpoint: '/sys/fs/cgroup', ownPath: '/user.slice/user@7.service/app' },
  ],
} as unknown as Facts;

t.test('the place of a scope', async (t) => {
  const place = (path: string | undefined, facts = FACTS) => planSystemdPlaces(facts, 'c1', path)[0];
  t.match(place(undefined), { directory: '/sys/fs/cgroup/system.slice/tsrunc-c1.scope' });
  t.match(place('a-b.slice::x'), {
    directory: '/sys/fs/cgroup/a.slice/a-b.slice/-x.scope',
    unit: { name: '-x.scope' },
  });
  t.match(place('-.slice:p:x'), { directory: '/sys/fs/cgroup/p-x.scope' });
  t.match(place(undefined, { ...FACTS, euid: 7 }), {
    directory: '/sys/fs/cgroup/user.slice/user@7.service/user.slice/tsrunc-c1.scope',
    unit: { isUser: true },
  });
  t.match(place(undefined, { ...FACTS, isInUserNamespace: true }), { unit: { isUser: true } }, "root of a user's own");
  const session = { ...FACTS.hierarchies[0], ownPath: '/user.slice/user-7.slice/session-3.scope' };
  t.match(place(undefined, { ...FACTS, euid: 7, hierarchies: [session] } as unknown as Facts), {
    directory: '/sys/fs/cgroup/user.slice/user-7.slice/user@7.service/user.slice/tsrunc-c1.scope',
  });
  for (const path of ['/a/b', 'a:b', 'a--b.slice:p:x', 'x:p:n', 's.slice:p:n.slice', 's.slice:p:a/b'])
    t.throws(() => place(path), path);
  t.throws(() => place(undefined, { ...FACTS, cgroupVersion: 1 }), /cgroup v2/);
});

t.test('limits in the words of systemd', async (t) => {
  t.same(parseCpuList('0-2,9'), new Uint8Array([7, 2]));
  for (const list of ['x', '3-1', '1-', '99999']) t.throws(() => parseCpuList(list), list);
  t.same(planLimitProperties({ cpu: { quota: 25001, period: 100000 }, memory: { limit: -1 }, pids: { limit: 0 } }), [
    ['MemoryMax', 't', 2n ** 64n - 1n],
    ['MemorySwapMax', 't', 2n ** 64n - 1n],
    ['CPUQuotaPeriodUSec', 't', 100000n],
    ['CPUQuotaPerSecUSec', 't', 260000n],
    ['TasksMax', 't', 1n],
  ]);
});

t.test('annotations that are properties', async (t) => {
  const plan = (name: string, text: string) => planAnnotatedProperties({ [`org.systemd.property.${name}`]: text });
  t.same(plan('TimeoutStopSec', 'uint64 7'), [['TimeoutStopUSec', 't', 7_000_000n]]);
  t.same(plan('TimeoutStopUSec', 'uint64 7'), [['TimeoutStopUSec', 't', 7n]], 'which is in microseconds already');
  t.same(plan('TimeoutStopUSec', '@t 7'), [['TimeoutStopUSec', 't', 7n]]);
  t.same(plan('RuntimeMaxSec', '1.5'), [['RuntimeMaxUSec', 't', 1_500_000n]]);
  t.same(plan('TimeoutStopSec', 'uint64 18446744073709551615'), [['TimeoutStopUSec', 't', 2n ** 64n - 1n]]);
  t.same(plan('After', "['a.service', 'b']"), [['After', 'as', ['a.service', 'b']]]);
  t.same(plan('CollectMode', "'it\\'s'"), [['CollectMode', 's', "it's"]]);
  t.same(planAnnotatedProperties({ other: '1' }), []);
  for (const [name, text] of [
    ['x', 'true'],
    ['a.b', 'true'],
    ['Name', 'nonsense'],
    ['Name', '[1, true]'],
    ['TimeoutStopSec', '-1'],
    ['TimeoutStopSec', "'1'"],
  ] as const)
    t.throws(() => plan(name, text), `${name} ${text}`);
});

t.test('lines for syslog and the journal', async (t) => {
  t.same(formatDatagram({ kind: 'syslog', name: 'x' }, 'error', 'a\nb', 7), {
    path: '/dev/log',
    text: `<27>x[7]: a b`,
  });
  t.same(formatDatagram({ kind: 'journald', name: 'x\nPRIORITY=0' }, 'warn', 'a\nb', 7), {
    path: '/run/systemd/journal/socket',
    text: 'PRIORITY=4\nSYSLOG_IDENTIFIER=x PRIORITY=0\nMESSAGE=a b\n',
  });
});
