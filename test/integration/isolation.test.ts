// What a container must not get hold of: the keys of who calls, files of who calls, descriptors, and processes of ours that can do more
// than it can.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { execute, type Result } from '../support/host.ts';

type Test = Parameters<typeof bundleFor>[0];

const INSIDE = `${process.cwd()}/build/test/inside`;

/** A bundle with test/support/inside.cc in it. */
function bundleWithInside(t: Test, change: (bundle: Bundle) => void = () => {}): Bundle {
  const bundle = bundleFor(t);
  copyFileSync(INSIDE, `${bundle.rootfs}/bin/inside`);
  bundle.config.root.readonly = false;
  bundle.config.process.args = WAITING;
  change(bundle);
  return bundle;
}

function running(t: Test, change: (bundle: Bundle) => void = () => {}, flags: string[] = []): Bundle {
  const bundle = bundleWithInside(t, change);
  const created = create(bundle, ...flags);
  if (created.status !== 0) throw new Error(created.stderr);
  const started = call(bundle, 'start', bundle.id);
  if (started.status !== 0) throw new Error(started.stderr);
  return bundle;
}

const exec = (bundle: Bundle, ...args: string[]): Result => call(bundle, 'exec', ...args);

const USER_NAMESPACE = (bundle: Bundle) => {
  bundle.config.linux.namespaces.push({ type: 'user' });
  bundle.config.linux.uidMappings = bundle.config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
};

/** A call by a caller who has a key in his session keyring. */
function withKey(bundle: Bundle, name: string, ...args: string[]): Result {
  return execute(INSIDE, ['with-key', name, 'SECRET', RUNTIME, ...bundle.args(...args)], { cwd: bundle.directory });
}

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
