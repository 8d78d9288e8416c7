// The planner and the front: whose child a container is, who may ask, what is left to Node. That everything else is the same
// with a planner is shown by the other tests, which run with one, too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { PROTOCOL, TO_FRONT } from '../../src/caller/protocol.ts';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { WAITING } from '../support/commands.ts';
import { eventually, execute, sh } from '../support/host.ts';
import { background, plannerFor, processField, run, stateOf } from '../support/planner.ts';

const ours = onlyTsrunc('has no planner');

t.test('a container is the child of who called', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  const child = background(planner, bundle, 'trap "exit 7" TERM; while :; do sleep 0.05; done');
  await eventually('it runs', () => stateOf(planner, bundle).status === 'running');
  const { pid } = stateOf(planner, bundle);
  t.equal(processField(pid, 'PPid'), String(child.pid), 'its parent is the front');
  const resident = Number.parseInt(processField(child.pid, 'VmRSS'), 10);
  t.ok(resident < 2048, `the front waits with ${resident} kB`);
  t.equal(sh(`ls /proc/${pid}/fd | sort -n | tail -1`), '2\n', 'it holds the streams and nothing of ours');
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await ended, [7, null], 'signals go to the program, its status is ours');
  t.same(bundle.leftovers(), []);
  t.ok(planner.answered >= 2);
});

t.test('limits, streams, directory and umask are those of who called', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'ulimit -n; ulimit -f; cat'];
  delete bundle.config.process.rlimits;
  bundle.save();
  const line = `cd ${bundle.directory}/rootfs; umask 027; ulimit -n 77; ulimit -f 1234; echo words | ${RUNTIME} --root ../state run -b .. --pid-file ../pid ${bundle.id}`;
  const result = execute('bash', ['-c', line], { env: planner.environment });
  t.equal(result.stdout, '77\n2468\nwords\n', `in blocks of 512 bytes: ${result.stderr}`);
  t.equal(statSync(`${bundle.directory}/pid`).mode & 0o777, 0o640, 'the mode that the umask leaves');
  t.equal(planner.answered, 1);
});

t.test('without cgroups of its own a container stays in those of who called', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = ['cat', '/proc/self/cgroup'];
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'cgroup');
  delete bundle.config.linux.resources;
  bundle.save();
  const result = planner.call(bundle, '--cgroup-manager', 'disabled', 'run', bundle.id);
  t.equal(result.stdout, readFileSync('/proc/self/cgroup', 'utf8'), result.stderr);
});

t.test('descriptors are those of who called', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'ls /proc/self/fd; cat <&5'];
  bundle.save();
  writeFileSync(`${bundle.directory}/five`, 'five\n');
  const line = `cd ${bundle.directory}; exec 5<five; ${RUNTIME} --root state run --preserve-fds 3 ${bundle.id}`;
  const result = execute('bash', ['-c', line], { env: planner.environment });
  t.equal(result.stdout, '0\n1\n2\n3\n5\nfive\n', `${result.stderr}; 3 is ls's own`);
  t.equal(planner.answered, 1);
});

t.test('streams that are closed', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'ls -l /proc/self/fd >/tmp/fds'];
  bundle.config.root.readonly = false;
  bundle.save();
  for (const closed of ['<&-', '>&-', '<&- >&- 2>&-']) {
    const line = `cd ${bundle.directory}; ${RUNTIME} --root state run ${bundle.id} </dev/null >/dev/null 2>&1 ${closed}`;
    t.equal(execute('bash', ['-c', line], { env: planner.environment }).status, 0);
    const open = readFileSync(`${bundle.rootfs}/tmp/fds`, 'utf8');
    t.notMatch(open, /socket|memfd|anon/, `${closed}: nothing of ours stands in for them: ${open}`);
  }
  t.equal(planner.answered, 3);
});

