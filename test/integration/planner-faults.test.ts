// The ends of planners and fronts: killed at any moment, idle, replaced; and what they leave, which is nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { PROTOCOL, TO_FRONT } from '../../src/caller/protocol.ts';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { WAITING } from '../support/commands.ts';
import { eventually, execute, sh } from '../support/host.ts';
import { spread, timeOf, until } from '../support/moments.ts';
import { background, Cold, nodesOf, plannerFor, processField, run, stateOf } from '../support/planner.ts';

const ours = onlyTsrunc('has no planner');

/** Who is killed. Node is the front's own, where there is no planner. */
type Victim = 'planner' | 'front' | 'node' | 'front of node';

/** What the front says when it has lost who plans. */
const LOST: Partial<Record<Victim, RegExp>> = {
  planner: /^tsrunc: the planner ended before the command was done.*\n$/,
  node: /^tsrunc: Node ended before the command was done.*\n$/,
};

/** Kills one of those who take part at many moments of a run or create: what is left is nothing. */
async function killAtMoments(t: Test, victim: Victim, command: string[]): Promise<void> {
  const bundle = bundleFor(t);
  bundle.config.process.args = command[0] === 'run' ? ['true'] : WAITING;
  bundle.save();
  const cold = new Cold();
  const isCold = victim === 'node' || victim === 'front of node';
  let planner = isCold ? undefined : await plannerFor(t);
  const way = planner ?? cold;
  const whole = timeOf(
    () => t.equal(way.quietly(bundle, ...command, bundle.id), 0),
    () => way.call(bundle, 'delete', '--force', bundle.id),
  );
  const seen = { killed: 0, messages: 0, takenBack: 0 };
  for (const [i, moment] of spread(25, whole).entries()) {
    const child = spawn(RUNTIME, bundle.args(...command, bundle.id), {
      cwd: bundle.directory,
      env: (planner ?? cold).environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data) => (said += data));
    const ended = once(child, command[0] === 'create' ? 'exit' : 'close'); // a created container keeps the streams
    await until(moment);
    if (victim === 'planner') planner?.process.kill('SIGKILL');
    else if (victim === 'node') for (const pid of nodesOf(child.pid)) process.kill(pid, 'SIGKILL');
    else if (child.kill('SIGKILL')) seen.killed++;
    const [code] = (await ended) as [number];
    if (victim === 'planner') await planner?.ended;
    const lost = LOST[victim];
    if (lost !== undefined && code !== 0) {
      seen.messages++;
      t.match(said, lost, `moment ${i}: one message`);
    } else if (lost !== undefined) t.equal(said, '', `moment ${i}: no message`);
    // What was handed over already is the caller's: a container that has been created, or that nobody waits for any more.
    const isTakenBack = await eventually('it is taken back', () => bundle.leftovers().length === 0, 0.7).then(
      () => true,
      () => false,
    );
    if (lost !== undefined && said !== '') t.ok(isTakenBack, `moment ${i}: ${bundle.leftovers().join()}`);
    if (isTakenBack) seen.takenBack++;
    else cold.call(bundle, 'delete', '--force', bundle.id);
    await eventually(`nothing is left, moment ${i}`, () => bundle.leftovers().length === 0).catch(() =>
      t.same(bundle.leftovers(), [], `moment ${i}`),
    );
    if (victim === 'planner') planner = await plannerFor(t);
  }
  const enough = LOST[victim] === undefined ? seen.killed : seen.messages;
  t.ok(seen.takenBack > 10 && enough > 3, JSON.stringify(seen));
}

t.test('a planner that dies under way costs one message: run', ours, (t) => killAtMoments(t, 'planner', ['run']));
t.test('a planner that dies under way costs one message: create', ours, (t) => killAtMoments(t, 'planner', ['create']));
t.test('a front that dies under way: the planner takes back what it made', ours, (t) =>
  killAtMoments(t, 'front', ['run']),
);
t.test('a Node that dies under way costs one message: run', ours, (t) => killAtMoments(t, 'node', ['run']));
t.test('a Node that dies under way costs one message: create', ours, (t) => killAtMoments(t, 'node', ['create']));
t.test('a front that dies under way: Node takes back what it made', ours, (t) =>
  killAtMoments(t, 'front of node', ['run']),
);

