// Faults: two commands at once, damaged states, kills at any moment, full disks.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { cgroupsNamed, eventually, execute, sh } from '../support/host.ts';
import { spread, timeOf, until } from '../support/moments.ts';

t.test('two commands at once: one winner', onlyTsrunc('1.1 sometimes lets none of two creates win'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  const race = (command: string) =>
    sh(`cd ${bundle.directory}; for i in 1 2 3 4; do (${command} </dev/null >/dev/null 2>&1; echo $?) & done; wait`)
      .trim()
      .split('\n')
      .filter((status) => status === '0').length;
  const line = (...args: string[]) => `${RUNTIME} ${bundle.args(...args).join(' ')}`;
  for (let i = 0; i < 3; i++) {
    t.equal(race(line('create', bundle.id)), 1, 'create');
    t.equal(race(line('start', bundle.id)), 1, 'start');
    t.equal(state(bundle).status, 'running');
    call(bundle, 'kill', bundle.id, 'KILL');
    await eventually('stopped', () => state(bundle).status === 'stopped');
    t.equal(race(line('delete', bundle.id)), 1, 'delete');
    t.same(bundle.leftovers(), []);
  }
});

t.test('state files that are no good', onlyTsrunc('keeps other files'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  const file = `${bundle.root}/${bundle.id}/state.json`;
  create(bundle);
  const good = readFileSync(file, 'utf8');
  const { pid } = state(bundle);
  for (const [text, message] of [
    ['', /is damaged/],
    [good.slice(0, 50), /is damaged/],
    [good.replace('"stateVersion":2', '"stateVersion":99'), /is of version 99/],
    ['null', /is of version/],
  ] as const) {
    writeFileSync(file, text);
    for (const command of ['state', 'start', 'kill']) {
      const result = call(bundle, command, bundle.id);
      t.equal(result.status, 1, `${command} with ${text.slice(0, 20)}`);
      t.match(result.stderr, message);
    }
    t.equal(call(bundle, 'list').status, 0, 'list goes on');
  }
  t.ok(existsSync(`/proc/${pid}`), 'nothing was done to it');
  writeFileSync(file, good.replace(/"startTime":\d+/, '"startTime":1'));
  t.equal(state(bundle).status, 'stopped', 'a pid with another start time is another process');
  t.match(call(bundle, 'kill', bundle.id, 'KILL').stderr, /container not running/);
  t.ok(existsSync(`/proc/${pid}`), 'which is left alone');
  writeFileSync(file, good);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  t.same(bundle.leftovers(), [], 'by force all of it goes');
});

t.test(
  'create killed at 50 moments leaves what delete --force removes',
  onlyTsrunc('leaves mounts and cgroups at some'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.process.args = WAITING;
    bundle.save();
    const how = { cwd: bundle.directory, stdio: 'ignore' } as const;
    const whole = timeOf(
      // As it is started below: a shell around it would count.
      () => t.equal(spawnSync(RUNTIME, bundle.args('create', bundle.id), how).status, 0),
      () => t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0),
    );
    let killed = 0;
    for (const [i, moment] of spread(50, whole, { from: 1 / 6 }).entries()) {
      const child = spawn(RUNTIME, bundle.args('create', bundle.id), how);
      const ended = once(child, 'exit');
      await until(moment);
      if (child.kill('SIGKILL')) killed++;
      await ended;
      t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0, `moment ${i}`);
      await eventually(
        `nothing is left, moment ${i}: ${bundle.leftovers().join()}`,
        () => bundle.leftovers().length === 0,
      );
    }
    t.ok(killed > 20, `${killed} were killed under way`);
    t.same(readdirSync(bundle.root), []);
  },
);

t.test('a disk that is full', onlyTsrunc('has other words'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const script = `mount -t tmpfs -o size=4k,nr_inodes=4 tmpfs ${bundle.directory}/full && head -c 4096 /dev/zero > ${bundle.directory}/full/x; ${RUNTIME} --root ${bundle.directory}/full/root run -b ${bundle.directory} ${bundle.id}; echo $?; ls ${bundle.directory}/full/root`;
  mkdirSync(`${bundle.directory}/full`);
  const result = execute('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script]);
  t.match(result.stderr, /ENOSPC/);
  t.equal(result.stdout, '1\n', 'no state is left');
  t.same(cgroupsNamed(bundle.id), []);
});
