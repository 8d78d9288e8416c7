// Planning without privilege: from a configuration and facts to operations.
import t from 'tap';
import { defaultSpec } from '../../src/oci/default-spec.ts';
import type { Config } from '../../src/oci/types.ts';
import { planCgroupPlaces } from '../../src/plan/cgroup-places.ts';
import { type CreateInput, planCreate } from '../../src/plan/create.ts';
import { describeOp } from '../../src/plan/describe.ts';
import type { Facts } from '../../src/plan/facts.ts';
import { mountMessages } from '../../src/plan/mount-log.ts';
import type { Op, OpKind, OpOf } from '../../src/plan/types.ts';

const FACTS_V1: Facts = {
  cgroupVersion: 1,
  hierarchies: [
    { version: 1, controllers: ['cpu', 'cpuacct'], mountpoint: '/sys/fs/cgroup/cpu,cpuacct', ownPath: '/' },
    { version: 1, controllers: ['pids'], mountpoint: '/sys/fs/cgroup/pids', ownPath: '/caller' },
    { version: 2, controllers: [], mountpoint: '/sys/fs/cgroup/unified', ownPath: '/' },
  ],
  euid: 0,
  isInUserNamespace: false,
  permittedCaps: (1n << 41n) - 1n,
  lastCap: 40,
};
const FACTS_V2: Facts = {
  ...FACTS_V1,
  cgroupVersion: 2,
  hierarchies: [{ version: 2, controllers: [], mountpoint: '/sys/fs/cgroup', ownPath: '/user' }],
};

function ops(
  change: (config: Record<string, any>) => void = () => {},
  facts = FACTS_V1,
  more: Partial<CreateInput> = {},
): Op[] {
  const config = defaultSpec({ cgroupVersion: facts.cgroupVersion }) as Record<string, any>;
  change(config);
  const places = planCgroupPlaces(facts, 'c1', config['linux']?.cgroupsPath);
  const input = {
    id: 'c1',
    config: config as Config,
    exact: new Map(),
    facts,
    bundle: '/b',
    rootfs: '/b/rootfs',
    startsAt: 'await' as const,
    keyring: '_ses.c1',
    cgroupPlaces: places,
    ...more,
  };
  return [...planCreate(input).plan];
}

function of<K extends OpKind>(plan: readonly Op[], kind: K): OpOf<K>[] {
  return plan.filter((op) => op.kind === kind) as unknown as OpOf<K>[];
}

const kinds = (plan: readonly Op[]) => plan.map((op) => op.kind);

t.test('the order of a start', async (t) => {
  const rest: OpKind[] = [
    'joinCgroup',
    'resetCpuAffinity',
    'makeRootSlave',
    'bindRootfs',
    'mountFs',
    'makeDevice',
    'pivotRoot',
    'makeConsole',
    'makeRootReadonly',
    'setHostname',
    'readonlyPath',
    'maskPath',
    'setNoNewPrivileges',
    'dropBounding',
    'setUser',
    'setCapabilities',
    'checkExecutable',
    'await',
    'exec',
  ];
  const check = (plan: OpKind[], begin: OpKind[], name: string) => {
    const isUserNew = plan.includes('writeIdMaps'); // then devices are the host's
    const order = [...begin, ...rest.filter((kind) => !(isUserNew && kind === 'makeDevice'))];
    const places = order.map((kind, i) => (i < begin.length ? plan.indexOf(kind) : plan.lastIndexOf(kind)));
    t.notOk(places.includes(-1), `${name}: all of them are there`);
    const sorted = [...places].sort((a, b) => a - b);
    t.same(places, sorted, name);
    t.equal(plan.at(-1), 'exec', name);
  };
  const withParent: OpKind[] = ['openCgroup', 'spawnInit', 'releaseInit'];
  const newUser = kinds(
    ops((config) => {
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
    }),
  );
  check(kinds(ops()), ['spawnInit', 'await'], 'on v1 init waits for its cgroups');
  t.notOk(kinds(ops()).includes('releaseInit'), 'without a parent');
  check(kinds(ops(() => {}, FACTS_V2)), withParent, 'on v2 it is born in its cgroup');
  check(newUser, withParent, 'id maps are written by a parent');
  const joining = kinds(
    ops((config) => {
      const others = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'network');
      config.linux.namespaces = [...others, { type: 'network', path: '/proc/1/ns/net' }];
    }),
  );
  check(joining, ['spawnInit', 'releaseInit', 'await'], 'namespaces are joined by a parent');
});

