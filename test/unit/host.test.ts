// Formats of /proc and of cgroup files.
import t from 'tap';
import { describeDeviceRule, planResourcesV1, planUpdateV1 } from '../../src/cgroup/resources-v1.ts';
import { planResourcesV2, sharesToWeight } from '../../src/cgroup/resources-v2.ts';
import { findHierarchies } from '../../src/host/cgroup-mounts.ts';
import { parseCgroupMounts, parseMountInfo } from '../../src/host/mountinfo.ts';
import { isAlive, readProcess } from '../../src/host/process.ts';
import { formatLine } from '../../src/log.ts';
import { rfc3339 } from '../../src/rfc3339.ts';
import { normalizeArgv } from '../../src/cli/argv.ts';

const MOUNTINFO = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 master:2 - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 /outer /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
35 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
36 31 0:39 / /mnt/a\\040b\\134c rw - tmpfs tmp\\011fs rw
broken line
`;

t.test('mountinfo, cgroups alone: the same as all of it, filtered', async (t) => {
  const isCgroup = ({ type }: { type: string }) => type === 'cgroup' || type === 'cgroup2';
  t.same(parseCgroupMounts(MOUNTINFO), parseMountInfo(MOUNTINFO).filter(isCgroup));
  const cgroup = '35 30 0:29 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu';
  const others = ['1 0 8:1 / / rw - ext4 /dev/sda1 rw', '2 1 0:5 / /x\\040-\\040cgroup rw - tmpfs cgroup rw'];
  const odd = '3 1 0:6 / /y rw - cgroupfoo x rw';
  for (const text of [cgroup, `${cgroup}\n`, [others[0], cgroup, odd, others[1], cgroup].join('\n')])
    t.same(parseCgroupMounts(text), parseMountInfo(text).filter(isCgroup), text);
  t.same(parseCgroupMounts(others.join('\n')), []);
});

t.test('mountinfo', async (t) => {
  const mounts = parseMountInfo(MOUNTINFO);
  t.equal(mounts.length, 6);
  t.same(mounts[1]?.optional, ['shared:5', 'master:2']);
  t.equal(mounts[5]?.mountpoint, '/mnt/a b\\c');
  t.equal(mounts[5]?.source, 'tmp\tfs');
});

t.test('cgroup hierarchies', async (t) => {
  const found = findHierarchies(
    parseMountInfo(MOUNTINFO),
    '4:memory:/outer/me\n2:cpuacct,cpu:/x\n1:name=systemd:/s\n0::/u\n',
  );
  t.same(
    found.map((h) => [h.version, h.controllers.join(), h.ownPath]),
    [
      [1, 'cpu,cpuacct', '/x'],
      [1, 'memory', '/me'],
      [1, 'name=systemd', '/s'],
      [2, '', '/u'],
    ],
  );
});

t.test('processes', async (t) => {
  const stat = readProcess(process.pid);
  t.equal(stat?.state, 'R');
  t.ok(isAlive(process.pid, stat?.startTime ?? 0));
  t.notOk(isAlive(process.pid, 1), 'a pid with another start time is another process');
  t.equal(readProcess(2 ** 30), undefined);
});

t.test('resources on v1', async (t) => {
  const writes = planUpdateV1({
    memory: { limit: 100, swap: -1 },
    cpu: { quota: -1, cpus: '0-1' },
    pids: { limit: 0 },
  });
  t.same(
    writes.map((w) => `${w.file}=${w.value}`),
    [
      'memory.limit_in_bytes=100',
      'memory.memsw.limit_in_bytes=-1',
      'cpu.cfs_quota_us=-1',
      'cpuset.cpus=0-1',
      'pids.max=0',
    ],
  );
  t.equal(planUpdateV1({ pids: { limit: -1 } })[0]?.value, 'max');
  t.equal(describeDeviceRule({ allow: true, type: 'c', major: 10, access: 'r' }), 'c 10:* r');
  t.equal(describeDeviceRule({ allow: false, access: 'rwm' }), 'a *:* rwm');
});

t.test('a new cgroup allows no device that no rule allows; an update leaves them alone', async (t) => {
  t.equal(planResourcesV1(undefined)[0]?.file, 'devices.deny');
  t.same(planUpdateV1({}), []);
  t.equal(planUpdateV1({ devices: [] })[0]?.value, 'a *:* rwm');
});

t.test('resources on v2', async (t) => {
  const values = (resources: object) => planResourcesV2(resources).map((w) => `${w.file}=${w.value}`);
  t.same(values({ memory: { limit: 100, swap: 150, reservation: 50 } }), [
    'memory.swap.max=50',
    'memory.max=100',
    'memory.low=50',
  ]);
  t.same(values({ memory: { limit: -1 } }), ['memory.swap.max=max', 'memory.max=max']);
  t.same(values({ cpu: { quota: 10000, period: 20000 } }), ['cpu.max=10000 20000']);
  t.same(values({ cpu: { quota: -1, period: 20000 } }), ['cpu.max=max 20000']);
  t.same(values({ unified: { 'memory.high': '5' } }), ['memory.high=5']);
  t.same([2, 1024, 262144].map(sharesToWeight), [1, 100, 10000]);
});

t.test('log lines as logrus writes them', async (t) => {
  const now = new Date('2026-01-02T03:04:05.678Z');
  t.equal(
    formatLine('text', { level: 'warn', message: 'a "b"' }, now),
    'time="2026-01-02T03:04:05Z" level=warning msg="a \\"b\\""\n',
  );
  t.equal(
    formatLine('json', { level: 'error', message: 'x\ny' }, now),
    '{"level":"error","msg":"x\\ny","time":"2026-01-02T03:04:05Z"}\n',
  );
});

t.test("runc's habits on the command line", async (t) => {
  const known = {
    long: new Set(['bundle', 'no-pivot', 'log', 'tty']),
    short: new Map([['b', 'bundle']]),
    withValue: new Set(['bundle', 'log']),
  };
  const normal = (line: string, passesThrough = false) =>
    normalizeArgv(line.split(' '), known, { passesThrough }).join(' ');
  t.equal(normal('run -b=x -no-pivot -bundle y -bundle=z id'), 'run --bundle=x --no-pivot --bundle y --bundle=z id');
  t.equal(normal('exec id -- -no-pivot -b=x'), 'exec id -- -no-pivot -b=x');
  t.equal(normal('kill id -moon'), 'kill id -moon', 'what is no option stays');
  t.equal(
    normal('-log x exec -b y -tty id prog -tty -log z', true),
    '--log x exec -b y --tty id prog -tty -log z',
    'the words of a program are its own',
  );
});

t.test('points in time are written as Date writes them', async (t) => {
  for (const milliseconds of [0, 1, 951782399999, 1709164800000, 1798761599007, 4102444800010]) {
    const date = new Date(milliseconds);
    t.equal(rfc3339(date), date.toISOString());
  }
});
