// What must not happen: whatever a command refuses, takes back, ends or deletes, its neighbours and the host stay as they were.
import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { bundleFor, onlyTsrunc, type Bundle } from '../support/bundle.ts';
import { call, create, state } from '../support/commands.ts';
import { eventually, execute, isCgroup2, sh } from '../support/host.ts';
import { neighbourhoodFor, type Neighbourhood } from '../support/neighbours.ts';

const WARNS = '1.1 only warns of a cgroup that is in use';

function detached(bundle: Bundle) {
  bundle.config.process.args = ['sleep', '600'];
  const made = create(bundle);
  return made.status === 0 ? call(bundle, 'start', bundle.id) : made;
}

const withoutNamespace = (bundle: Bundle, type: string) => {
  const { linux } = bundle.config;
  linux.namespaces = linux.namespaces.filter((namespace: { type: string }) => namespace.type !== type);
};

const joining = (bundle: Bundle, type: string, path: string) => {
  for (const namespace of bundle.config.linux.namespaces) if (namespace.type === type) namespace.path = path;
};

/** A container of which nothing may come: by which words it is refused, and what it asks for. */
type Refusal = readonly [words: RegExp, ask: (bundle: Bundle, host: Neighbourhood) => string[] | void];

const REFUSALS: Readonly<Record<string, Refusal>> = {
  'a cgroup in use': [/not empty/, (b, { path }) => void (b.config.linux.cgroupsPath = `${path}/busy`)],
  'a cgroup with others below it': [/not empty/, (b, { path }) => void (b.config.linux.cgroupsPath = path)],
  'a cgroup of a container': [/not empty/, (b, { path }) => void (b.config.linux.cgroupsPath = `${path}/box`)],
  'a frozen cgroup': [/not empty/, (b, { path }) => void (b.config.linux.cgroupsPath = `${path}/ice`)],
  'a cgroup below a frozen one': [
    /unexpectedly frozen/,
    (b, { path }) => void (b.config.linux.cgroupsPath = `${path}/ice/below`),
  ],
  'the root of the hierarchies': [/root of a cgroup hierarchy/, (b) => void (b.config.linux.cgroupsPath = '/x/..')],
  'a console socket that is not there': [
    /ENOENT/,
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/box/inner`;
      b.config.process.terminal = true;
      return ['--console-socket', `${b.directory}/none`];
    },
  ],
  'a namespace that is not there': [
    /network namespace/,
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/box/inner`;
      joining(b, 'network', '/proc/0/ns/net');
    },
  ],
  'a program that is not there, below a neighbour': [
    /executable file not found|EOPNOTSUPP/, // v2 has no containers below a cgroup with processes
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/box/inner`;
      b.config.process.args = ['no-such-program'];
    },
  ],
  'a program that is not there, in an empty cgroup with limits': [
    /executable file not found/,
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/empty`;
      b.config.linux.resources.pids = { limit: 77 };
      b.config.linux.resources.memory = { limit: 77 << 20 };
      b.config.process.args = ['no-such-program'];
    },
  ],
  'a mount that fails': [
    /nosuchfs/,
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/new/newer`;
      b.config.mounts.push({ destination: '/tmp', type: 'nosuchfs', source: 'none' });
    },
  ],
  'a hook that fails, with a child that stays': [
    /exit status 3|code 3/,
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/new`;
      withoutNamespace(b, 'pid');
      const args = ['sh', '-c', 'sleep 300 >/dev/null 2>&1 & exit 3'];
      b.config.hooks = { createContainer: [{ path: '/bin/sh', args }] };
    },
  ],
  'a limit that the kernel refuses': [
    /pids|cpus/,
    (b, { path }) => {
      b.config.linux.cgroupsPath = `${path}/box/inner`;
      b.config.linux.resources.cpu = { cpus: '4000' };
    },
  ],
  "the host's network namespace, with a sysctl": [
    /it would change the host/,
    (b) => {
      joining(b, 'network', '/proc/self/ns/net');
      const name = 'net.ipv4.ip_unprivileged_port_start';
      b.config.linux.sysctl = { [name]: readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim() };
    },
  ],
  "the host's ipc namespace, with a sysctl": [
    /it would change the host/,
    (b) => {
      joining(b, 'ipc', '/proc/self/ns/ipc');
      b.config.linux.sysctl = { 'kernel/msgmax': readFileSync('/proc/sys/kernel/msgmax', 'utf8').trim() };
    },
  ],
  "the host's uts namespace, with names": [
    /it would change the host/,
    (b) => {
      joining(b, 'uts', '/proc/self/ns/uts');
      b.config.hostname = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
    },
  ],
};

