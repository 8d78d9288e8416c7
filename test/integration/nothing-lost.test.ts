// Reasons and files: whatever standard error, the disk and the terminal are, a failure is told, and what was good stays.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { WAITING } from '../support/commands.ts';
import { execute, type Result } from '../support/host.ts';
import { Cold, plannerFor } from '../support/planner.ts';

const ours = onlyTsrunc('has other words');
const cold = new Cold();

function shell(bundle: Bundle, script: string, env: NodeJS.ProcessEnv = cold.environment): Result {
  return execute('bash', ['-c', script], { cwd: bundle.directory, env });
}

function waiting(t: Test): Bundle {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  return bundle;
}

t.test('a reason reaches the log where standard error cannot be written', ours, async (t) => {
  const bundle = waiting(t);
  const log = `${bundle.directory}/log`;
  for (const way of [cold, await plannerFor(t)]) {
    for (const stderr of ['2</dev/null', '2>/dev/full', '2>&-']) {
      rmSync(log, { force: true });
      const line = `${RUNTIME} --log ${log} --root ${bundle.root} create --bundle /nosuch x 1</dev/null ${stderr}`;
      t.equal(shell(bundle, line, way.environment).status, 1, stderr);
      t.match(readFileSync(log, 'utf8'), /level=error msg="tsrunc: create x: .*\/nosuch.*ENOENT/, stderr);
    }
  }
  const both = shell(bundle, `${RUNTIME} --log /dev/full --root ${bundle.root} state nosuch`);
  t.match(both.stderr, /^tsrunc: state nosuch: container does not exist[^]*the log cannot be written: ENOSPC/);
});

t.test('a warning that cannot be told fails nothing', ours, async (t) => {
  const bundle = waiting(t);
  // What no process of a container can have: a warning at every create.
  bundle.config.process.capabilities.ambient = ['CAP_SYS_TIME'];
  bundle.save();
  for (const way of [cold, await plannerFor(t)]) {
    const told = shell(
      bundle,
      `${RUNTIME} --root ${bundle.root} create ${bundle.id} </dev/null >/dev/null 2>err; cat err >&2`,
    );
    t.match(told.stderr, /level=warning/);
    t.equal(cold.call(bundle, 'delete', '--force', bundle.id).status, 0);
    for (const stderr of ['2</dev/null', '2>/dev/full']) {
      const line = `${RUNTIME} --root ${bundle.root} create ${bundle.id} </dev/null >/dev/null ${stderr}`;
      t.equal(shell(bundle, line, way.environment).status, 0, stderr);
      t.equal(cold.call(bundle, 'delete', '--force', bundle.id).status, 0);
    }
  }
});

t.test('a disk that is nearly full: an error, and the good state stays', ours, async (t) => {
  const bundle = waiting(t);
  bundle.config.annotations = { padding: 'x'.repeat(20_000) };
  bundle.save();
  const full = `${bundle.directory}/full`;
  mkdirSync(full);
  const runtime = `${RUNTIME} --root ${full}/root`;
  const { stdout, stderr } = execute(
    'unshare',
    [
      '-m',
      '--propagation',
      'private',
      'bash',
      '-c',
      `cd ${bundle.directory}; mount -t tmpfs -o size=128k tmpfs ${full}
      ${runtime} run -d ${bundle.id} </dev/null >/dev/null 2>&1; echo run $?
      cat /dev/zero >${full}/filler 2>/dev/null; truncate -s -8192 ${full}/filler
      ${runtime} update --pids-limit 100 ${bundle.id}; echo update $?
      ${runtime} state ${bundle.id} | grep '"status"'
      ls ${full}/root/${bundle.id}
      ${runtime} exec ${bundle.id} true; echo exec $?
      ${runtime} create other </dev/null >/dev/null; echo create $?
      ls ${full}/root
      cat /dev/zero >>${full}/filler 2>/dev/null
      ${runtime} exec --pid-file ${full}/pid ${bundle.id} true; echo pid $?
      ls ${full}
      ${runtime} --log ${full}/log state nosuch; echo log $?
      ${runtime} delete --force ${bundle.id}; echo delete $?`,
    ],
    { env: cold.environment },
  );
  t.equal(
    stdout.replace(/ +"status"/, '"status"'),
    `run 0\nupdate 1\n"status": "running",\nstate.json\nexec 0\ncreate 1\n${bundle.id}\npid 255\nfiller\nroot\nlog 1\ndelete 0\n`,
    stderr,
  );
  t.match(stderr, /update \S+: .*ENOSPC/);
  t.match(stderr, /create other: .*ENOSPC/);
  t.match(stderr, /exec \S+: write the pid file .*ENOSPC/);
  t.match(stderr, /state nosuch: container does not exist[^]*the log cannot be written: .*ENOSPC/);
  t.same(bundle.leftovers(), []);
});

t.test('a standard output that does not block gets all of it', ours, async (t) => {
  const bundle = waiting(t);
  bundle.config.annotations = { long: 'x'.repeat(300_000) };
  bundle.save();
  t.equal(cold.quietly(bundle, 'create', bundle.id), 0);
  const script = `
import fcntl, json, os, subprocess, sys, time
reader, writer = os.pipe()
fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[1:], stdout=writer); os.close(writer); time.sleep(0.7)
text = b''
while part := os.read(reader, 1 << 16): text += part
print(child.wait(), len(json.loads(text)['annotations']['long']))
`;
  for (const way of [cold, await plannerFor(t)]) {
    const line = ['-c', script, RUNTIME, ...bundle.args('state', bundle.id)];
    t.equal(execute('python3', line, { env: way.environment }).stdout, '0 300000\n');
  }
});

t.test('a terminal that nobody has', ours, async (t) => {
  const bundle = waiting(t);
  t.equal(cold.quietly(bundle, 'run', '-d', bundle.id), 0);
  const terminal = waiting(t);
  terminal.config.process.terminal = true;
  terminal.save();
  for (const way of [cold, await plannerFor(t)]) {
    const run = (...args: string[]) =>
      execute('setsid', ['-w', RUNTIME, ...args], { cwd: terminal.directory, env: way.environment });
    const ran = run(...terminal.args('run', terminal.id));
    t.equal(ran.status, 1);
    t.match(ran.stderr, /cannot allocate tty: no terminal/);
    t.match(run(...bundle.args('exec', '-t', bundle.id, 'true')).stderr, /cannot allocate tty: no terminal/);
    t.same(terminal.leftovers(), []);
  }
});

/** Listens at the socket while the command runs: what the listener got, and what the command said. */
const LISTENER = `
import socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); listener.listen(1)
done = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
listener.settimeout(0)
try: print('connected', listener.accept()[0].recvmsg(99, 99)[0].decode())
except BlockingIOError: print('not connected')
sys.stdout.write(done.stderr.decode())
`;

t.test('a console socket hears nothing before there is a terminal', ours, async (t) => {
  const running = waiting(t);
  t.equal(cold.quietly(running, 'run', '-d', running.id), 0);
  const bundle = waiting(t);
  bundle.config.process.terminal = true;
  const socket = (name: string) => `${bundle.directory}/${name}`;
  const listen = (name: string, env: NodeJS.ProcessEnv, of: Bundle, ...args: string[]) =>
    execute('python3', ['-c', LISTENER, socket(name), RUNTIME, ...of.args(...args)], { cwd: of.directory, env });
  for (const [name, way] of [
    ['cold', cold],
    ['warm', await plannerFor(t)],
  ] as const) {
    bundle.save();
    const env = way.environment;
    const good = listen(`${name}1`, env, bundle, 'create', '--console-socket', socket(`${name}1`), bundle.id);
    t.match(good.stdout, /^connected \/dev\/ptmx/, name);
    const exec = (number: string) => ['exec', '-d', '-t', '--console-socket', socket(`${name}${number}`)];
    const into = [running.id, 'true'];
    t.match(listen(`${name}2`, env, running, ...exec('2'), ...into).stdout, /^connected/);
    const refused = listen(`${name}3`, env, running, ...exec('3'), '--cwd', '/nosuch', ...into);
    t.match(refused.stdout, /^not connected\ntsrunc: exec .*\/nosuch/, name);
    cold.call(bundle, 'delete', '--force', bundle.id);
    const mounts = bundle.config.mounts;
    bundle.config.mounts = [...mounts, { destination: '/x', type: 'bind', source: '/nosuch', options: ['bind'] }];
    bundle.save();
    bundle.config.mounts = mounts;
    const failed = listen(`${name}4`, env, bundle, 'create', '--console-socket', socket(`${name}4`), bundle.id);
    t.match(failed.stdout, /^not connected\n[^]*bind \/nosuch on \/x .*ENOENT/, name);
  }
  t.same(bundle.leftovers(), []);
});

t.test('descriptors with high numbers are kept', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'ls /proc/self/fd'];
  bundle.config.process.rlimits = [];
  bundle.save();
  for (const way of [cold, await plannerFor(t)]) {
    const line = `exec 2500</dev/null 1700</dev/null; ${RUNTIME} --root ${bundle.root} run --preserve-fds 2498 ${bundle.id}`;
    const { stdout, stderr } = shell(bundle, line, way.environment);
    t.match(stdout, /^1700$/m, stderr);
    t.match(stdout, /^2500$/m, stderr);
  }
});

t.test('few descriptors: the reason is the limit', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.config.process.rlimits = [];
  bundle.save();
  let failures = 0;
  for (let limit = 18; limit < 30; limit++) {
    const { status, stderr } = shell(bundle, `ulimit -n ${limit}; ${RUNTIME} --root ${bundle.root} run ${bundle.id}`);
    if (status === 0) continue;
    failures++;
    t.match(stderr, /too many (open )?files|Too many open files/i, `${limit} descriptors`);
    t.notMatch(stderr, /EBADF|bad file/, `${limit} descriptors`);
    t.same(bundle.leftovers(), []);
  }
  t.ok(failures > 2, `${failures} failures`);
});