t.test('cgroup places', async (t) => {
  const directories = (path: string | undefined, facts = FACTS_V1) =>
    planCgroupPlaces(facts, 'c1', path).map((place) => place.directory);
  const hybrid = (cpu: string, pids: string, unified: string) => [
    `/sys/fs/cgroup/cpu,cpuacct/${cpu}`,
    `/sys/fs/cgroup/pids/${pids}`,
    `/sys/fs/cgroup/unified/${unified}`,
  ];
  t.same(directories(undefined), hybrid('c1', 'caller/c1', 'c1'));
  t.same(directories('/abs/x'), hybrid('abs/x', 'abs/x', 'abs/x'));
  t.same(directories('rel/x'), hybrid('rel/x', 'caller/rel/x', 'rel/x'));
  t.same(directories('../../up'), hybrid('up', 'caller/up', 'up'), 'nothing climbs');
  t.same(directories('/a', FACTS_V2), ['/sys/fs/cgroup/a']);
  t.same(directories('a', FACTS_V2), ['/sys/fs/cgroup/a'], 'beside our own cgroup, which has processes');
});

t.test('cgroup mounts', async (t) => {
  const v1 = ops();
  t.same(
    of(v1, 'bindCgroup').map((op) => [op.source, op.target]),
    [
      ['/sys/fs/cgroup/cpu,cpuacct/c1', '/sys/fs/cgroup/cpu,cpuacct'],
      ['/sys/fs/cgroup/pids/caller/c1', '/sys/fs/cgroup/pids'],
    ],
  );
  t.same(
    of(v1, 'makeSymlink')
      .filter((op) => op.target === 'cpu,cpuacct')
      .map((op) => op.path),
    ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpuacct'],
  );
  t.equal(of(v1, 'setMountAttributes').at(0)?.target, '/sys/fs/cgroup', 'read-only once it is filled');
  const v2 = ops(() => {}, FACTS_V2);
  t.equal(
    of(v2, 'mountFs').find((op) => op.type === 'cgroup2')?.target,
    '/sys/fs/cgroup',
    'a cgroup namespace shows the part',
  );
  const shared = ops(
    (c) => (c['linux'].namespaces = c['linux'].namespaces.filter((n: { type: string }) => n.type !== 'cgroup')),
    FACTS_V2,
  );
  t.equal(of(shared, 'bindCgroup')[0]?.source, '/sys/fs/cgroup/c1');
});

t.test('root propagation', async (t) => {
  const flags = (value?: string) => {
    const plan = ops((c) => (c['linux'].rootfsPropagation = value));
    return [
      of(plan, 'makeRootSlave')[0]?.flags,
      of(plan, 'makeParentPrivate').length,
      of(plan, 'setRootPropagation')[0]?.flags,
    ];
  };
  t.same(flags(), [540672, 0, undefined]);
  t.same(flags('shared'), [1048576, 1, 1048576]);
  t.same(flags('slave'), [540672, 0, 524288]);
  t.same(flags('private'), [278528, 0, 262144]);
  t.same(flags('unbindable'), [278528, 0, 131072], 'an unbindable rootfs could not be bound on itself');
});

t.test('/dev', async (t) => {
  const devices = of(
    ops((c) => (c['linux'].devices = [{ path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o600 }])),
    'makeDevice',
  );
  t.same(
    devices.filter((op) => op.path === '/dev/null').map((op) => op.mode),
    [0o020600],
    "a configured device takes the default's place",
  );
  const bound = ops((c) => c['mounts'].push({ destination: '/dev', source: '/dev', options: ['rbind'] }));
  t.equal(of(bound, 'makeDevice').length, 0, "nothing is made in the host's /dev");
  const user = ops((c) => c['linux'].namespaces.push({ type: 'user' }));
  t.equal(of(user, 'makeDevice').length, 0);
  t.ok(
    of(user, 'bindDevice').some((op) => op.path === '/dev/null'),
    'mknod is refused in a user namespace',
  );
  const readonly = ops((c) =>
    c['mounts'].find((m: { destination: string }) => m.destination === '/dev').options.push('ro'),
  );
  t.equal(
    Number(of(readonly, 'mountFs').find((op) => op.target === '/dev')?.msFlags) & 1,
    0,
    'read-only only once it is filled',
  );
  t.ok(of(readonly, 'setMountAttributes').some((op) => op.target === '/dev'));
});

