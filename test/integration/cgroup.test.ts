// The container's cgroup: place, view, limits, removal. config-linux.md, Control groups.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, ROOT_CAPABILITIES, RUNTIME } from '../support/bundle.ts';
import { call, state, WAITING } from '../support/commands.ts';
import { cgroupsNamed, eventually, execute, isCgroup2, sh } from '../support/host.ts';

const v1 = isCgroup2() ? { skip: 'this host has cgroup v2 only' } : {};

t.test('an absolute path is the path in every hierarchy', v1, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.cgroupsPath = `/${bundle.id}-a/${bundle.id}`;
  const { stdout } = bundle.run('cat /proc/self/cgroup');
  const paths = stdout
    .split('\n')
    .filter((line) => /^[1-9]/.test(line))
    .map((line) => line.split(':')[2]);
  t.ok(paths.length > 5);
  for (const path of paths) t.equal(path, `/${bundle.id}-a/${bundle.id}`);
  t.same(bundle.leftovers(), [], 'its own cgroup is removed');
  sh(`rmdir /sys/fs/cgroup/*/${bundle.id}-a`);
});

t.test("a relative path is below the caller's cgroup", v1, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.cgroupsPath = `rel-${bundle.id}/${bundle.id}`;
  const own =
    readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .find((line) => line.includes(':pids:'))
      ?.split(':')[2] ?? '';
  const { stdout } = bundle.run('grep :pids: /proc/self/cgroup');
  t.equal(stdout.trim().split(':')[2], `${own === '/' ? '' : own}/rel-${bundle.id}/${bundle.id}`);
  sh(`find /sys/fs/cgroup -depth -type d -name 'rel-${bundle.id}' -exec rmdir {} +`);
});

t.test('limits for pids, memory and cpu', v1, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.resources = {
    ...bundle.config.linux.resources,
    pids: { limit: 17 },
    memory: { limit: 64 << 20, reservation: 32 << 20 },
    cpu: { shares: 512, quota: 20000, period: 50000, cpus: '0', mems: '0' },
  };
  const files =
    'pids/pids.max memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpuset/cpuset.cpus';
  t.same(bundle.run(`cd /sys/fs/cgroup; cat ${files}`).stdout.split('\n'), [
    '17',
    '67108864',
    '33554432',
    '512',
    '20000',
    '50000',
    '0',
    '',
  ]);
  bundle.config.linux.resources.pids = { limit: 3 };
  t.match(bundle.run('for i in 1 2 3 4 5 6; do sleep 0.2 & done; wait').stderr, /can't fork/);
});

t.test('the devices that are allowed', v1, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.capabilities = ROOT_CAPABILITIES;
  bundle.config.root.readonly = false;
  const result = bundle.run(
    'mknod /tmp/vda b 254 0; head -c1 /tmp/vda; head -c1 /dev/zero | od -An -tx1; cat /sys/fs/cgroup/devices/devices.list',
  );
  t.match(result.stderr, /\/tmp\/vda: Operation not permitted/);
  t.match(result.stdout, / 00\n/);
  t.match(result.stdout, /c 136:\* rwm/);
});

t.test('the container sees its own cgroup, read-only as configured', v1, async (t) => {
  const bundle = bundleFor(t);
  t.match(bundle.run('mkdir /sys/fs/cgroup/pids/x').stderr, /Read-only file system/);
  const mount = bundle.config.mounts.find((m: { type: string }) => m.type === 'cgroup');
  mount.options = mount.options.filter((option: string) => option !== 'ro');
  bundle.config.process.capabilities = ROOT_CAPABILITIES;
  t.equal(bundle.run('mkdir /sys/fs/cgroup/pids/x && rmdir /sys/fs/cgroup/pids/x && echo fine').stdout, 'fine\n');
});

t.test('processes that outlive init are killed with the cgroup', v1, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'pid');
  t.equal(bundle.run('sleep 1234 >/dev/null 2>&1 & exit 0').status, 0);
  t.same(bundle.leftovers(), []);
});

t.test('a cgroup with processes in it is refused', { ...v1, ...onlyTsrunc('1.1 only warns') }, async (t) => {
  const bundle = bundleFor(t);
  const directory = `/sys/fs/cgroup/pids/${bundle.id}-busy`;
  mkdirSync(directory);
  const { spawn } = await import('node:child_process');
  const sleeper = spawn('sleep', ['60']);
  t.teardown(async () => {
    sleeper.kill('SIGKILL');
    await new Promise((wake) => setTimeout(wake, 100));
    sh(`rmdir /sys/fs/cgroup/*/${bundle.id}-busy 2>/dev/null || true`);
    if (existsSync(directory)) rmdirSync(directory);
  });
  writeFileSync(`${directory}/cgroup.procs`, String(sleeper.pid));
  bundle.config.linux.cgroupsPath = `/${bundle.id}-busy`;
  const result = bundle.run('true');
  t.equal(result.status, 1);
  t.match(result.stderr, /container's cgroup is not empty: 1 process\(es\) found/);
  t.ok(existsSync(`/proc/${sleeper.pid}`), 'who was there is left alone');
});

t.test('--cgroup-manager disabled', onlyTsrunc('does not have it'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  delete bundle.config.linux.resources.memory;
  bundle.save();
  const script = `${RUNTIME} --cgroup-manager disabled ${bundle.args('run', '-d', bundle.id).join(' ')} </dev/null >out 2>&1`;
  t.equal(execute('bash', ['-c', script], { cwd: bundle.directory }).status, 0);
  t.same(cgroupsNamed(bundle.id), []);
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  t.equal(readFileSync(`/proc/${state(bundle).pid}/cgroup`, 'utf8'), own, "the caller's");
  t.match(call(bundle, 'pause', bundle.id).stderr, /has no cgroup/);
  t.match(call(bundle, 'ps', bundle.id).stderr, /has no cgroup/);
  t.equal(call(bundle, 'exec', bundle.id, 'true').status, 0);
  t.equal(call(bundle, 'kill', '--all', bundle.id, 'KILL').status, 0);
  await eventually('it has stopped', () => state(bundle).status === 'stopped');
  t.equal(call(bundle, 'delete', bundle.id).status, 0);
  bundle.config.linux.resources.pids = { limit: 10 };
  bundle.save();
  const limited = execute(RUNTIME, ['--cgroup-manager', 'disabled', ...bundle.args('run', bundle.id)], {
    cwd: bundle.directory,
  });
  t.match(limited, { status: 1, stderr: /\/linux\/resources\/pids needs a cgroup/ });
  t.same(bundle.leftovers(), []);
});
