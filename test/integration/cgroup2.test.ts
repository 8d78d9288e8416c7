// cgroup v2 through the files: place, view, limits, devices, freezer. Where the host has only v1 this runs in the VM of
// `make vm`. config-linux.md, Control groups.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, ROOT_CAPABILITIES, type Bundle, type Json } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { eventually, execute, isCgroup2, sh } from '../support/host.ts';

const v2 = isCgroup2() ? {} : { skip: 'this host has cgroup v1; make vm runs it' };

t.test('limits, and the view of the container', v2, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.cgroupsPath = `/tsrunc-test/${bundle.id}`;
  bundle.config.linux.resources = {
    ...bundle.config.linux.resources,
    pids: { limit: 17 },
    memory: { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
    cpu: { shares: 512, quota: 20000, period: 50000 },
    unified: { 'memory.high': '60000000' },
  };
  const files = 'pids.max memory.max memory.low memory.swap.max memory.high cpu.max cpu.weight';
  const result = bundle.run(`cat /proc/self/cgroup; cd /sys/fs/cgroup; cat ${files}; mkdir x`);
  t.same(
    result.stdout.split('\n'),
    ['0::/', '17', '67108864', '33554432', '33554432', '59998208', '20000 50000', '59', ''],
    result.stderr,
  );
  t.match(result.stderr, /Read-only file system/);
  t.same(bundle.leftovers(), []);
});

t.test("without a cgroup namespace the container's own part is bound", v2, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'cgroup');
  const { stdout } = bundle.run('cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs | wc -l');
  t.match(stdout, new RegExp(`^0::.*/${bundle.id}\n[1-9]`));
});

t.test('the devices that are allowed', v2, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.capabilities = ROOT_CAPABILITIES;
  bundle.config.root.readonly = false;
  bundle.config.linux.resources.devices = [
    { allow: false },
    { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
  ];
  const result = bundle.run(
    'mknod /tmp/kmsg c 1 11; mknod /tmp/mem c 1 1; head -c1 /dev/zero | wc -c; : < /tmp/kmsg && echo read; (: > /tmp/kmsg); (: < /tmp/mem); (: < /dev/zero) && echo zero',
  );
  t.match(result.stdout, /^1\nread\nzero\n/, result.stderr);
  t.match(result.stderr, /\/tmp\/kmsg: Operation not permitted/);
  t.match(result.stderr, /\/tmp\/mem: Operation not permitted/);
});

t.test("pause, exec into init's cgroup, update, statistics, kill", v2, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  t.equal(create(bundle).status, 0);
  t.equal(call(bundle, 'start', bundle.id).status, 0);
  const own = readFileSync(`/proc/${state(bundle).pid}/cgroup`, 'utf8')
    .trim()
    .slice(3);
  t.match(own, bundle.id);
  t.equal(call(bundle, 'exec', bundle.id, 'cat', '/proc/self/cgroup').stdout, '0::/\n');
  t.equal(call(bundle, 'pause', bundle.id).status, 0);
  t.equal(state(bundle).status, 'paused');
  t.equal(readFileSync(`/sys/fs/cgroup${own}/cgroup.freeze`, 'utf8'), '1\n');
  t.equal(call(bundle, 'resume', bundle.id).status, 0);
  t.equal(call(bundle, 'update', '--pids-limit', '33', '--memory', '80m', bundle.id).status, 0);
  t.equal(readFileSync(`/sys/fs/cgroup${own}/pids.max`, 'utf8'), '33\n');
  const { data } = JSON.parse(call(bundle, 'events', '--stats', bundle.id).stdout);
  t.match(data, { memory: { usage: { limit: 80 << 20 } }, pids: { limit: 33 } });
  t.ok(data.cpu.usage.total > 0);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  t.same(bundle.leftovers(), []);
});

/** Runs without a shell in between: what the host's files say while the container waits. */
function started(t: Test, resources: Json): { bundle: Bundle; directory: string } {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.config.linux.resources = resources;
  t.match(create(bundle), { status: 0 });
  const own = /^0::(.*)$/m.exec(readFileSync(`/proc/${state(bundle).pid}/cgroup`, 'utf8'))?.[1];
  return { bundle, directory: `/sys/fs/cgroup${own}` };
}

const read = (path: string) => readFileSync(path, 'utf8').trim();

t.test('what v2 cannot do is refused, and leaves nothing', { ...v2, ...onlyTsrunc('has other words') }, async (t) => {
  for (const [resources, message] of [
    [{ memory: { limit: 64 << 20, swappiness: 10 } }, /memory\/swappiness: cgroup v2 has nothing for it/],
    [{ memory: { swap: 64 << 20 } }, /unable to set swap limit without memory limit/],
    [{ unified: { 'nonsense.max': '1' } }, /controller nonsense is not available in/],
    [{ unified: { 'memory.nonsense': '1' } }, /no such file, although the cgroup controller memory is there/],
    [{ unified: { '../pids.max': '77' } }, /one file name/],
    [{ cpu: { cpus: '999' } }, /cpuset\.cpus: E.*\n.*this host has the CPUs 0/],
  ] as const) {
    const bundle = bundleFor(t);
    bundle.config.linux.resources = resources;
    t.match(bundle.run('true'), { status: 1, stderr: message });
    t.same(bundle.leftovers(), []);
  }
});