t.test('what is refused leaves the neighbours and the host alone', onlyTsrunc(WARNS), async (t) => {
  const host = await neighbourhoodFor(t);
  const box = bundleFor(t);
  box.config.linux.cgroupsPath = `${host.path}/box`;
  t.equal(detached(box).status, 0);
  const { pid } = state(box);
  const before = host.look();
  let turn = false;
  for (const [name, [words, ask]] of Object.entries(REFUSALS)) {
    const bundle = bundleFor(t);
    bundle.config.process.args = ['true'];
    const flags = ask(bundle, host) ?? [];
    // By turns, which is all the same to a container that does not get as far.
    const isRun = flags.length === 0 && (turn = !turn);
    const result = isRun ? bundle.runAsIs() : create(bundle, ...flags);
    t.equal(result.status, 1, `${isRun ? 'run' : 'create'}: ${name}`);
    t.match(result.stderr, words);
    t.same(bundle.leftovers(), [], 'it leaves nothing');
    t.same(host.look(), before, 'and the neighbours are as before');
    t.equal(state(box).pid, pid, 'the container among them, too');
  }
});

t.test('the same id below another root', onlyTsrunc(WARNS), async (t) => {
  const [first, second] = [bundleFor(t), bundleFor(t)];
  t.equal(detached(first).status, 0);
  const line = ['--root', second.root, 'run', first.id];
  second.config.process.args = ['true'];
  second.save();
  const result = execute(process.env['RUNTIME'] ?? `${process.cwd()}/bin/tsrunc`, line, { cwd: second.directory });
  t.match(result, { status: 1, stderr: /not empty/ });
  t.notOk(existsSync(`${second.root}/${first.id}`));
  t.equal(state(first).status, 'running');
});

const nested = isCgroup2() ? { skip: 'on v2 a container below one is refused; the next test has a process there' } : {};

t.test('the end of a container spares a container in a cgroup below its own', nested, async (t) => {
  for (const hasPid of [true, false]) {
    for (const end of ['delete', 'delete --force', 'run'] as const) {
      const host = await neighbourhoodFor(t);
      const [outer, inner] = [bundleFor(t), bundleFor(t)];
      outer.config.linux.cgroupsPath = `${host.path}/c`;
      inner.config.linux.cgroupsPath = `${host.path}/c/inner`;
      if (!hasPid) withoutNamespace(outer, 'pid');
      let running: ReturnType<Bundle['start']> | undefined;
      if (end === 'run') {
        running = outer.start('trap "exit 0" TERM; while :; do sleep 0.05; done');
        await eventually('it runs', () => /running/.test(call(outer, 'state', outer.id).stdout));
      } else t.equal(detached(outer).status, 0);
      t.equal(detached(inner).status, 0);
      const ended = new Promise((resolve) => running?.on('exit', resolve));
      if (end === 'delete --force') t.equal(call(outer, 'delete', '--force', outer.id).status, 0);
      else {
        t.equal(call(outer, 'kill', outer.id, end === 'run' ? 'TERM' : 'KILL').status, 0);
        if (end === 'run') await ended;
        else {
          await eventually('it has stopped', () => state(outer).status === 'stopped');
          t.equal(call(outer, 'delete', outer.id).status, 0);
        }
      }
      t.equal(state(inner).status, 'running', `${end}, ${hasPid ? 'with' : 'without'} a pid namespace`);
      t.not(call(outer, 'state', outer.id).status, 0, 'of the outer one there is no record');
      t.equal(call(inner, 'delete', '--force', inner.id).status, 0);
      t.same([...outer.leftovers(), ...inner.leftovers()], []);
    }
  }
});

t.test('a foreign process in the cgroup of a container', onlyTsrunc('has other words'), async (t) => {
  const host = await neighbourhoodFor(t);
  const bundle = bundleFor(t);
  bundle.config.linux.cgroupsPath = `${host.path}/box`;
  t.equal(detached(bundle).status, 0);
  const guest = host.processIn('box');
  const below = host.processIn('box/below');
  t.equal(call(bundle, 'kill', '--all', bundle.id, 'KILL').status, 0);
  await eventually('it has stopped', () => state(bundle).status === 'stopped');
  t.match(call(bundle, 'delete', bundle.id), { status: 0, stderr: /stays: 2 process\(es\) in it are not/ });
  t.ok(host.isAlive(guest) && host.isAlive(below), 'they live');
  t.same(bundle.leftovers(), []);
});

t.test('a cgroup that was there before the container outlives it', onlyTsrunc('removes it'), async (t) => {
  const host = await neighbourhoodFor(t);
  for (const hasPid of [true, false]) {
    const bundle = bundleFor(t);
    bundle.config.linux.cgroupsPath = `${host.path}/empty`;
    if (!hasPid) withoutNamespace(bundle, 'pid');
    t.equal(bundle.run('sleep 300 >/dev/null 2>&1 & exit 0').status, 0);
    t.same(bundle.leftovers(), []);
    t.same(host.processesIn('empty'), [], 'without what ran in it');
    t.ok(host.look().some((line) => /\/empty\/cgroup\.procs/.test(line)));
  }
});

