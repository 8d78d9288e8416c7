// What docker and podman must do with a runtime; the words that differ between the two are parameters.
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { eventually, execute } from '../support/host.ts';
import type { Engine } from './engine.ts';

const SERVE = ['sh', '-c', 'echo logged; trap "exit 0" TERM; while :; do sleep 0.05; done'];

export async function testDockerLike(t: Test, engine: Engine): Promise<void> {
  await engine.start();
  t.teardown(() => engine.stop());

  await t.test('run and exit codes', async (t) => {
    const result = engine.run({}, 'sh', '-c', 'id -u; exit 3');
    t.equal(result.stdout, '0\n', result.stderr);
    t.equal(result.status, 3);
    t.equal(engine.run({}, 'nope').status, 127, 'a missing program');
    t.equal(engine.run({}, '/etc').status, 126, 'a directory as program');
  });

  await t.test('a terminal', async (t) => {
    const command = engine.run.bind(engine);
    t.match(command({ terminal: true }, 'sh', '-c', 'test -t 1 && tty').stdout, /\/dev\/pts\/0/);
  });

  await t.test('detached: logs, exec, top, stats, pause, update, stop', async (t) => {
    const name = 'served';
    t.equal(engine.run({ name, detach: true, flags: ['--memory', '64m', '--pids-limit', '50'] }, ...SERVE).status, 0);
    await eventually('it logs', () => engine.call('logs', name).stdout === 'logged\n');
    const exec = engine.call('exec', name, 'sh', '-c', 'cat /sys/fs/cgroup/pids/pids.max; exit 5');
    t.equal(exec.stdout, '50\n', exec.stderr);
    t.equal(exec.status, 5);
    // docker 20.10 says 126 here with every runtime.
    t.equal(
      engine.call('exec', name, 'nope').status,
      engine.title === 'docker' ? 126 : 127,
      'exec of a missing program',
    );
    t.match(engine.call('top', name).stdout, /sh -c echo logged/);
    t.match(engine.call('stats', '--no-stream', name).stdout, /64\.?0*Mi?B|67\.11MB/);
    t.equal(engine.call('pause', name).status, 0);
    t.match(engine.call('inspect', '--format', '{{.State.Status}}', name).stdout, 'paused');
    t.equal(engine.call('unpause', name).status, 0);
    const began = Date.now();
    t.equal(engine.call('stop', '-t', '20', name).status, 0);
    t.ok(Date.now() - began < 15_000, 'stop with grace: the program heard SIGTERM');
    t.equal(engine.call('inspect', '--format', '{{.State.ExitCode}}', name).stdout, '0\n');
    t.equal(engine.call('start', name).status, 0, 'and again');
    t.equal(engine.call('kill', name).status, 0);
    await eventually(
      'it has been killed',
      () => engine.call('inspect', '--format', '{{.State.ExitCode}}', name).stdout === '137\n',
    );
    t.equal(engine.call('rm', name).status, 0);
  });

  await t.test('update of limits', async (t) => {
    const name = 'updated';
    engine.run({ name, detach: true, flags: ['--pids-limit', '50'] }, ...SERVE);
    const updated = engine.call(
      'update',
      ...(engine.title === 'podman' ? ['--cpu-shares', '333'] : ['--pids-limit', '60', '--cpu-shares', '333']),
      name,
    );
    t.equal(updated.status, 0, updated.stderr);
    t.equal(engine.call('exec', name, 'cat', '/sys/fs/cgroup/cpu/cpu.shares').stdout, '333\n');
    t.equal(
      engine.call('rm', '--force', '-t', '0', name).status === 0 || engine.call('rm', '--force', name).status === 0,
      true,
    );
  });

  await t.test('volumes and a read-only root', async (t) => {
    const volume = `${engine.directory}/volume`;
    mkdirSync(volume);
    const result = engine.run(
      { readOnly: true, volume: `${volume}:/data` },
      'sh',
      '-c',
      'echo kept > /data/file; touch /x',
    );
    t.equal(readFileSync(`${volume}/file`, 'utf8'), 'kept\n', result.stderr);
    t.match(result.stderr + result.stdout, /Read-only file system/);
    const readonly = engine.run({ volume: `${volume}:/data:ro` }, 'sh', '-c', 'cat /data/file; touch /data/x');
    t.match(readonly.stderr + readonly.stdout, /kept[^]*Read-only file system|Read-only file system[^]*kept/);
    t.notOk(existsSync(`${volume}/x`));
  });

  await t.test('20 at once', async (t) => {
    const { spawn } = await import('node:child_process');
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const child = spawn('bash', ['-c', commandLine(engine, i)], { stdio: 'ignore' });
        const [status] = (await once(child, 'exit')) as [number];
        return status;
      }),
    );
    t.same(
      statuses,
      Array.from({ length: 20 }, (_, i) => i + 1),
      'each with its own exit code',
    );
  });
}

/** The command line of a run that exits with its number, for running many at once. */
function commandLine(engine: Engine, i: number): string {
  const flags = engine.runFlags({}).join(' ');
  const script = `busybox sh -c 'exit ${i + 1}'`;
  if (engine.title === 'podman')
    return `CONTAINERS_CONF=${engine.directory}/containers.conf CONTAINERS_STORAGE_CONF=${engine.directory}/storage.conf podman run ${flags} ${script}`;
  return `docker -H unix://${engine.directory}/sock run --runtime ${process.env['RUNTIME']?.split('/').at(-1) ?? 'tsrunc'} ${flags} ${script}`;
}

export function isInstalled(program: string): boolean {
  return execute('sh', ['-c', `command -v ${program}`]).status === 0;
}