t.test('values of more than one file, and an update that must be refused', v2, async (t) => {
  const pages = read('/sys/fs/cgroup/cgroup.controllers').includes('hugetlb')
    ? [{ pageSize: '2MB', limit: 4 << 20 }]
    : [];
  const { bundle, directory } = started(t, {
    memory: { limit: 64 << 20, swap: 96 << 20, checkBeforeUpdate: true },
    blockIO: { weight: 100 },
    hugepageLimits: pages,
    pids: { limit: 0 },
  });
  const hasBfq = existsSync(`${directory}/io.bfq.weight`);
  if (hasBfq || existsSync(`${directory}/io.weight`))
    t.match(read(`${directory}/${hasBfq ? 'io.bfq.weight' : 'io.weight'}`), hasBfq ? /100/ : /default 910/);
  for (const file of pages.length === 0 ? [] : ['hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max'])
    t.equal(read(`${directory}/${file}`), String(4 << 20), file);
  if (isTsrunc) t.equal(read(`${directory}/pids.max`), '0', 'which the specification calls a limit');
  t.match(call(bundle, 'update', '--memory', '4096', '--memory-swap', '8192', bundle.id), {
    status: 1,
    stderr: /rejecting memory/,
  });
  t.match(call(bundle, 'update', '--memory-swap', '32m', bundle.id), { status: 1 });
  t.same([read(`${directory}/memory.max`), read(`${directory}/memory.swap.max`)], [64 << 20, 32 << 20].map(String));
  t.match(call(bundle, 'update', '--memory-swap', '72m', bundle.id), { status: 0 });
  t.equal(read(`${directory}/memory.swap.max`), String(8 << 20));
});

t.test('the cgroup belongs to the root of a user namespace, the limits do not', v2, async (t) => {
  const bundle = bundleFor(t);
  chmodSync(bundle.directory, 0o755);
  sh(`chown -R 100000:100000 ${bundle.rootfs}`);
  const { linux, mounts } = bundle.config;
  linux.namespaces.push({ type: 'user' });
  linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }];
  const mount = mounts.find((m: { destination: string }) => m.destination === '/sys/fs/cgroup');
  mount.options = mount.options.filter((option: string) => option !== 'ro');
  const script =
    'cd /sys/fs/cgroup; stat -c "%u %n" . cgroup.procs cgroup.subtree_control pids.max; mkdir below && echo made; echo 5 >pids.max';
  const result = bundle.run(script);
  t.equal(result.stdout, '0 .\n0 cgroup.procs\n0 cgroup.subtree_control\n65534 pids.max\nmade\n', result.stderr);
  t.match(result.stderr, /pids\.max: Permission denied/);
  t.same(bundle.leftovers(), []);
});

t.test('below a cgroup with processes of its own', v2, async (t) => {
  const parent = `/sys/fs/cgroup/busy-${process.pid}`;
  mkdirSync(parent);
  const sleeper = spawn('sleep', ['600']);
  writeFileSync(`${parent}/cgroup.procs`, String(sleeper.pid));
  t.teardown(async () => {
    sleeper.kill('SIGKILL');
    await eventually('the parent can go', () => execute('rmdir', [parent]).status === 0);
  });
  const bundle = bundleFor(t);
  bundle.config.linux.cgroupsPath = `/busy-${process.pid}/${bundle.id}`;
  bundle.config.linux.resources = { pids: { limit: 9 } };
  const result = bundle.run('cat /sys/fs/cgroup/cgroup.type /sys/fs/cgroup/pids.max');
  t.match(result, { status: 0, stdout: 'threaded\n9\n' });
  bundle.config.linux.resources = { memory: { limit: 64 << 20 } };
  t.match(bundle.run('true'), { status: 1, stderr: /cannot enter cgroupv2 .* with domain controllers/ });
  t.same(bundle.leftovers(), []);
  t.equal(sleeper.exitCode, null, 'who was there is left alone');
});

t.test('AppArmor', v2, async (t) => {
  const enabled = readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').trim();
  if (enabled !== 'Y') return t.fail('the VM has AppArmor');
  const bundle = bundleFor(t);
  bundle.config.process.apparmorProfile = 'no-such-profile';
  const missing = bundle.run('true');
  t.equal(missing.status, 1);
  t.match(missing.stderr, /set the label for the program to "exec no-such-profile": ENOENT/);
  bundle.config.process.apparmorProfile = 'unconfined';
  t.equal(bundle.run('cat /proc/self/attr/current').stdout.trim(), 'unconfined');
});