t.test('a container that makes cgroups of its own goes with them', async (t) => {
  for (const hasPid of [true, false]) {
    const bundle = bundleFor(t);
    for (const mount of bundle.config.mounts)
      if (mount.type === 'cgroup') mount.options = mount.options.filter((option: string) => option !== 'ro');
    if (!hasPid) withoutNamespace(bundle, 'pid');
    const script = `for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -e $d/cgroup.procs ] || continue
      mkdir -p $d/own/deeper; done; p=/sys/fs/cgroup/pids/own/deeper; [ -d $p ] || p=/sys/fs/cgroup/own/deeper
      sleep 300 >/dev/null 2>&1 & echo $! >$p/cgroup.procs; [ -n "$(cat $p/cgroup.procs)" ] && echo made`;
    if (!hasPid && existsSync('/sys/fs/cgroup/cgroup.controllers')) continue; // who lives below it cannot be told from others
    t.match(bundle.run(script), { status: 0, stdout: 'made\n' });
    t.same(bundle.leftovers(), []);
  }
});

t.test('while it is being created', onlyTsrunc('has no state then'), async (t) => {
  const bundle = waiting(t);
  const front = bundle.background;
  await eventually('the hook runs', () => existsSync(`${bundle.directory}/hook`));
  t.match(state(bundle), { status: 'creating', pid: 0 });
  t.match(call(bundle, 'list').stdout, /creating/);
  for (const [args, words] of [
    [['delete', bundle.id], /not stopped: creating/],
    [['start', bundle.id], /still being created/],
    [['exec', bundle.id, 'true'], /still being created/],
    [['kill', bundle.id, 'KILL'], /container not running/],
    [['kill', '--all', bundle.id, 'KILL'], /container not running/],
    [['pause', bundle.id], /not running or created/],
    [['update', '--pids-limit', '9', bundle.id], /not running/],
    [['create', bundle.id], /already exists/],
  ] as const)
    t.match(call(bundle, ...args), { status: args[0] === 'exec' ? 255 : 1, stderr: words }, args.join(' '));
  t.equal(state(bundle).status, 'creating', 'still');
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  await front.ended;
  await eventually(`nothing is left: ${bundle.leftovers().join()}`, () => bundle.leftovers().length === 0);
  // The hook is a program of the host's, which goes on by itself, as with runc; it ends with the bundle.
});

t.test('what a killed creator leaves is stopped, and can be deleted', onlyTsrunc('has no state then'), async (t) => {
  const bundle = waiting(t);
  await eventually('the hook runs', () => existsSync(`${bundle.directory}/hook`));
  bundle.background.killAll();
  await bundle.background.ended;
  // A planner takes it back by itself; where Node was killed with the front nobody does.
  await eventually('it is not being created', () => !/creating/.test(call(bundle, 'state', bundle.id).stdout));
  if (call(bundle, 'state', bundle.id).status === 0) t.equal(state(bundle).status, 'stopped');
  call(bundle, 'delete', bundle.id);
  await eventually(`nothing is left: ${bundle.leftovers().join()}`, () => bundle.leftovers().length === 0);
});

/** A create whose hook waits for ever. */
function waiting(t: Test): Bundle & { background: ReturnType<typeof background> } {
  const bundle = bundleFor(t);
  const script = `echo >${bundle.directory}/hook; while [ -e ${bundle.directory}/hook ]; do sleep 0.05; done`;
  bundle.config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script] }] };
  return Object.assign(bundle, { background: background(bundle) });
}

function background(bundle: Bundle) {
  const child = bundle.save().spawn('create', bundle.id);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const killAll = () => sh(`kill -9 ${child.pid} $(cat /proc/${child.pid}/task/${child.pid}/children) || true`);
  return { ended, killAll };
}

t.test('cgroups that cannot be written', onlyTsrunc('has other words'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const runtime = `${process.env['RUNTIME'] ?? `${process.cwd()}/bin/tsrunc`} ${bundle.args('run', bundle.id).join(' ')}`;
  // In a mount namespace of its own, which a planner does not share: Node answers.
  const inside = (script: string) =>
    execute('unshare', ['-m', '--propagation', 'private', 'sh', '-c', `${script}; cd ${bundle.directory}; ${runtime}`]);
  const readonly = 'for m in /sys/fs/cgroup /sys/fs/cgroup/*/; do mount -o remount,bind,ro $m 2>/dev/null; done';
  t.match(inside(readonly), { status: 1, stderr: /EROFS/ });
  t.same(bundle.leftovers(), [], 'no record is left');
  const buried = inside(
    'mount -t tmpfs none /sys/fs/cgroup; mkdir /sys/fs/cgroup/pids; trap "find /sys/fs/cgroup" EXIT',
  );
  t.match(buried, { status: 1, stdout: '/sys/fs/cgroup\n/sys/fs/cgroup/pids\n', stderr: /is not a cgroup filesystem/ });
  t.same(bundle.leftovers(), []);
});
