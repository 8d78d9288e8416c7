// Hooks: when, where, with what, and what their failure does. config.md, POSIX-platform Hooks.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { call, create, state, WAITING } from '../support/commands.ts';
import { sh } from '../support/host.ts';

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
  t.match(text, /cannot exec in a stopped container/);
});
