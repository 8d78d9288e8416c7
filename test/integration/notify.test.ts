// NOTIFY_SOCKET: the manager hears READY and nothing else of what the container says; sd_notify(3).
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, state, WAITING } from '../support/commands.ts';
import { eventually, execute } from '../support/host.ts';

type Test = Parameters<typeof bundleFor>[0];

interface Manager {
  readonly environment: NodeJS.ProcessEnv;
  readonly heard: string[];
}

async function managerAt(t: Test, address: string): Promise<Manager> {
  const child = spawn('python3', ['test/support/manager.py', address]);
  t.teardown(() => child.kill());
  const heard: string[] = [];
  child.stdout.on('data', (data: Buffer) => heard.push(...data.toString().split('\n').filter(Boolean)));
  await eventually('the manager listens', () => heard.shift() === 'listening');
  return { environment: { ...process.env, NOTIFY_SOCKET: address }, heard };
}

function waiting(t: Test): Bundle {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', `echo "$NOTIFY_SOCKET" > /where; ${WAITING[2]}`];
  bundle.config.root.readonly = false;
  bundle.save();
  return bundle;
}

function inBackground(t: Test, bundle: Bundle, manager: Manager, ...args: string[]): ChildProcess {
  const child = spawn(RUNTIME, bundle.args(...args), {
    cwd: bundle.directory,
    env: manager.environment,
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** What the container says, through its own end of the socket. */
function say(bundle: Bundle, text: string): void {
  const socket = `/proc/${state(bundle).pid}/root/run/notify/notify.sock`;
  const said = execute('python3', ['test/support/manager.py', 'send', socket, text]);
  if (said.status !== 0) throw new Error(said.stderr);
}

const isRunning = (bundle: Bundle) => existsSync(`${bundle.rootfs}/where`);

t.test('start returns when the container is ready', onlyTsrunc('1.1 loses READY after a STATUS line'), async (t) => {
  const bundle = waiting(t);
  const manager = await managerAt(t, `${bundle.directory}/manager`);
  const created = inBackground(t, bundle, manager, 'create', bundle.id);
  await eventually('created', () => created.exitCode === 0);
  const start = inBackground(t, bundle, manager, 'start', bundle.id);
  await eventually('it runs', () => isRunning(bundle));
  t.equal(readFileSync(`${bundle.rootfs}/where`, 'utf8'), '/run/notify/notify.sock\n');
  say(bundle, 'STATUS=MAINPID=1\nMAINPID=1');
  await new Promise((wake) => setTimeout(wake, 300));
  t.equal(start.exitCode, null, 'it waits');
  say(bundle, 'STATUS=done\nREADY=1\nMAINPID=1');
  await eventually('start returns', () => start.exitCode !== null);
  t.equal(start.exitCode, 0);
  t.same(manager.heard, ['READY=1 0', `MAINPID=${state(bundle).pid} 0`, 'BARRIER=1 1']);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  t.same(bundle.leftovers(), []);
});

t.test('start returns when the container has ended instead', onlyTsrunc('looks ten times a second'), async (t) => {
  const bundle = waiting(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const manager = await managerAt(t, `${bundle.directory}/manager`);
  const run = inBackground(t, bundle, manager, 'run', '-d', bundle.id);
  await eventually('run returns', () => run.exitCode !== null);
  t.equal(run.exitCode, 0);
  t.same(manager.heard, []);
});

t.test('a foreground run hands READY on, and goes on', onlyTsrunc('says MAINPID=0'), async (t) => {
  const bundle = waiting(t);
  const manager = await managerAt(t, `@tsrunc-test-${process.pid}`);
  const run = inBackground(t, bundle, manager, 'run', bundle.id);
  await eventually('it runs', () => isRunning(bundle));
  say(bundle, 'READY=1');
  await eventually('the manager hears', () => manager.heard.length > 0);
  t.same(manager.heard, ['READY=1 0'], 'an abstract address');
  t.equal(run.exitCode, null);
  run.kill('SIGTERM');
  await eventually('it ends', () => run.exitCode !== null);
  t.same(bundle.leftovers(), []);
});

t.test('without the variable nothing of it is there', async (t) => {
  const bundle = bundleFor(t);
  t.match(bundle.run('echo "<$NOTIFY_SOCKET>"; ls /run/notify'), { stdout: '<>\n', stderr: /No such file/ });
});