t.test('a planner that dies during the wait is not missed', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.hooks = { poststop: [{ path: '/bin/touch', args: ['touch', `${bundle.directory}/stopped`] }] };
  const child = background(planner, bundle, 'while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 9');
  let said = '';
  child.stderr?.on('data', (data) => (said += data));
  await eventually('it runs', () => stateOf(planner, bundle).status === 'running');
  await eventually('the front waits', () => !/ ([3-9]|\d\d) -> socket/.test(sh(`ls -l /proc/${child.pid}/fd`)));
  planner.process.kill('SIGKILL');
  await planner.ended;
  writeFileSync(`${bundle.rootfs}/tmp/go`, '');
  t.same(await once(child, 'close'), [9, null], said);
  t.equal(said, '');
  t.same(bundle.leftovers(), [], 'the end is the same');
  t.ok(existsSync(`${bundle.directory}/stopped`), 'with its hooks');
});

t.test('a process that outlives its container, and a container that somebody else has deleted', ours, async (t) => {
  const planner = await plannerFor(t);
  const left = bundleFor(t);
  left.config.linux.namespaces = left.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'pid');
  t.equal(run(planner, left, 'sleep 1000 & exit 5').status, 5);
  t.same(left.leftovers(), [], 'is killed with its cgroup');
  const deleted = bundleFor(t);
  const child = background(planner, deleted, 'while :; do sleep 0.05; done');
  await eventually('it runs', () => stateOf(planner, deleted).status === 'running');
  const ended = once(child, 'exit');
  t.equal(planner.call(deleted, 'delete', '--force', deleted.id).status, 0);
  t.same(await ended, [137, null]);
  t.same(deleted.leftovers(), []);
});

t.test('the place of a planner', ours, async (t) => {
  const planner = await plannerFor(t);
  const second = execute(RUNTIME, ['planner', '--socket', planner.socket], { env: planner.environment });
  t.equal(second.status, 1);
  t.match(second.stderr, /a planner listens at .* already/);
  planner.process.kill('SIGKILL');
  await planner.ended;
  t.ok(existsSync(planner.socket), 'one that was killed leaves its socket');
  t.match(execute(RUNTIME, ['-v'], { env: planner.environment }).stdout, /^tsrunc version/, 'which nobody minds');
  const next = spawn(RUNTIME, ['--debug', '--log', planner.log, 'planner', '--socket', planner.socket]);
  await eventually('the next one takes its place', () => planner.logged('listens at') === 2);
  const ended = once(next, 'exit');
  next.kill('SIGTERM');
  t.same(await ended, [0, null]);
  t.notOk(existsSync(planner.socket), 'one that ends takes it along');
  writeFileSync(planner.socket, 'mine');
  const onFile = execute(RUNTIME, ['planner', '--socket', planner.socket]);
  t.equal(onFile.status, 1);
  t.match(onFile.stderr, /make the socket .*EADDRINUSE/);
  t.equal(readFileSync(planner.socket, 'utf8'), 'mine', 'a file of somebody stays');
  t.match(execute(RUNTIME, ['planner', '--socket', '/nowhere/x']).stderr, /make the socket \/nowhere\/x: ENOENT/);
  t.match(execute(RUNTIME, ['planner', '--idle-timeout', 'soon']).stderr, /--idle-timeout "soon"/);
});

t.test('--idle-timeout', ours, async (t) => {
  const planner = await plannerFor(t, '--idle-timeout', '700ms');
  const bundle = bundleFor(t);
  const begin = performance.now();
  while (performance.now() - begin < 1500) {
    t.equal(planner.call(bundle, 'state', 'nowhere').status, 1);
    await new Promise((wake) => setTimeout(wake, 100));
  }
  t.equal(planner.process.exitCode, null, 'one that is asked stays');
  t.equal(await planner.ended, 0);
  t.notOk(existsSync(planner.socket));
});

