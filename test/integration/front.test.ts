// The front where there is no planner: it starts Node for one command, and is what remains in the foreground.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { errorCode } from '../../src/errors.ts';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { WAITING } from '../support/commands.ts';
import { eventually, execute, sh } from '../support/host.ts';
import { spread, timeOf, until } from '../support/moments.ts';
import { background, childrenOf, Cold, nodesOf, plannerFor, processField, run, stateOf } from '../support/planner.ts';

const ours = onlyTsrunc('has no Node');
const cold = new Cold();

/** In a process group of its own, as a shell starts a job; Node is in it, too. */
function startJob(bundle: Bundle, ...args: string[]): ChildProcess {
  return spawn(RUNTIME, bundle.args(...args), {
    cwd: bundle.directory,
    env: cold.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
}

/** Moments of a command of which some are well before its end, and some after it even if the machine gets slower meanwhile. */
function momentsOf(t: Test, bundle: Bundle, command: string): number[] {
  const whole = timeOf(
    () => t.equal(cold.quietly(bundle, command, bundle.id), 0),
    () => cold.call(bundle, 'delete', '--force', bundle.id),
  );
  return spread(30, whole, { to: 2 });
}

/** As the terminal does: to the whole process group, if there is one left. */
function interrupt({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, 'SIGINT');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

t.test('in the foreground nothing of Node is left', ours, async (t) => {
  const bundle = bundleFor(t);
  const child = background(cold, bundle, 'while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 9');
  await eventually('it runs', () => stateOf(cold, bundle).status === 'running');
  await eventually('Node has ended', () => childrenOf(child.pid).length === 1);
  t.same(childrenOf(child.pid), [stateOf(cold, bundle).pid], 'the container is the only child');
  t.ok(Number.parseInt(processField(child.pid, 'VmHWM'), 10) < 2048, processField(child.pid, 'VmHWM'));
  writeFileSync(`${bundle.rootfs}/tmp/go`, '');
  t.same(await once(child, 'close'), [9, null]);
  t.same(bundle.leftovers(), []);
});

t.test("a terminal's signal at any moment ends the command, or is the container's", ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const moments = momentsOf(t, bundle, 'run');
  // The shell ends with 130 for it, or has not come to that and does not notice.
  bundle.config.process.args = ['sh', '-c', 'sleep 0.1; exit 7'];
  bundle.save();
  const seen = { ended: 0, forwarded: 0 };
  for (const [i, moment] of moments.entries()) {
    const child = startJob(bundle, 'run', bundle.id);
    let said = '';
    child.stderr?.on('data', (data) => (said += data));
    const ended = once(child, 'close');
    await until(moment);
    interrupt(child);
    const [code, signal] = (await ended) as [number | null, string | null];
    if (signal === 'SIGINT') seen.ended++;
    else if (code === 7 || code === 130) seen.forwarded++;
    else t.fail(`moment ${i}: exit ${code}, signal ${signal}: ${said}`);
    await eventually(`nothing is left, moment ${i}`, () => bundle.leftovers().length === 0).catch(() =>
      t.same(bundle.leftovers(), [], `moment ${i}`),
    );
  }
  t.ok(seen.ended > 2 && seen.forwarded > 2, JSON.stringify(seen));
});

t.test("a terminal's signal at any moment of a creation leaves a container, or nothing", ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  const seen = { created: 0, takenBack: 0 };
  for (const [i, moment] of momentsOf(t, bundle, 'create').entries()) {
    const child = startJob(bundle, 'create', bundle.id);
    const ended = once(child, 'exit');
    await until(moment);
    interrupt(child);
    await ended;
    const isThere = () => stateOf(cold, bundle).status === 'created';
    await eventually('it is there, or nothing is', () => isThere() || bundle.leftovers().length === 0).catch(() =>
      t.same(bundle.leftovers(), [], `moment ${i}`),
    );
    seen[isThere() ? 'created' : 'takenBack']++;
    cold.call(bundle, 'delete', '--force', bundle.id);
    t.same(bundle.leftovers(), [], `moment ${i}`);
  }
  t.ok(seen.created > 0 && seen.takenBack > 2, JSON.stringify(seen));
});

t.test('what follows the end of a container is done by another Node, whatever the terminal says', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.hooks = { poststop: [{ path: '/bin/true' }] };
  bundle.config.process.args = ['sh', '-c', 'trap "" INT; while [ ! -e /tmp/go ]; do sleep 0.01; done; exit 5'];
  bundle.save();
  for (let i = 0; i < 12; i++) {
    const child = startJob(bundle, 'run', bundle.id);
    const ended = once(child, 'exit');
    await eventually('it runs', () => stateOf(cold, bundle).status === 'running');
    writeFileSync(`${bundle.rootfs}/tmp/go`, '');
    await new Promise((resolve) => setTimeout(resolve, i * 5));
    interrupt(child);
    t.same(await ended, [5, null], `moment ${i}`);
    t.same(bundle.leftovers(), [], `moment ${i}`);
    rmSync(`${bundle.rootfs}/tmp/go`);
  }
});

