// containerd's shim drives the runtime.
import t from 'tap';
import { eventually } from '../support/host.ts';
import { Containerd } from './engine.ts';

const engine = new Containerd();
await t.test('containerd', async (t) => {
  await engine.start();
  t.teardown(() => engine.stop());
  const result = engine.run({}, 'sh', '-c', 'id -u; exit 3');
  t.equal(result.stdout, '0\n', result.stderr);
  t.equal(result.status, 3);
  t.match(engine.run({}, 'nope').stderr, /executable file not found in \$PATH/);
  t.equal(engine.run({ name: 'd', detach: true }, 'sh', '-c', 'while :; do sleep 0.1; done').status, 0);
  const status = () => engine.call('task', 'ls').stdout;
  t.match(status(), /^d +\d+ +RUNNING/m);
  const exec = engine.call('task', 'exec', '--exec-id', 'e', 'd', 'sh', '-c', 'echo in; exit 4');
  t.equal(exec.stdout, 'in\n', exec.stderr);
  t.equal(exec.status, 4);
  t.match(engine.call('task', 'metrics', 'd').stdout, /memory\.usage_in_bytes +\d+/);
  t.equal(engine.call('task', 'pause', 'd').status, 0);
  t.match(status(), /^d +\d+ +PAUSED/m);
  t.equal(engine.call('task', 'resume', 'd').status, 0);
  t.match(engine.call('task', 'ps', 'd').stdout, /^PID +INFO\n\d+/);
  t.equal(engine.call('task', 'kill', '-s', 'KILL', 'd').status, 0);
  await eventually('it has stopped', () => /^d +\d+ +STOPPED/m.test(status()));
  engine.call('task', 'delete', 'd');
  t.equal(engine.call('container', 'rm', 'd').status, 0);
});