t.test('a request that is under way is done before the end', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.hooks = { prestart: [{ path: '/bin/sleep', args: ['sleep', '1'] }] };
  const child = background(planner, bundle, 'exit 6');
  await eventually('it is under way', () => existsSync(`${bundle.root}/${bundle.id}/state.json`));
  planner.process.kill('SIGTERM');
  t.same(await once(child, 'exit'), [6, null]);
  t.equal(await planner.ended, 0);
  t.same(bundle.leftovers(), []);
});

t.test('the socket of systemd', ours, async (t) => {
  const bundle = bundleFor(t);
  const socket = `${bundle.directory}/activated`;
  const script = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen(8)
if s.fileno() != 3: os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], [sys.argv[2], '--debug', '--log', sys.argv[1] + '.log', 'planner', '--idle-timeout', '1s'])
`;
  const child = spawn('python3', ['-c', script, socket, RUNTIME], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  await eventually('the planner has begun', () => existsSync(`${socket}.log`));
  const env = { ...process.env, TSRUNC_PLANNER: socket };
  t.match(execute(RUNTIME, ['-v'], { env }).stdout, /^tsrunc version/);
  t.same(await ended, [0, null]);
  t.ok(existsSync(socket), 'it is not ours to remove');
  t.match(readFileSync(`${socket}.log`, 'utf8'), /msg="pid \d+ in .*: -v"/);
});

t.test('descriptors do not grow with containers, nor with failures', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  const open = () => Number(sh(`ls /proc/${planner.process.pid}/fd | wc -l`));
  const round = (id: string) => {
    t.equal(planner.quietly(bundle, 'create', id), 0);
    t.equal(planner.quietly(bundle, 'start', id), 0);
    t.equal(planner.quietly(bundle, 'exec', id, '/bin/true'), 0);
    t.equal(planner.quietly(bundle, 'exec', id, '/nowhere'), 255);
    t.equal(planner.quietly(bundle, 'exec', '-t', id, '/nowhere'), 255);
    t.equal(planner.quietly(bundle, 'delete', '--force', id), 0);
  };
  round(bundle.id);
  const before = open();
  for (let i = 0; i < 12; i++) round(bundle.id);
  t.ok(open() <= before + 2, `${before} descriptors before, ${open()} after 12 rounds`);
});

t.test('memory does not grow with requests', ours, async (t) => {
  const planner = await plannerFor(t);
  const bundle = bundleFor(t);
  t.equal(run(planner, bundle, 'true').status, 0);
  // As fast as fronts can be, without starting them: the requests themselves.
  const script = `
import socket, struct, sys
head = struct.pack('<IIII', 1, 18, 3, ${PROTOCOL}) + sys.argv[2].encode() + b'\\0/\\0--root\\0' + sys.argv[3].encode() + b'\\0list\\0'
for i in range(int(sys.argv[4])):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); s.send(head)
    while struct.unpack('<I', (answer := s.recv(65536))[:4])[0] == ${TO_FRONT.print}: pass
    assert struct.unpack('<II', answer[:8]) == (${TO_FRONT.exit}, 0), answer
    s.close()
`;
  const version = JSON.parse(readFileSync('package.json', 'utf8')).version as string;
  const ask = (count: number) => {
    const result = execute('python3', ['-c', script, planner.socket, version, bundle.root, String(count)]);
    t.equal(result.status, 0, result.stderr);
    return Number.parseInt(processField(planner.process.pid, 'VmRSS'), 10);
  };
  const before = ask(30000);
  const after = ask(15000);
  t.ok(after < before * 1.1 + 4096, `${before} kB after 30000 requests, ${after} kB after 45000`);
  t.equal(readFileSync(`/proc/${planner.process.pid}/status`, 'utf8').includes('FDSize'), true);
  t.ok(Number(sh(`ls /proc/${planner.process.pid}/fd | wc -l`)) < 40, 'nor do descriptors');
});
