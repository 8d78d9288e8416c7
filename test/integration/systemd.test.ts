// Cgroups through systemd (--systemd-cgroup). Needs systemd and cgroup v2: elsewhere `make vm` runs it.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, state, WAITING } from '../support/commands.ts';
import { execute, isCgroup2, sh, type Result } from '../support/host.ts';

const here = isCgroup2() && existsSync('/run/systemd/system');
const systemd = here ? {} : { skip: `this host has ${isCgroup2() ? 'no systemd' : 'cgroup v1'}; make vm runs it` };

function run(bundle: Bundle, ...flags: string[]): Result {
  bundle.save();
  const args = bundle.args('run', ...flags, bundle.id).join(' ');
  const script = `${RUNTIME} --systemd-cgroup ${args} </dev/null >out 2>err; echo $?; cat err`;
  const { stdout } = execute('bash', ['-c', script], { cwd: bundle.directory });
  const [status = '1', ...rest] = stdout.split('\n');
  return { status: Number(status), signal: null, stdout: '', stderr: rest.join('\n') };
}

const show = (unit: string, ...properties: string[]) =>
  execute('systemctl', ['show', unit, '--property', properties.join(',')])
    .stdout.split('\n')
    .filter(Boolean)
    .sort();
const cgroupOf = (bundle: Bundle) =>
  readFileSync(`/proc/${state(bundle).pid}/cgroup`, 'utf8')
    .trim()
    .slice(3);
const read = (path: string) => readFileSync(path, 'utf8').trim();

t.test('a scope with the limits, through a reload and an update, gone at the end', systemd, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.config.linux.cgroupsPath = `tsrunc-test.slice:box:${bundle.id}`;
  bundle.config.linux.resources = {
    ...bundle.config.linux.resources,
    pids: { limit: 17 },
    memory: { limit: 64 << 20, swap: 96 << 20 },
    cpu: { shares: 512, quota: 20000, period: 50000 },
  };
  bundle.config.annotations = {
    'org.systemd.property.CollectMode': "'inactive-or-failed'",
    'org.systemd.property.TimeoutStopUSec': '@t 7000000',
    'org.systemd.property.After': "@as ['basic.target']",
    'org.systemd.property.IODeviceWeight': "@a(st) [('/dev/vda', 300)]",
  };
  t.match(run(bundle, '-d'), { status: 0, stderr: '' });
  const unit = `box-${bundle.id}.scope`;
  t.equal(cgroupOf(bundle), `/tsrunc.slice/tsrunc-test.slice/${unit}`);
  t.same(show(unit, 'MemoryMax', 'TasksMax', 'CPUWeight', 'Delegate', 'MemorySwapMax', 'Slice', 'TimeoutStopUSec'), [
    'CPUWeight=59',
    'Delegate=yes',
    `MemoryMax=${64 << 20}`,
    `MemorySwapMax=${32 << 20}`,
    'Slice=tsrunc-test.slice',
    'TasksMax=17',
    'TimeoutStopUSec=7s',
  ]);
  const directory = `/sys/fs/cgroup${cgroupOf(bundle)}`;
  t.equal(read(`${directory}/cpu.max`), '20000 50000');
  t.match(call(bundle, 'exec', bundle.id, 'cat', '/proc/self/cgroup'), { stdout: '0::/\n', stderr: '' });
  t.equal(call(bundle, 'update', '--pids-limit', '23', '--memory', '80m', '--memory-swap', '80m', bundle.id).status, 0);
  sh('systemctl daemon-reload');
  t.same(show(unit, 'MemoryMax', 'TasksMax'), [`MemoryMax=${80 << 20}`, 'TasksMax=23']);
  t.equal(read(`${directory}/pids.max`), '23');
  t.equal(read(`${directory}/memory.max`), String(80 << 20));
  t.not(call(bundle, 'exec', bundle.id, 'dd', 'if=/dev/kmsg', 'count=1').status, 0, 'devices stay shut');
  t.equal(call(bundle, 'pause', bundle.id).status, 0);
  t.equal(state(bundle).status, 'paused');
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  t.notOk(existsSync(directory));
  t.same(show(unit, 'LoadState'), ['LoadState=not-found']);
  sh('systemctl stop tsrunc-test.slice tsrunc.slice');
});

t.test('the default place, and its end with a foreground run', systemd, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['cat', '/proc/1/cgroup'];
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'cgroup');
  t.match(run(bundle), { status: 0, stderr: '' });
  t.equal(read(`${bundle.directory}/out`), `0::/system.slice/tsrunc-${bundle.id}.scope`);
  t.same(show(`tsrunc-${bundle.id}.scope`, 'LoadState'), ['LoadState=not-found']);
});

t.test('what is refused leaves nothing', systemd, async (t) => {
  for (const [path, words] of [
    ['/plain/path', /expected cgroupsPath to be of format "slice:prefix:name"/],
    ['no/slice:a:b', /"no\/slice" is no name of a slice/],
    ['system.slice:a:b.slice', /a container is a scope/],
    ['system.slice:a:b/c', /no name of a unit/],
  ] as const) {
    const bundle = bundleFor(t);
    bundle.config.linux.cgroupsPath = path;
    t.match(run(bundle), { status: 1, stderr: words });
    t.same(bundle.leftovers(), []);
  }
  const bundle = bundleFor(t);
  bundle.config.process.args = ['nope'];
  t.match(run(bundle), { status: 1, stderr: /executable file not found/ });
  t.same(show(`tsrunc-${bundle.id}.scope`, 'LoadState'), ['LoadState=not-found']);
  bundle.config.annotations = { 'org.systemd.property.MemoryMax': 'nonsense here' };
  t.match(run(bundle), { status: 1, stderr: /annotation org\.systemd\.property\.MemoryMax/ });
  bundle.config.annotations = { 'org.systemd.property.NoSuchThing': 'true' };
  const refused = run(bundle);
  t.match(refused, { status: 1, stderr: /ask systemd for a scope.*NoSuchThing.*\(org\.freedesktop\.DBus\.Error/ });
  t.notMatch(refused.stderr, /internal error/);
  t.same(bundle.leftovers(), []);
});

const v1 = isCgroup2() ? { skip: 'this host has cgroup v2' } : onlyTsrunc('asks systemd all the same');

t.test('without cgroup v2 it is refused, and the other commands take the flag', v1, async (t) => {
  const bundle = bundleFor(t);
  t.match(run(bundle), { status: 1, stderr: /need cgroup v2/ });
  t.same(bundle.leftovers(), []);
  mkdirSync(bundle.root, { recursive: true });
  t.equal(execute(RUNTIME, ['--systemd-cgroup', ...bundle.args('list', '-q')]).status, 0);
});
