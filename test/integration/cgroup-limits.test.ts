// Limits that a host does not take as they are: what is not there, what depends on the old value, what needs words. v1 and hybrid.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, RUNTIME, type Bundle, type Json } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { execute, isCgroup2, sh } from '../support/host.ts';

const v1 = isCgroup2() ? { skip: 'this host has cgroup v2 only' } : {};
const words = isCgroup2() ? v1 : onlyTsrunc('has other words');
const isHybrid = existsSync('/sys/fs/cgroup/unified/cgroup.controllers');
const hybrid = isHybrid ? v1 : { skip: 'this host has no cgroup2 beside v1' };

/** The container's cgroup of one controller, as a directory. */
function directoryOf(bundle: Bundle, controller: string): string {
  const lines = readFileSync(`/proc/${state(bundle).pid}/cgroup`, 'utf8').split('\n');
  return `/sys/fs/cgroup/${controller}${lines.find((line) => line.includes(`:${controller}:`))?.split(':')[2]}`;
}

function started(t: Test, resources: Json = {}): Bundle {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.config.linux.resources = { ...bundle.config.linux.resources, ...resources };
  t.match(create(bundle), { status: 0 });
  t.match(call(bundle, 'start', bundle.id), { status: 0 });
  return bundle;
}

const read = (path: string) => readFileSync(path, 'utf8').trim();

t.test('unified on v1 is refused, at create and at update', v1, async (t) => {
  for (const name of ['memory.high', 'nonsense']) {
    const bundle = bundleFor(t);
    bundle.config.linux.resources.unified = { [name]: '1' };
    t.match(bundle.run('true'), { status: 1, stderr: /cannot use unified on cgroup v1/ });
    t.same(bundle.leftovers(), []);
  }
  if (!isTsrunc) return; // 1.1 ignores it there
  const bundle = started(t);
  const updated = execute(RUNTIME, bundle.args('update', '-r', '-', bundle.id), {
    input: '{"unified":{"pids.max":"3"}}',
  });
  t.match(updated, { status: 1, stderr: /cannot use unified on cgroup v1/ });
});

t.test('no key of unified leads out of its cgroup', words, async (t) => {
  const bundle = started(t);
  for (const name of ['../pids.max', '../../../../../tmp/x']) {
    const input = JSON.stringify({ unified: { [name]: '77' } });
    t.match(execute(RUNTIME, bundle.args('update', '-r', '-', bundle.id), { input }), {
      status: 1,
      stderr: /one file name/,
    });
  }
});

