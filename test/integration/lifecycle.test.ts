// The lifecycle by commands: create, start, state, kill, delete, and what is refused when. runtime.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { cgroupsNamed, eventually, execute, sh } from '../support/host.ts';

t.test('created, running, stopped, gone', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.config.annotations = { 'org.example.key': 'value' };
  t.equal(create(bundle, '--pid-file', `${bundle.directory}/pid`).status, 0);
  const created = state(bundle);
  t.equal(created.status, 'created');
  t.equal(String(created.pid), readFileSync(`${bundle.directory}/pid`, 'utf8'));
  t.match(created, { id: bundle.id, bundle: bundle.directory, annotations: { 'org.example.key': 'value' } });
  t.match(readFileSync(`/proc/${created.pid}/cgroup`, 'utf8'), bundle.id, 'in its cgroup when create returns');

  t.equal(call(bundle, 'start', bundle.id).status, 0);
  t.equal(state(bundle).status, 'running');
  t.equal(readFileSync(`/proc/${created.pid}/comm`, 'utf8'), 'sh\n', 'the same process is the program now');
  t.match(call(bundle, 'start', bundle.id).stderr, /cannot start an already running container/);
  t.match(call(bundle, 'delete', bundle.id).stderr, /cannot delete container .* that is not stopped: running/);

  t.equal(call(bundle, 'kill', bundle.id, 'TERM').status, 0);
  await eventually('it has stopped', () => state(bundle).status === 'stopped');
  t.equal(state(bundle).pid, 0);
  t.match(call(bundle, 'kill', bundle.id, 'TERM').stderr, /container not running/);
  t.match(call(bundle, 'start', bundle.id).stderr, /cannot start a container that has stopped/);
  t.match(call(bundle, 'exec', bundle.id, 'true').stderr, /cannot exec in a stopped container|container not running/);
  t.equal(call(bundle, 'delete', bundle.id).status, 0);
  t.match(call(bundle, 'state', bundle.id).stderr, /container does not exist|does not exist/);
  t.same(bundle.leftovers(), []);
});

t.test('delete: created, forced, missing', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  t.equal(call(bundle, 'delete', bundle.id).status, 0, 'a created container may be deleted');
  t.same(bundle.leftovers(), []);
  create(bundle);
  call(bundle, 'start', bundle.id);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  t.same(bundle.leftovers(), []);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0, 'deleting nothing by force is fine');
  t.equal(call(bundle, 'delete', bundle.id).status, 1);
});

t.test('a program that is missing fails create, not start', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['nope'];
  const result = create(bundle);
  t.equal(result.status, 1);
  t.match(result.stderr, /executable file not found in \$PATH/);
  t.same(bundle.leftovers(), []);
});

t.test('a program that execve refuses is told by start', onlyTsrunc('1.1 tells only the container'), async (t) => {
  const bundle = bundleFor(t);
  writeFileSync(`${bundle.rootfs}/bin/broken`, '#!/no/such/shell\n', { mode: 0o755 });
  bundle.config.process.args = ['broken'];
  t.equal(create(bundle).status, 0);
  const started = call(bundle, 'start', bundle.id);
  t.equal(started.status, 1);
  t.match(started.stderr, /exec: "broken": its interpreter or loader is missing/);
  t.equal(state(bundle).status, 'stopped');
});

t.test('pause and resume', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  call(bundle, 'start', bundle.id);
  t.equal(call(bundle, 'pause', bundle.id).status, 0);
  t.equal(state(bundle).status, 'paused');
  t.match(call(bundle, 'exec', bundle.id, 'true').stderr, /cannot exec in a paused container/);
  t.not(call(bundle, 'pause', bundle.id).status, 0);
  t.equal(call(bundle, 'resume', bundle.id).status, 0);
  t.equal(state(bundle).status, 'running');
  t.not(call(bundle, 'resume', bundle.id).status, 0);
  call(bundle, 'pause', bundle.id);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0, 'also where it is paused');
  t.same(bundle.leftovers(), []);
});

t.test('kill --all reaches processes without a pid namespace of their own', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'pid');
  bundle.config.process.args = ['sh', '-c', 'sleep 600 & sleep 600 & wait'];
  create(bundle);
  call(bundle, 'start', bundle.id);
  const procs = () =>
    sh(
      `cat /sys/fs/cgroup/pids/*/${bundle.id}/cgroup.procs /sys/fs/cgroup/pids/${bundle.id}/cgroup.procs 2>/dev/null || true`,
    ).trim();
  await eventually('its children run', () => procs().split('\n').length === 3);
  t.equal(call(bundle, 'kill', '--all', bundle.id, 'KILL').status, 0);
  await eventually('all have ended', () => procs() === '');
});

