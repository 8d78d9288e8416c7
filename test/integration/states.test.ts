// State files that are not of this version, or not whole: those of 0.1.0 go on working, and no container that runs is forgotten.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { bundleFor, onlyTsrunc, type Bundle, type Json } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { eventually } from '../support/host.ts';

const ours = onlyTsrunc('has states of its own');

/** As tsrunc 0.1.0 wrote it for a container that was created. */
const OLD = JSON.parse(readFileSync('test/fixtures/state-0.1.0.json', 'utf8'));

/** What 0.1.0 would have written: its members, and no others. */
function asBefore(t: Test, now: Json, before: Json): Json {
  if (Array.isArray(now)) return now.map((item) => asBefore(t, item, before[0]));
  if (typeof now !== 'object' || now === null) return now;
  t.same(
    Object.keys(before).filter((name) => !(name in now)),
    [],
    'nothing of it is missing today',
  );
  return Object.fromEntries(Object.keys(before).map((name) => [name, now[name]]));
}

const fileOf = (bundle: Bundle) => `${bundle.root}/${bundle.id}/state.json`;

function rewrite(t: Test, bundle: Bundle): void {
  const now = JSON.parse(readFileSync(fileOf(bundle), 'utf8'));
  const old = asBefore(t, now, OLD);
  old.cgroupPlaces = asBefore(t, now.cgroupPlaces, OLD.cgroupPlaces);
  t.equal(old.stateVersion, 2);
  writeFileSync(fileOf(bundle), JSON.stringify(old));
}

function waiting(t: Test): Bundle {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.save();
  return bundle;
}

t.test('containers of 0.1.0: every verb', ours, async (t) => {
  const bundle = waiting(t);
  t.equal(create(bundle).status, 0);
  rewrite(t, bundle);
  t.equal(state(bundle).status, 'created');
  t.match(call(bundle, 'list').stdout, bundle.id);
  t.equal(call(bundle, 'start', bundle.id).status, 0);
  rewrite(t, bundle);
  t.equal(state(bundle).status, 'running');
  const ok = (...args: string[]) => {
    const result = call(bundle, ...args);
    t.equal(result.status, 0, `${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };
  t.equal(ok('exec', bundle.id, 'echo', 'inside'), 'inside\n');
  t.match(ok('ps', bundle.id), /sleep|trap/);
  t.match(ok('events', '--stats', bundle.id), /"pids"/);
  ok('update', '--pids-limit', '100', bundle.id);
  rewrite(t, bundle);
  writeFileSync(
    `${bundle.directory}/mounts.json`,
    JSON.stringify([{ destination: '/m', type: 'bind', source: '/', options: ['bind'] }]),
  );
  mkdirSync(`${bundle.rootfs}/m`);
  ok('mounts', 'add', bundle.id, `${bundle.directory}/mounts.json`);
  ok('mounts', 'remove', bundle.id, `${bundle.directory}/mounts.json`);
  ok('pause', bundle.id);
  rewrite(t, bundle);
  t.equal(state(bundle).status, 'paused');
  ok('resume', bundle.id);
  ok('kill', bundle.id, 'KILL');
  await eventually('stopped', () => state(bundle).status === 'stopped');
  ok('delete', bundle.id);
  t.same(bundle.leftovers(), []);
});

t.test('delete --force by what a damaged state still says', ours, async (t) => {
  const bundle = waiting(t);
  const good = () => {
    t.equal(create(bundle).status, 0);
    return readFileSync(fileOf(bundle), 'utf8');
  };
  const enough: [string, (text: string) => string][] = [
    ['cut off behind the cgroups', (text) => text.slice(0, text.indexOf('"config"') + 200)],
    ['cut off in a string', (text) => text.slice(0, text.length - 9)],
    ['of a later version', (text) => text.replace('"stateVersion":2', '"stateVersion":99')],
    ['without a member', (text) => text.replace('"isStarted"', '"isBegun"')],
    ['with a member that is something else', (text) => text.replace(/"config":\{/, '"configs":{')],
  ];
  for (const [name, damage] of enough) {
    writeFileSync(fileOf(bundle), damage(good()));
    const told = call(bundle, 'state', bundle.id);
    t.equal(told.status, 1, name);
    t.match(told.stderr, /the state file \S+ is (damaged|of version 99)/);
    t.notMatch(told.stderr, /internal error/);
    const deleted = call(bundle, 'delete', '--force', bundle.id);
    t.equal(deleted.status, 0, `${name}: ${deleted.stderr}`);
    t.same(bundle.leftovers(), [], name);
  }
});

t.test('where it says too little the record stays, and the container', ours, async (t) => {
  const bundle = waiting(t);
  t.equal(create(bundle).status, 0);
  const good = readFileSync(fileOf(bundle), 'utf8');
  const { pid } = state(bundle);
  for (const text of [
    '',
    'null',
    '[]',
    '{"stateVersion":2,"pid":',
    good.slice(0, 60),
    `{"stateVersion":2,"pid":${pid}}`,
    `{"init_process_pid":${pid},"init_process_start":1,"cgroup_paths":{}}`,
    good.replace(/"directory":"[^"]*"/, '"directory":"/sys/fs/cgroup/../.."'),
    good.replace(/"startTime":\d+/, '"startTime":"1"'),
    good.replace(/"pid":\d+/, '"pid":-1'),
  ]) {
    writeFileSync(fileOf(bundle), text);
    const name = text.slice(0, 40);
    const deleted = call(bundle, 'delete', '--force', bundle.id);
    t.equal(deleted.status, 1, name);
    t.match(deleted.stderr, /does not say which process and cgroups/, name);
    t.match(deleted.stderr, /\nhint: end what is left/);
    t.equal(readFileSync(fileOf(bundle), 'utf8'), text, `${name}: the record stays`);
    t.ok(existsSync(`/proc/${pid}`), `${name}: nothing was done`);
  }
  writeFileSync(fileOf(bundle), good);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  t.same(bundle.leftovers(), []);
});

t.test('a state that is a fifo holds up nobody', ours, async (t) => {
  const bundle = waiting(t);
  mkdirSync(`${bundle.root}/${bundle.id}`, { recursive: true });
  spawnSync('mkfifo', [fileOf(bundle)]);
  for (const args of [['state'], ['kill'], ['delete', '--force']]) {
    const result = call(bundle, ...args, bundle.id);
    t.equal(result.status, 1, args.join());
    t.match(result.stderr, /is not a regular file/);
  }
  t.equal(call(bundle, 'list').status, 0);
  rmSync(`${bundle.root}/${bundle.id}`, { recursive: true });
});

t.test('expressions that would take for ever', ours, async (t) => {
  const bundle = waiting(t);
  mkdirSync(`${bundle.root}/${'a'.repeat(60)}b`, { recursive: true });
  for (const verb of ['delete', 'kill']) {
    const result = call(bundle, verb, '--regex', '^(a+)+$');
    t.equal(result.status, 1);
    t.match(result.stderr, /takes too long/, verb);
  }
  t.match(call(bundle, 'delete', '--regex', '[').stderr, /is no regular expression/);
});
