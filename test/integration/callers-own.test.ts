// What is the caller's own and stays it: keys, and files that root would write through links of others.
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { isTsrunc, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, create, state } from '../support/commands.ts';
import { execute } from '../support/host.ts';
import { bundleWithInside, exec, running, USER_NAMESPACE, withKey } from '../support/inside.ts';

for (const [where, change] of [
  ['the namespaces of the default', () => {}],
  ['a user namespace', USER_NAMESPACE],
] as const)
  t.test(`keys of the caller are not found inside: ${where}`, async (t) => {
    const bundle = running(t, change);
    const key = `tsrunc-${bundle.id}`;
    t.equal(withKey(bundle, key, 'exec', bundle.id, 'inside', 'find-key', key).stdout, 'none\n', 'exec');
    const rings = ['0', '0', '1000'].map((user) => exec(bundle, '--user', user, bundle.id, 'inside', 'keyring').stdout);
    t.match(rings[0], /^[1-9]\d*\n$/);
    if (isTsrunc) t.same(new Set(rings).size, 1, 'every exec joins the keyring of the container');
    const added = exec(bundle, bundle.id, 'inside', 'with-key', key, 'INSIDE', '/bin/inside', 'find-key', key);
    t.equal(added.stdout, 'INSIDE\n', 'the attempt can succeed');

    const other = bundleWithInside(t, change);
    other.config.process.args = ['inside', 'find-key', key];
    other.save();
    t.equal(withKey(other, key, 'run', other.id).stdout, 'none\n', 'run');
  });

t.test('a keyring belongs to one container', onlyTsrunc('names it by the id alone'), async (t) => {
  const [first, second] = [running(t), bundleWithInside(t)];
  (second as { id: string }).id = first.id;
  second.config.linux.cgroupsPath = `/${first.id}-second`;
  t.equal(create(second).status, 0);
  call(second, 'start', second.id);
  const ring = (bundle: Bundle) => exec(bundle, bundle.id, 'inside', 'keyring').stdout;
  t.not(ring(first), ring(second), 'the same id under another root');
  t.equal(ring(first), ring(first));
});

t.test("--no-new-keyring: the container and what joins it stay in their callers' keyrings", async (t) => {
  const bundle = running(t, () => {}, ['--no-new-keyring']);
  const key = `tsrunc-${bundle.id}`;
  t.equal(withKey(bundle, key, 'exec', bundle.id, 'inside', 'find-key', key).stdout, 'SECRET\n');
});

t.test('exec has the execution domain of the container', onlyTsrunc('1.1 knows none'), async (t) => {
  const bundle = running(t, (b) => (b.config.linux.personality = { domain: 'LINUX32' }));
  t.equal(exec(bundle, bundle.id, 'busybox', 'uname', '-m').stdout, 'i686\n');
});

t.test('a pid file follows no link, in the directory of whoever', async (t) => {
  const bundle = bundleWithInside(t);
  const victim = `${bundle.directory}/victim`;
  const directory = `${bundle.directory}/public`;
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  const attacked = (name: string): string => {
    writeFileSync(victim, 'precious');
    symlinkSync(victim, `${directory}/${name}`);
    symlinkSync(`${bundle.directory}/made`, `${directory}/${name}-dangling`);
    return `${directory}/${name}`;
  };
  const holds = (path: string, what: string) => {
    t.equal(readFileSync(victim, 'utf8'), 'precious', what);
    t.notOk(existsSync(`${bundle.directory}/made`), what);
    t.match(readFileSync(path, 'utf8'), /^\d+$/, what);
  };
  const created = attacked('create');
  t.equal(create(bundle, '--pid-file', created).status, 0);
  holds(created, 'the name itself');
  t.equal(Number(readFileSync(created, 'utf8')), state(bundle).pid);
  call(bundle, 'start', bundle.id);
  // The pid of the caller was guessed.
  const path = `${directory}/exec`;
  const line = `ln -s ${victim} ${directory}/.exec.$$; ln -s ${victim} ${directory}/.exec.$$.0;
    exec ${RUNTIME} ${bundle.args('exec', '--pid-file', path, bundle.id, 'true').join(' ')}`;
  const result = execute('bash', ['-c', line]);
  t.equal(result.status, 0, result.stderr);
  holds(path, 'its temporary name');
});

t.test('a log is not made through a link', onlyTsrunc('follows it'), async (t) => {
  const bundle = bundleWithInside(t);
  const log = `${bundle.directory}/log`;
  symlinkSync(`${bundle.directory}/made`, log);
  call(bundle, '--log', log, 'start', 'nosuch');
  execute(RUNTIME, ['--log', log, ...bundle.args('start', 'nosuch')]);
  t.notOk(existsSync(`${bundle.directory}/made`));
  writeFileSync(`${bundle.directory}/made`, '');
  execute(RUNTIME, ['--log', log, ...bundle.args('start', 'nosuch')]);
  t.match(readFileSync(log, 'utf8'), /does not exist/, 'one that is there is written to');
});