t.test(
  'KILL without a pid namespace of its own means all of the container',
  onlyTsrunc('1.1 ends init alone'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'pid');
    bundle.config.process.args = ['sh', '-c', 'trap "" TERM; sleep 1235 & sleep 1235 & wait'];
    create(bundle);
    call(bundle, 'start', bundle.id);
    const pids = () => (JSON.parse(call(bundle, 'ps', '-f', 'json', bundle.id).stdout) ?? []) as number[];
    await eventually('all three are there', () => pids().length === 3);
    const before = pids();
    t.equal(call(bundle, 'kill', bundle.id, 'TERM').status, 0);
    t.same(pids(), before, 'another signal is for init alone');
    t.equal(call(bundle, 'kill', bundle.id, 'KILL').status, 0);
    await eventually('all have ended', () => before.every((pid) => !existsSync(`/proc/${pid}/root/bin/busybox`)));
    t.match(call(bundle, 'kill', bundle.id, 'KILL'), { status: 1, stderr: /container not running/ });
  },
);

t.test('signals by name and number', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'trap "echo usr1 >> /tmp/seen" USR1; while :; do sleep 0.02; done'];
  bundle.config.root.readonly = false;
  create(bundle);
  call(bundle, 'start', bundle.id);
  await eventually(
    'the trap is set',
    () => !/^SigCgt:\t0+$/m.test(sh(`grep SigCgt /proc/${state(bundle).pid}/status`)),
  );
  for (const [i, name] of ['USR1', 'SIGUSR1', 'sigusr1', '10'].entries()) {
    t.equal(call(bundle, 'kill', bundle.id, name).status, 0, name);
    await eventually(
      name,
      () =>
        existsSync(`${bundle.rootfs}/tmp/seen`) &&
        readFileSync(`${bundle.rootfs}/tmp/seen`, 'utf8').split('\n').length === i + 2,
    );
  }
  t.not(call(bundle, 'kill', bundle.id, 'MOON').status, 0);
});

t.test('list', async (t) => {
  const bundle = bundleFor(t);
  // runc 1.1 means to, and asks the wrong option.
  if (isTsrunc)
    t.match(call(bundle, 'list'), { status: 1, stdout: '', stderr: /no such directory/ }, 'a root that is not there');
  mkdirSync(bundle.root);
  t.equal(call(bundle, 'list', '-f', 'json').stdout, 'null\n', 'as runc prints none');
  bundle.config.process.args = WAITING;
  create(bundle);
  t.match(
    call(bundle, 'list').stdout,
    new RegExp(
      `^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n${bundle.id} +\\d+ +created +${bundle.directory} +\\S+ +root\n$`,
    ),
  );
  t.equal(call(bundle, 'list', '-q').stdout, `${bundle.id}\n`);
  t.match(JSON.parse(call(bundle, 'list', '--format', 'json').stdout), [
    { id: bundle.id, status: 'created', owner: 'root' },
  ]);
});

t.test('a created container ends on the signals that people end a program with', async (t) => {
  for (const signal of ['TERM', 'INT', 'HUP', 'QUIT']) {
    const bundle = bundleFor(t);
    bundle.config.process.args = WAITING;
    t.match(create(bundle), { status: 0 });
    t.match(call(bundle, 'kill', bundle.id, 'USR1'), { status: 0 });
    t.match(call(bundle, 'kill', bundle.id, signal), { status: 0 });
    await eventually(`${signal} has ended it`, () => state(bundle).status === 'stopped');
    t.equal(call(bundle, 'delete', bundle.id).status, 0);
  }
});

t.test('ps of a container that has stopped is a table of nobody', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  call(bundle, 'kill', bundle.id, 'KILL');
  await eventually('it has stopped', () => state(bundle).status === 'stopped');
  const table = call(bundle, 'ps', bundle.id);
  t.match(table, { status: 0, stderr: '' });
  t.match(table.stdout, /^UID +PID .* CMD\n$/);
  t.match(call(bundle, 'ps', bundle.id, '-o', 'pid').stdout, /^ *PID\n$/);
  t.same(JSON.parse(call(bundle, 'ps', '-f', 'json', bundle.id).stdout) ?? [], []);
});