t.test('on a hybrid host the container is in a cgroup of v2, too, and so is exec', hybrid, async (t) => {
  const bundle = started(t);
  const pid = state(bundle).pid;
  t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::/.*${bundle.id}$`, 'm'));
  t.match(call(bundle, 'exec', bundle.id, 'cat', '/proc/self/cgroup').stdout, new RegExp(`^0::/.*${bundle.id}$`, 'm'));
  t.notOk(existsSync(`/proc/${pid}/root/sys/fs/cgroup/unified`), 'which it does not see');
  call(bundle, 'delete', '--force', bundle.id);
  t.same(bundle.leftovers(), []);
});

t.test('weights are those of BFQ where the kernel has no others', v1, async (t) => {
  const bundle = started(t, { blockIO: { weight: 200 } });
  const directory = directoryOf(bundle, 'blkio');
  const file = `${directory}/${existsSync(`${directory}/blkio.weight`) ? 'blkio.weight' : 'blkio.bfq.weight'}`;
  t.equal(read(file), '200');
  t.equal(call(bundle, 'update', '--blkio-weight', '300', bundle.id).status, 0);
  t.equal(read(file), '300');
});

t.test('a file or a controller that is not there is named, with what to do', words, async (t) => {
  for (const [resources, message, hint] of [
    [
      { blockIO: { leafWeight: 10 } },
      /blkio\.leaf_weight = 10: this kernel has no such file/,
      /leave blockIO\.leafWeight out/,
    ],
    [
      { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] },
      /controller hugetlb is not mounted/,
      /cgroup v2|mount -t cgroup -o hugetlb/,
    ],
    [{ cpu: { cpus: '999' } }, /write "999" to .*cpuset\.cpus: E/, /this host has the CPUs 0/],
    [{ cpu: { mems: '63' } }, /write "63" to .*cpuset\.mems: E/, /this host has the memory nodes 0/],
    [{ cpu: { quota: 5 } }, /write "5" to .*cpu\.cfs_quota_us: EINVAL/, /a quota is at least 1000 microseconds/],
    [{ memory: { limit: 64 << 20, swap: 32 << 20 } }, /memory\.memsw|memory\+swap|memsw/, /memory\.swap/],
    [
      { blockIO: { throttleReadBpsDevice: [{ major: 250, minor: 77, rate: 1 }] } },
      /write "250:77 1" to .*blkio\.throttle\.read_bps_device: ENODEV/,
      /lsblk/,
    ],
  ] as const) {
    const bundle = bundleFor(t);
    bundle.config.linux.resources = { ...bundle.config.linux.resources, ...resources };
    const result = bundle.run('true');
    const [first = '', second = ''] = result.stderr.split('\n');
    t.equal(result.status, 1, first);
    t.match(first, message);
    t.match(second, hint);
    t.same(bundle.leftovers(), []);
  }
});

t.test('memory.kernel is told to be ignored', words, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.resources.memory = { kernel: 1 << 30 };
  t.match(bundle.run('true'), { status: 0, stderr: /level=warning .*memory\/kernel is ignored/ });
});

t.test('quota and period in the order in which the kernel takes them', v1, async (t) => {
  const bundle = started(t, { cpu: { quota: 500_000, period: 1_000_000 } });
  const directory = directoryOf(bundle, 'cpu');
  // The parent has half of a CPU: a shorter period is too much before the quota is less, and the other way round.
  const parent = `/sys/fs/cgroup/cpu/${bundle.id}-parent`;
  mkdirSync(parent);
  t.teardown(() => rmdirSync(parent));
  writeFileSync(`${parent}/cpu.cfs_quota_us`, '50000');
  const inner = bundleFor(t);
  inner.config.process.args = WAITING;
  inner.config.linux.cgroupsPath = `/${bundle.id}-parent/${inner.id}`;
  inner.config.linux.resources.cpu = { quota: 500_000, period: 1_000_000 };
  t.match(create(inner), { status: 0 });
  const values = (at: string) => [read(`${at}/cpu.cfs_quota_us`), read(`${at}/cpu.cfs_period_us`)];
  const innerDirectory = `${parent}/${inner.id}`;
  t.same(values(innerDirectory), ['500000', '1000000']);
  t.match(call(inner, 'update', '--cpu-period', '10000', '--cpu-quota', '5000', inner.id), { status: 0 });
  t.same(values(innerDirectory), ['5000', '10000']);
  t.match(call(inner, 'update', '--cpu-period', '1000000', '--cpu-quota', '500000', inner.id), { status: 0 });
  t.same(values(innerDirectory), ['500000', '1000000']);
  t.equal(call(inner, 'update', '--cpu-period', '1000', '--cpu-quota', '900000', inner.id).status, 1);
  t.same(values(innerDirectory), ['500000', '1000000'], 'a failed update leaves the old values');
  t.same(values(directory), ['500000', '1000000']);
  t.equal(call(inner, 'delete', '--force', inner.id).status, 0);
  sh(
    `find /sys/fs/cgroup -depth -type d -name '${bundle.id}-parent' ! -path '*/cpu/*' -exec rmdir {} + 2>/dev/null || true`,
  );
});

t.test('memory and swap, up and down, together and alone', v1, async (t) => {
  const bundle = started(t, { memory: { limit: 64 << 20, swap: 96 << 20 } });
  const directory = directoryOf(bundle, 'memory');
  const values = () => [read(`${directory}/memory.limit_in_bytes`), read(`${directory}/memory.memsw.limit_in_bytes`)];
  if (!existsSync(`${directory}/memory.memsw.limit_in_bytes`)) return; // this kernel does not count swap
  const update = (...flags: string[]) => call(bundle, 'update', ...flags, bundle.id);
  t.match(update('--memory', '128m', '--memory-swap', '160m'), { status: 0 });
  t.same(values(), [128 << 20, 160 << 20].map(String));
  t.match(update('--memory', '32m', '--memory-swap', '48m'), { status: 0 });
  t.same(values(), [32 << 20, 48 << 20].map(String));
  t.match(update('--memory-swap', '64m'), { status: 0 });
  t.same(values(), [32 << 20, 64 << 20].map(String));
  t.match(update('--memory', '', '--memory-swap', '', '--pids-limit', '50'), { status: 0 });
  t.same(values(), [32 << 20, 64 << 20].map(String), 'an empty value is none');
});

const affinity = isTsrunc ? v1 : { skip: '1.1 leaves it to the kernel, which remembers it' };

t.test("the caller's CPU affinity is not the container's, nor that of exec", affinity, async (t) => {
  const allowed = (text: string) => /^Cpus_allowed_list:\s*(.*)$/m.exec(text)?.[1];
  const here = read('/sys/fs/cgroup/cpuset/cpuset.cpus');
  const last = /(\d+)$/.exec(here)?.[1] ?? '0';
  const bundle = bundleFor(t);
  bundle.config.process.args = ['grep', 'Cpus_allowed_list', '/proc/self/status'];
  bundle.save();
  const confined = (...args: string[]) =>
    execute('taskset', ['-c', '0', RUNTIME, ...bundle.args(...args)], { cwd: bundle.directory });
  t.equal(allowed(confined('run', bundle.id).stdout), here);
  bundle.config.linux.resources.cpu = { cpus: last };
  bundle.save();
  t.equal(allowed(confined('run', bundle.id).stdout), last, "the cgroup's");
  bundle.config.process.args = WAITING;
  t.match(create(bundle), { status: 0 });
  t.match(call(bundle, 'start', bundle.id), { status: 0 });
  t.equal(allowed(confined('exec', bundle.id, 'grep', 'Cpus_allowed_list', '/proc/self/status').stdout), last);
});

t.test('a realtime policy in a cgroup without realtime says what is missing', words, async (t) => {
  if (!existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us')) return; // the kernel schedules no groups
  const bundle = bundleFor(t);
  bundle.config.process.scheduler = { policy: 'SCHED_FIFO', priority: 1 };
  const { status, stderr } = bundle.run('true');
  t.equal(status, 1);
  t.match(stderr, /hint: .*cpu\.rt_runtime_us 0.*realtimeRuntime/);
  t.same(bundle.leftovers(), []);
});

t.test('an update of nothing is no failure', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  t.match(create(bundle), { status: 0 });
  t.match(call(bundle, 'update', bundle.id), { status: 0, stderr: '' });
  if (isTsrunc) t.match(call(bundle, 'update', '--kernel-memory', '10m', bundle.id), { status: 0, stderr: '' });
  for (const input of ['null', '{}', '{"cpu":{},"memory":{}}'])
    t.match(execute(RUNTIME, bundle.args('update', '-r', '-', bundle.id), { input }), { status: 0, stderr: '' }, input);
});