t.test('nobody in a container can play the planner', ours, async (t) => {
  const bundle = bundleFor(t);
  const socket = `${bundle.directory}/impostor`;
  const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen(8); print('listening', flush=True)
c, _ = s.accept(); print('asked:', len(c.recv(65536)), flush=True)
`;
  const impostor = spawn('unshare', ['-pf', '--mount-proc', 'python3', '-c', script, socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  impostor.stdout.on('data', (data) => (said += data));
  await eventually('it listens', () => said.includes('listening'));
  const ended = once(impostor, 'exit');
  const result = execute(RUNTIME, ['-v'], { env: { ...process.env, TSRUNC_PLANNER: socket } });
  t.match(result.stdout, /^tsrunc version/, 'Node answers');
  await ended;
  t.match(said, /asked: 0/, 'it is told nothing');
});

t.test('what is printed: much of it, to a slow reader, to none', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.mounts.push(
    ...Array.from({ length: 3000 }, (_, i) => ({ destination: `/m/${i}`, type: 'tmpfs', source: 'tmpfs' })),
  );
  bundle.save();
  const plan = `${RUNTIME} plan -b ${bundle.directory} --format json`;
  const shell = (line: string) => execute('bash', ['-c', line], { env: planner.environment });
  const size = Number(shell(`TSRUNC_PLANNER=off ${plan} | wc -c`).stdout);
  t.ok(size > 500_000, `${size} bytes, more than a socket holds`);
  t.equal(Number(shell(`${plan} | (sleep 1; wc -c)`).stdout), size, 'a slow reader gets all of it');
  const status = (line: string) => shell(`${line} | true; echo \${PIPESTATUS[0]}`).stdout;
  t.equal(status(plan), status(`TSRUNC_PLANNER=off ${plan}`), 'no reader is a failure, as without a planner');
  t.match(shell(`${RUNTIME} -v`).stdout, /^tsrunc version/, 'and nobody else is held up');
});

t.test('a terminal in the foreground', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.terminal = true;
  bundle.config.process.args = ['sh', '-c', 'tty; stty size; echo bye; exit 4'];
  bundle.save();
  const inner = `stty rows 33 cols 44; ${RUNTIME} --root state run ${bundle.id}; echo $?`;
  const result = execute('script', ['-qec', inner, '/dev/null'], { cwd: bundle.directory, env: planner.environment });
  const lines = result.stdout.replaceAll(/\r|\^@/g, ''); // script(1) shows the end of its own input
  t.match(lines, /\/dev\/pts\/0\n33 44\nbye\n4\n/);
  t.same(bundle.leftovers(), []);
});

t.test('who may ask', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  t.equal(statSync(planner.socket).mode & 0o777, 0o600, 'the socket is for its owner');
  const version = (...prefix: string[]) => execute('env', [...prefix, RUNTIME, '-v'], { env: planner.environment });
  const own = version();
  t.equal(planner.logged('declined'), 0);
  const others: Record<string, string[]> = {
    'mnt namespace': ['unshare', '-m'],
    'net namespace': ['unshare', '-n'],
    'cgroup namespace': ['unshare', '-C'],
    'pid namespace': ['unshare', '-pf'],
    'user namespace': ['unshare', '-Ur', '--map-root-user'],
    capabilities: ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'],
  };
  for (const [name, prefix] of Object.entries(others)) {
    const before = planner.logged('declined');
    const result = version(...prefix);
    t.equal(result.stdout, own.stdout, `${name}: the answer is Node's, and the same: ${result.stderr}`);
    t.equal(planner.logged('declined'), before + 1, `${name}: declined, whatever it says of itself`);
    t.equal(planner.logged('msg="pid '), 1, `${name}: it is not served`);
  }
  t.equal(planner.logged('its capabilities differs'), 1);
  copyFileSync(RUNTIME, `${planner.directory}/tsrunc`);
  sh(`chmod +x ${planner.directory}/tsrunc`);
  const inside = execute('chroot', [planner.directory, '/tsrunc', '-v'], {
    env: { ...process.env, TSRUNC_PLANNER: '/planner.sock' },
  });
  t.match(inside.stderr, /dist\/main.cjs is missing/, 'in another root directory there is no Node');
  t.equal(planner.logged('msg="pid '), 1, 'nor is it served');
  const otherUser = execute('setpriv', ['--reuid', '65534', '--clear-groups', RUNTIME, '-v'], {
    env: planner.environment,
  });
  t.equal(otherUser.stdout, own.stdout, 'another user cannot even connect');
  t.equal(bundle.leftovers().length, 0);
});