t.test('ps', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  call(bundle, 'start', bundle.id);
  const { pid } = state(bundle);
  t.ok((JSON.parse(call(bundle, 'ps', '-f', 'json', bundle.id).stdout) as number[]).includes(pid));
  t.match(call(bundle, 'ps', bundle.id).stdout, new RegExp(`UID +PID +PPID +C +STIME +TTY +TIME +CMD\n\\S+ +${pid} `));
  t.match(call(bundle, 'ps', bundle.id, '-o', 'pid,args').stdout, new RegExp(`PID COMMAND\\s+${pid} sh -c`));
});

t.test('update: flags, JSON, and the old values where the kernel refuses', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.config.linux.resources.cpu = { period: 100000, quota: 50000 };
  create(bundle);
  const file = (controller: string, name: string) =>
    readFileSync(`${cgroupsNamed(bundle.id).find((path) => path.includes(`/${controller}/`))}/${name}`, 'utf8').trim();
  t.equal(call(bundle, 'update', '--pids-limit', '20', '--memory', '64m', '--cpu-quota', '30000', bundle.id).status, 0);
  t.same(
    [
      file('pids', 'pids.max'),
      file('memory', 'memory.limit_in_bytes'),
      file('cpu', 'cpu.cfs_quota_us'),
      file('cpu', 'cpu.cfs_period_us'),
    ],
    ['20', String(64 << 20), '30000', '100000'],
  );
  const json = execute(RUNTIME, bundle.args('update', '--resources', '-', bundle.id), {
    input: '{"pids":{"limit":30},"cpu":{"shares":300}}',
  });
  t.equal(json.status, 0, json.stderr);
  t.same([file('pids', 'pids.max'), file('cpu', 'cpu.shares')], ['30', '300']);
  const refused = call(bundle, 'update', '--pids-limit', '40', '--cpuset-cpus', '4000', bundle.id);
  t.equal(refused.status, 1);
  t.equal(file('pids', 'pids.max'), '30', 'all or nothing');
});

t.test('update of devices', onlyTsrunc('never updates devices'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  const input = JSON.stringify({ devices: [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }] });
  t.equal(execute(RUNTIME, bundle.args('update', '-r', '-', bundle.id), { input }).status, 0);
  const path = cgroupsNamed(bundle.id).find((directory) => directory.includes('/devices/'));
  t.match(readFileSync(`${path}/devices.list`, 'utf8'), /^c 10:229 rw$/m);
  t.equal(execute(RUNTIME, bundle.args('update', '-r', '-', bundle.id), { input: '{"pids":{"limit":5}}' }).status, 0);
  t.match(readFileSync(`${path}/devices.list`, 'utf8'), /^c 10:229 rw$/m, 'what an update does not name stays');
});

t.test('events', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  call(bundle, 'start', bundle.id);
  const event = JSON.parse(call(bundle, 'events', '--stats', bundle.id).stdout);
  t.match(event, {
    type: 'stats',
    id: bundle.id,
    data: {
      cpu: { usage: { total: Number } },
      memory: { usage: { usage: Number, limit: Number }, raw: Object },
      pids: { current: Number },
      blkio: Object,
      hugetlb: Object,
      intel_rdt: {},
    },
  });
  const stream = spawn(RUNTIME, bundle.args('events', '--interval', '200ms', bundle.id));
  let output = '';
  stream.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await eventually(
    'two statistics came',
    () => output.split('\n').filter((line) => line.includes('"stats"')).length >= 2,
  );
  call(bundle, 'kill', bundle.id, 'KILL');
  if (isTsrunc) {
    const [status] = (await once(stream, 'exit')) as [number];
    t.equal(status, 0, 'events end with the container');
  } else stream.kill(); // runc's go on until the container is deleted
  t.match(call(bundle, 'events', '--stats', bundle.id).stderr, /is not running/);
});

t.test('an out-of-memory kill is an event', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.resources.memory = { limit: 32 << 20, swap: 32 << 20 };
  bundle.config.process.args = [
    'sh',
    '-c',
    'sleep 1; dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null; sleep 3',
  ];
  bundle.config.linux.resources.memory = { limit: 32 << 20 };
  create(bundle);
  call(bundle, 'start', bundle.id);
  const stream = spawn(RUNTIME, bundle.args('events', bundle.id));
  let output = '';
  stream.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await eventually('the event came', () => output.includes(`{"type":"oom","id":"${bundle.id}"`));
  stream.kill();
});