/** One instruction each: return the answer. */
const ALLOW_ALL = new Uint8Array([6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
const REFUSE_ALL = new Uint8Array([6, 0, 0, 0, 1, 0, 5, 0]);

t.test('seccomp goes last; without no_new_privs its capability is given up after it', async (t) => {
  const input = (noNewPrivileges: boolean, pidPath?: string, bytes = ALLOW_ALL) => {
    const change = (config: Record<string, any>) => {
      config['process'].noNewPrivileges = noNewPrivileges;
      if (pidPath !== undefined)
        config['linux'].namespaces.find((n: { type: string }) => n.type === 'pid').path = pidPath;
    };
    return kinds(ops(change, FACTS_V1, { seccomp: { bytes, flags: 0, architecture: 'x64' } }));
  };
  t.same(input(true).slice(-4), ['prepareExec', 'closeDescriptors', 'applySeccomp', 'exec']);
  t.same(input(false).slice(-5), ['prepareExec', 'closeDescriptors', 'applySeccomp', 'setCapabilities', 'exec']);
  const joined = input(false, '/proc/7/ns/pid');
  t.same(joined.slice(joined.indexOf('prepareExec')), [
    ...[
      'prepareExec',
      'closeDescriptors',
      'applySeccomp',
      'setCapabilities',
      'enterPidNamespace',
      'takeTerminal',
      'await',
      'exec',
    ],
  ]);
  const refused = input(false, '/proc/7/ns/pid', REFUSE_ALL);
  t.ok(refused.indexOf('enterPidNamespace') < refused.indexOf('setUser'), 'a filter that lets nobody be born after it');
  t.equal(refused[refused.indexOf('enterPidNamespace') + 1], 'openPrivateProc');
});

t.test('capabilities that cannot be had are left out with a warning', async (t) => {
  const config = defaultSpec({ cgroupVersion: 1 }) as Record<string, any>;
  config['process'].capabilities.bounding = ['CAP_KILL', 'CAP_SYS_RESOURCE', 'CAP_MOON'];
  const facts = { ...FACTS_V1, permittedCaps: FACTS_V1.permittedCaps & ~(1n << 24n) };
  const result = planCreate({
    id: 'x',
    config: config as unknown as Config,
    exact: new Map(),
    facts,
    bundle: '/b',
    rootfs: '/r',
    startsAt: 'await' as const,
    cgroupPlaces: [],
  });
  t.equal(of(result.plan, 'dropBounding')[0]?.keep, 1n << 5n);
  t.match(result.warnings, [/tsrunc does not have itself: CAP_SYS_RESOURCE/, /unknown capabilities: CAP_MOON/]);
});

t.test('a path is covered once', async (t) => {
  const plan = ops((config) => {
    config['linux'].maskedPaths = ['/proc/kcore', '/proc/kcore'];
    config['linux'].readonlyPaths = ['/proc/bus', '/proc/bus'];
  });
  t.equal(of(plan, 'maskPath').length, 1);
  t.equal(of(plan, 'readonlyPath').length, 1);
});

t.test('without a linux section there are no new namespaces', async (t) => {
  const plan = ops((config) => {
    delete config['linux'];
    delete config['hostname'];
  });
  t.match(of(plan, 'spawnInit'), [{ cloneFlags: 0 }]);
  t.equal(of(plan, 'unshare').length, 0);
});

t.test('limits that a JavaScript number cannot hold', async (t) => {
  const config = defaultSpec({ cgroupVersion: 1 }) as Record<string, any>;
  config['process'].rlimits = [{ type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709551615 }];
  const exact = new Map([['/process/rlimits/0/hard', 18446744073709551615n]]);
  const plan = planCreate({
    id: 'x',
    config: config as unknown as Config,
    exact,
    facts: FACTS_V1,
    bundle: '/b',
    rootfs: '/r',
    startsAt: 'await' as const,
    cgroupPlaces: [],
  }).plan;
  t.equal(of(plan, 'limitSelf')[0]?.hard, 18446744073709551615n);
});

t.test('every operation has a sentence of one line', async (t) => {
  for (const op of ops()) t.match(describeOp(op), /^[^\n]+$/, op.kind);
});

t.test('messages of the log', async (t) => {
  const messages = ops().flatMap(mountMessages);
  t.equal(messages[0], 'mount root dest=/ flag=540672');
  t.equal(messages[1], 'mount rootfs dest=/b/rootfs source=/b/rootfs flag=20480 device=bind');
});

t.test('SELinux: the program, its keys, and new filesystems that can be labelled', async (t) => {
  const plan = ops((config) => {
    config['process'].selinuxLabel = 'u:r:t:s0:c1,c2';
    config['linux'].mountLabel = 'u:object_r:f:s0:c1,c2';
  });
  const labels = plan.filter((op) => op.kind === 'setExecLabel');
  t.match(labels, [
    { path: 'self/attr/keycreate', label: 'u:r:t:s0:c1,c2' },
    { path: 'self/attr/exec', label: 'u:r:t:s0:c1,c2' },
  ]);
  t.ok(kinds(plan).indexOf('setExecLabel') < kinds(plan).indexOf('joinKeyring'));
  for (const op of plan)
    if (op.kind === 'mountFs' && op.target !== '/sys/fs/cgroup')
      t.equal(
        op.data.includes('context=u:object_r:f:s0:c1,c2'),
        !['proc', 'sysfs', 'mqueue'].includes(op.type),
        op.target,
      );
});
