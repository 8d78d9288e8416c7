// Hooks: when, where, with what, and what their failure does. config.md, POSIX-platform Hooks.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { execute, sh } from '../support/host.ts';

t.test('hooks: order, place, state', onlyTsrunc('1.1 runs poststart at create'), async (t) => {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.directory}/log`);
  const log = `${bundle.directory}/log/all`;
  const hook = (name: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `state=$(cat); echo "${name} $(readlink /proc/self/ns/uts) $X $state" >> ${log}`],
    env: [`X=${name}`, 'PATH=/bin:/usr/bin'],
  });
  bundle.config.root.readonly = false;
  bundle.config.hooks = {
    prestart: [hook('prestart')],
    createRuntime: [hook('createRuntime')],
    createContainer: [hook('createContainer')],
    startContainer: [
      { path: '/bin/sh', args: ['sh', '-c', 'echo "startContainer $(cat)" > /tmp/start'], env: ['PATH=/bin'] },
    ],
    poststart: [hook('poststart')],
    poststop: [hook('poststop')],
  };
  bundle.config.process.args = WAITING;
  t.equal(create(bundle).status, 0);
  const names = () =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
  t.same(names(), ['prestart', 'createRuntime', 'createContainer']);
  t.notOk(existsSync(`${bundle.rootfs}/tmp/start`));
  const { pid } = state(bundle);
  call(bundle, 'start', bundle.id);
  t.match(readFileSync(`${bundle.rootfs}/tmp/start`, 'utf8'), /^startContainer \{.*"status":"created".*"pid":1,/);
  call(bundle, 'delete', '--force', bundle.id);
  t.same(names(), ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']);
  const host = sh('readlink /proc/self/ns/uts').trim();
  for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
    const [name, namespace, variable, ...json] = line.split(' ');
    t.equal(namespace === host, name !== 'createContainer', `${name} is in the right namespaces`);
    t.equal(variable, name, 'its own environment');
    const given = JSON.parse(json.join(' '));
    const status = {
      prestart: 'creating',
      createRuntime: 'creating',
      createContainer: 'creating',
      poststart: 'running',
      poststop: 'stopped',
    }[name ?? ''];
    t.match(given, { id: bundle.id, status, bundle: bundle.directory });
    t.equal(given.pid, name === 'createContainer' ? 1 : name === 'poststop' ? given.pid : pid, `${name}: pid`);
  }
});

t.test('a hook that fails, takes too long, or is not there', async (t) => {
  for (const [name, message] of [
    ['prestart', /hook/],
    ['createRuntime', /hook/],
    ['createContainer', /hook/],
  ] as const)
    for (const hook of [
      { path: '/bin/false' },
      { path: '/no/such/hook' },
      { path: '/bin/sleep', args: ['sleep', '30'], timeout: 1 },
    ]) {
      const bundle = bundleFor(t);
      bundle.config.hooks = { [name]: [hook] };
      bundle.config.process.args = ['true'];
      const result = create(bundle);
      t.equal(result.status, 1, `${name} ${hook.path}`);
      t.match(result.stderr, message);
      t.same(bundle.leftovers(), [], `${name} ${hook.path}: nothing is left`);
      bundle.remove();
    }
});

t.test(
  'a poststart hook that fails stops the container; a poststop hook only warns',
  onlyTsrunc('1.1 leaves it running'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.process.args = WAITING;
    bundle.config.hooks = { poststart: [{ path: '/bin/false' }] };
    create(bundle);
    const started = call(bundle, 'start', bundle.id);
    t.equal(started.status, 1);
    t.match(started.stderr, /poststart hook \/bin\/false: it ended with exit status 1/);
    t.same(bundle.leftovers(), []);
    bundle.config.hooks = {
      poststop: [{ path: '/bin/false' }, { path: '/bin/sh', args: ['sh', '-c', `touch ${bundle.directory}/second`] }],
    };
    create(bundle);
    const deleted = call(bundle, 'delete', bundle.id);
    t.equal(deleted.status, 0);
    t.match(deleted.stderr, /level=warning msg="run the poststop hook \/bin\/false/);
    t.ok(existsSync(`${bundle.directory}/second`), 'the remaining hooks run');
  },
);

t.test('nobody joins a container that is being made', onlyTsrunc('has states of its own for this'), async (t) => {
  const bundle = bundleFor(t);
  const said = `${bundle.directory}/said`;
  const line = `for c in state 'exec'; do ${RUNTIME} --root ${bundle.root} $c ${bundle.id} $([ $c = exec ] && echo /bin/ls /); echo $?; done >${said} 2>&1`;
  const hook = { path: '/bin/sh', args: ['sh', '-c', line], env: [`PATH=${process.env['PATH']}`] };
  bundle.config.hooks = { prestart: [hook] };
  t.equal(bundle.run('true').status, 0);
  const text = readFileSync(said, 'utf8');
  t.notMatch(text, /"status": "(running|created)"/, 'its init is still in the root of the host');
  t.match(text, /cannot exec in a container that is still being created/);
});

/** The hook writes its directory and environment to the file; `cat` and `pwd` need none. */
const telling = (file: string, busybox = '/bin/busybox') => ({
  path: busybox,
  args: ['sh', '-c', `{ echo "$PWD"; ${busybox} env; } >${file}`],
});

t.test('hooks without an environment have that of their place; an empty one stays empty', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.root.readonly = false;
  bundle.config.process.env = ['PATH=/bin', 'OF=container', 'A=1', 'A=2'];
  const names = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const;
  bundle.config.hooks = {
    ...Object.fromEntries(names.map((name) => [name, [telling(`${bundle.directory}/${name}`)]])),
    startContainer: [telling('/tmp/startContainer')],
  };
  bundle.config.process.args = ['true'];
  bundle.save();
  const env = { ...process.env, OF: 'caller', LD_PRELOAD: '' };
  t.equal(execute(RUNTIME, bundle.args('run', bundle.id), { cwd: bundle.directory, env }).status, 0);
  const said = (path: string) => readFileSync(path, 'utf8').trim().split('\n');
  for (const name of names.filter((name) => name !== 'createContainer')) {
    const [place, ...variables] = said(`${bundle.directory}/${name}`);
    t.equal(place, bundle.directory, `${name}: in the bundle`);
    t.ok(variables.includes('OF=caller'), `${name}: the caller's environment`);
    t.ok(variables.includes('LD_PRELOAD='), `${name}: all of it`);
  }
  const [rootfs, ...created] = said(`${bundle.directory}/createContainer`);
  t.equal(rootfs, bundle.rootfs, 'createContainer: in the rootfs');
  t.ok(created.includes('OF=container') && created.includes('A=2') && !created.includes('A=1'));
  const started = said(`${bundle.rootfs}/tmp/startContainer`);
  t.ok(started.includes('OF=container') && started.includes('HOME=/root'), "startContainer: the program's");
  for (const name of names) bundle.config.hooks[name][0].env = [];
  bundle.config.hooks.startContainer[0].env = [];
  bundle.save();
  t.equal(execute(RUNTIME, bundle.args('run', bundle.id), { cwd: bundle.directory, env }).status, 0);
  const ofShell = /^(PATH|PWD|SHLVL|OLDPWD|_)=/;
  for (const name of ['prestart', 'poststop', 'createContainer'])
    t.same(
      said(`${bundle.directory}/${name}`)
        .slice(1)
        .filter((line) => !ofShell.test(line)),
      [],
      `${name}: empty`,
    );
  t.same(
    said(`${bundle.rootfs}/tmp/startContainer`)
      .slice(1)
      .filter((line) => !ofShell.test(line)),
    [],
  );
});
