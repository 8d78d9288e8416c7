// cgroup v2 through the files: place, view, limits, devices, freezer. Where the host has only v1 this runs in the VM of
// `make vm`. config-linux.md, Control groups.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, ROOT_CAPABILITIES } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { isCgroup2 } from '../support/host.ts';

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