t.test('a planner of another user is not asked', ours, async (t) => {
  const planner = await plannerFor(t);
  sh(`chown 65534 ${planner.socket}; chmod 777 ${planner.directory} ${planner.socket}`);
  const asUser = execute('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', RUNTIME, 'list'], {
    env: { ...planner.environment, XDG_RUNTIME_DIR: '/nowhere' },
  });
  t.equal(planner.logged('pid '), 0);
  t.match(asUser.stdout, /^ID /, asUser.stderr);
});

t.test('another version, or no protocol at all', ours, async (t) => {
  const planner = await plannerFor(t);
  const script = `
import socket, struct, sys
def ask(data):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(10); s.connect(sys.argv[1]); s.send(data)
    try: return struct.unpack('<I', s.recv(65536)[:4])[0]
    except struct.error: return 'end'
def request(protocol, version, count=1, tail=b'-v\\0'):
    return struct.pack('<IIII', 1, 18, count, protocol) + version + b'\\0/\\0' + tail
print(ask(request(${PROTOCOL}, b'0.0.1')), ask(request(99, b'0.1.0')), ask(b'x'), ask(b'\\0' * 16), ask(request(${PROTOCOL}, b'0.1.0', 4000000)), ask(request(${PROTOCOL}, b'0.1.0', 1, b'-v')), ask(request(${PROTOCOL}, b'0.1.0')))
`;
  const { stdout, stderr } = execute('python3', ['-c', script, planner.socket]);
  const { decline, print } = TO_FRONT;
  t.equal(stdout, `${`${decline} `.repeat(6)}${print}\n`, `all but the last are declined: ${stderr}`);
  t.match(execute(RUNTIME, ['-v'], { env: planner.environment }).stdout, /^tsrunc version/);
  t.equal(planner.logged('msg="pid '), 2, 'and the planner goes on');
});

t.test("what is the caller's own is left to Node, with the same result", ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  const shell = (line: string) =>
    execute('bash', ['-c', `cd ${bundle.directory}; ${line}`], { env: planner.environment });
  const runtime = `${RUNTIME} --root ${bundle.root}`;
  t.equal(shell(`${runtime} run -d ${bundle.id} </dev/null >/dev/null 2>&1`).status, 0);
  const asked = () => planner.logged('declined');
  let before = asked();
  const cases: Record<string, string> = {
    'a process on standard input': `echo '{"cwd":"/","args":["/bin/echo","a"]}' | ${runtime} exec --process /dev/stdin ${bundle.id}`,
    'a substituted process': `${runtime} exec --process <(echo '{"cwd":"/","args":["/bin/echo","b"]}') ${bundle.id}`,
    'limits on standard input': `echo '{"pids":{"limit":99}}' | ${runtime} update -r - ${bundle.id}`,
    'a log on standard error': `${runtime} --log /dev/stderr state nowhere 2>&1 | grep -c nowhere`,
    'columns of ps': `${runtime} ps ${bundle.id} -o pid | head -1`,
  };
  for (const [name, line] of Object.entries(cases)) {
    const result = shell(line);
    t.equal(result.status, 0, `${name}: ${result.stderr}`);
    t.equal(asked(), ++before, name);
  }
  t.equal(shell(cases['a process on standard input'] ?? '').stdout, 'a\n');
  sh(`mkfifo ${bundle.directory}/fifo`);
  const fifo = `(echo '{"cwd":"/","args":["/bin/echo","c"]}' > fifo) & ${runtime} exec --process fifo ${bundle.id}`;
  t.equal(shell(fifo).stdout, 'c\n', 'a fifo would hold up everybody');
  t.equal(planner.call(bundle, 'delete', '--force', bundle.id).status, 0);
});