t.test('a long command line, and a second Node with a short one', ours, async (t) => {
  const bundle = bundleFor(t);
  const stopped = `${bundle.directory}/stopped`;
  bundle.config.hooks = { poststop: [{ path: '/bin/touch', args: ['touch', stopped] }] };
  bundle.config.process.args = ['sh', '-c', 'exit 7'];
  bundle.save();
  const options = ['--no-new-keyring', '--pid-file', 'pid', '-b', bundle.directory];
  const result = cold.call(bundle, 'run', ...options, bundle.id);
  t.equal(result.status, 7);
  t.equal(result.stderr, '');
  t.ok(existsSync(stopped), 'the hook has run');
  t.same(bundle.leftovers(), []);
  // The same where Node is lost: while a hook holds it up.
  bundle.config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1'] }] };
  bundle.save();
  const child = spawn(RUNTIME, bundle.args('run', ...options, bundle.id), {
    cwd: bundle.directory,
    env: cold.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  const ended = once(child, 'close');
  await eventually('the hook runs', () => existsSync(`${bundle.root}/${bundle.id}/state.json`));
  for (const pid of nodesOf(child.pid)) process.kill(pid, 'SIGKILL');
  t.same(await ended, [1, null]);
  t.equal(said, 'tsrunc: Node ended before the command was done; the container is removed\n');
  await eventually('nothing is left', () => bundle.leftovers().length === 0);
});

t.test('a caller that blocks or ignores signals', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'sleep 0.1; exit 7'];
  bundle.config.hooks = { prestart: [{ path: '/bin/true' }] };
  bundle.save();
  for (const how of ['--ignore-signal=CHLD', '--block-signal=CHLD', '--block-signal', '--ignore-signal']) {
    const line = [how, RUNTIME, ...bundle.args('run', bundle.id)];
    for (const way of [cold, await plannerFor(t)]) {
      const result = execute('env', line, { cwd: bundle.directory, env: way.environment });
      t.equal(result.status, 7, `${how}: ${result.stderr}`);
      t.same(bundle.leftovers(), []);
    }
  }
});

t.test('what cannot be told is a failure all the same', ours, async (t) => {
  const bundle = bundleFor(t);
  const shell = (line: string) =>
    execute('bash', ['-c', `${RUNTIME} --root ${bundle.root} ${line}`], {
      cwd: bundle.directory,
      env: cold.environment,
    });
  t.equal(shell('state nowhere 2>/dev/full').status, 1);
  t.equal(shell(`create -b /nowhere ${bundle.id} 2>/dev/full`).status, 1);
  t.equal(shell('list >/dev/full 2>/dev/full').status, 1);
  bundle.config.mounts.push({ destination: '/x', type: 'bind', source: '/nowhere', options: ['bind'] });
  bundle.save();
  t.equal(shell(`run ${bundle.id} 2>/dev/full`).status, 1);
  t.same(bundle.leftovers(), []);
});

t.test('a command whose front is killed does nothing more', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  t.equal(cold.quietly(bundle, 'run', '-d', bundle.id), 0);
  const holder = spawn('flock', [`${bundle.root}/${bundle.id}`, 'sleep', '1']);
  const released = once(holder, 'exit');
  const start = (...args: string[]) =>
    spawn(RUNTIME, bundle.args(...args), { env: cold.environment, stdio: ['ignore', 'pipe', 'ignore'] });
  const deleting = start('delete', '--force', bundle.id);
  const watching = start('events', '--interval', '100ms', bundle.id);
  const nodes = () => [...nodesOf(deleting.pid), ...nodesOf(watching.pid)];
  await eventually('both wait', () => nodes().length === 2 && sh('cat /proc/locks').includes('->'));
  const orphans = nodes();
  const ended = [once(deleting, 'close'), once(watching, 'close')];
  for (const child of [deleting, watching]) child.kill('SIGKILL');
  await Promise.all(ended);
  await eventually('their Nodes end, too', () => orphans.every((pid) => !existsSync(`/proc/${pid}/exe`)));
  await released;
  t.equal(stateOf(cold, bundle).status, 'running');
  t.equal(cold.call(bundle, 'delete', '--force', bundle.id).status, 0);
});

t.test('few descriptors, and many that are kept', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'ls /proc/self/fd | wc -l; ulimit -n'];
  bundle.config.process.rlimits = [];
  bundle.save();
  const shell = (line: string) => execute('bash', ['-c', line], { cwd: bundle.directory, env: cold.environment });
  const runtime = `${RUNTIME} ${bundle.args('run').join(' ')}`;
  t.equal(shell(`ulimit -Sn 24; ${runtime} ${bundle.id}`).stdout, '4\n24\n', "the limit is the caller's");
  const opened = 'exec 3</dev/null 59</dev/null; ulimit -Sn 60;';
  const kept = shell(`${opened} ${runtime} --preserve-fds 57 ${bundle.id}`);
  t.equal(kept.stdout, '6\n60\n', `ours are above them: ${kept.stderr}`);
  t.same(bundle.leftovers(), []);
});

t.test('what Node is told of its front comes from the front alone', ours, async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const environment = { ...cold.environment, TSRUNC_FRONT: '0:9:x' };
  t.equal(execute(RUNTIME, bundle.args('run', bundle.id), { cwd: bundle.directory, env: environment }).status, 0);
  const alone = execute('node', ['dist/main.cjs', ...bundle.args('run', '-b', bundle.directory, bundle.id)], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  t.equal(alone.status, 1);
  t.match(alone.stderr, /: this needs bin\/tsrunc, which starts what is to be started\n$/);
  const later = execute('node', ['dist/main.cjs', ...bundle.args('run', '-b', bundle.directory, bundle.id)], {
    env: { PATH: process.env['PATH'] ?? '', TSRUNC_FRONT: '3:1:0.0.1' },
  });
  t.equal(later.status, 1);
  t.match(later.stderr, /: bin\/tsrunc is of version 0.0.1, and what it finds beside it of \d/);
  t.same(bundle.leftovers(), []);
});

t.test('an exit status of Node is that of the command', ours, async (t) => {
  const bundle = bundleFor(t);
  t.equal(run(cold, bundle, 'exit 42').status, 42);
  t.equal(cold.call(bundle, 'state', bundle.id).status, 1);
  t.equal(cold.call(bundle, '--version').status, 0);
});