t.test('many at once', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'exit 3'];
  bundle.save();
  const one = `${RUNTIME} --root state run ${bundle.id}`;
  const line = `for i in $(seq 40); do (${one}-$i; echo $?) & done; wait`;
  const result = execute('bash', ['-c', line], { cwd: bundle.directory, env: planner.environment });
  t.equal(result.stdout, '3\n'.repeat(40), result.stderr);
  t.ok(planner.answered >= 40);
  t.same(bundle.leftovers(), []);
  t.equal(sh(`ls ${bundle.root}`), '');
});

t.test('one that waits holds up nobody: hooks, locks, console sockets', ours, async (t) => {
  const planner = await plannerFor(t);
  const slow = bundleFor(t);
  slow.config.hooks = { prestart: [{ path: '/bin/sleep', args: ['sleep', '2'] }] };
  const slowOne = background(planner, slow, 'true');
  const ended = once(slowOne, 'exit');
  const quick = bundleFor(t);
  await eventually('the hook runs', () => existsSync(`${slow.root}/${slow.id}/state.json`));
  const begin = performance.now();
  t.equal(run(planner, quick, 'true').status, 0);
  t.ok(performance.now() - begin < 1500, 'another does not wait for it');
  t.equal(slowOne.exitCode, null, 'which is still under way');
  t.same(await ended, [0, null]);
  // Six commands that wait for one lock, which another process has.
  const held = bundleFor(t);
  held.config.process.args = WAITING;
  held.save();
  t.equal(planner.quietly(held, 'run', '-d', held.id), 0);
  const hold = async (bundle: Bundle, seconds: string) => {
    const holder = spawn('flock', [`${bundle.root}/${bundle.id}`, 'sleep', seconds]);
    await eventually('the lock is held', () => sh('cat /proc/locks').includes(`${holder.pid} `));
  };
  await hold(held, '3');
  const waiting = [...Array(6)].map(() =>
    spawn(RUNTIME, held.args('resume', held.id), { env: planner.environment, stdio: 'ignore' }),
  );
  const all = Promise.all(waiting.map((child) => once(child, 'exit')));
  t.equal(run(planner, quick, 'true').status, 0);
  const other = bundleFor(t);
  other.config.process.args = WAITING;
  other.save();
  t.equal(planner.quietly(other, 'run', '-d', other.id), 0);
  await hold(other, '0.3');
  t.equal(planner.quietly(other, 'resume', other.id), 1, 'it runs');
  t.equal(planner.call(other, 'delete', '--force', other.id).status, 0);
  t.ok(
    waiting.every((child) => child.exitCode === null),
    'they wait',
  );
  await all;
  t.equal(planner.call(held, 'delete', '--force', held.id).status, 0);
  // A console socket whose listener has no room left, until it makes some.
  const shown = bundleFor(t);
  shown.config.process.terminal = true;
  shown.config.process.args = ['true'];
  shown.save();
  const script = `
import socket, sys, time, os
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
first = socket.socket(socket.AF_UNIX); first.connect(sys.argv[1])
print('full', flush=True); sys.stdin.readline()
kept = [s.accept(), s.accept()]; time.sleep(1)
`;
  const socket = `${shown.directory}/console.sock`;
  const listener = spawn('python3', ['-c', script, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(listener.stdout, 'data');
  const line = shown.args('run', '-d', '--console-socket', socket, shown.id);
  const options = { cwd: shown.directory, env: planner.environment, stdio: 'ignore' } as const;
  const starting = spawn(RUNTIME, line, options);
  const started = once(starting, 'exit');
  await eventually('it waits', () => existsSync(`${shown.root}/${shown.id}`));
  t.equal(run(planner, quick, 'true').status, 0);
  t.equal(starting.exitCode, null, 'still');
  listener.stdin.end('\n');
  t.same(await started, [0, null]);
  await once(listener, 'exit');
  t.equal(planner.call(shown, 'delete', '--force', shown.id).status, 0);
});
