// mounts add and mounts remove: bind mounts of a running container.
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync, existsSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, type Bundle } from '../support/bundle.ts';
import { call, create, WAITING } from '../support/commands.ts';
import { hostMounts } from '../support/host.ts';

const ONLY = onlyTsrunc('has no such command');

function started(t: Parameters<typeof bundleFor>[0]): Bundle {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  bundle.config.root.readonly = false;
  mkdirSync(`${bundle.directory}/data/below`, { recursive: true });
  writeFileSync(`${bundle.directory}/data/file`, 'hello');
  t.equal(create(bundle).status, 0);
  t.equal(call(bundle, 'start', bundle.id).status, 0);
  return bundle;
}

function mounts(bundle: Bundle, action: string, list: unknown) {
  const file = `${bundle.directory}/mounts.json`;
  writeFileSync(file, JSON.stringify(list));
  return call(bundle, 'mounts', action, bundle.id, file);
}

const inside = (bundle: Bundle, script: string) => call(bundle, 'exec', bundle.id, 'sh', '-c', script);

t.test('add, then remove', ONLY, async (t) => {
  const bundle = started(t);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${bundle.directory}/data/below`]);
  t.teardown(() => execFileSync('umount', [`${bundle.directory}/data/below`]));
  writeFileSync(`${bundle.directory}/data/below/deep`, 'deep');
  const before = hostMounts(bundle.directory).length;
  const list = [
    { destination: '/mnt/tree', type: 'bind', source: 'data', options: ['rbind', 'ro', 'nosuid'] },
    { destination: '/mnt/file', source: `${bundle.directory}/data/file`, options: ['bind'] },
  ];
  t.match(mounts(bundle, 'add', list), { status: 0, stderr: '' });
  t.equal(inside(bundle, 'cat /mnt/tree/file /mnt/tree/below/deep /mnt/file').stdout, 'hellodeephello');
  t.match(inside(bundle, 'echo x > /mnt/tree/file').stderr, /Read-only/);
  t.match(inside(bundle, 'grep " /mnt/tree " /proc/self/mountinfo').stdout, / ro,nosuid/);
  t.equal(hostMounts(bundle.directory).length, before, 'the host has no mount more');
  t.match(mounts(bundle, 'remove', { mounts: list }), { status: 0, stderr: '' });
  t.equal(inside(bundle, 'grep -c /mnt /proc/self/mountinfo').stdout, '0\n');
});

t.test('more than go to the helper at once', ONLY, async (t) => {
  const bundle = started(t);
  const list = [...Array(130)].map((_, i) => ({ destination: `/mnt/${i}`, source: 'data/file', options: ['bind'] }));
  t.match(mounts(bundle, 'add', list), { status: 0, stderr: '' });
  t.equal(inside(bundle, 'grep -c " /mnt/" /proc/self/mountinfo; cat /mnt/0 /mnt/129').stdout, '130\nhellohello');
  t.match(mounts(bundle, 'remove', list), { status: 0, stderr: '' });
  t.equal(inside(bundle, 'grep -c " /mnt/" /proc/self/mountinfo').stdout, '0\n');
});

t.test('what is refused', ONLY, async (t) => {
  const bundle = started(t);
  const refused = (action: string, list: unknown, words: RegExp) => {
    const result = mounts(bundle, action, list);
    t.equal(result.status, 1);
    t.match(result.stderr, words);
  };
  refused('add', [{ destination: '/mnt', type: 'tmpfs' }], /only bind mounts/);
  refused('remove', [{ destination: '/' }], /root of the container stays/);
  refused('remove', [{ destination: '/bin' }], /unmount \/bin: EINVAL/);
  refused('add', [{ destination: '/mnt', source: '/nix/x', options: ['bind'] }], /open \/nix\/x.*ENOENT/);
  refused('add', [{ destination: 3 }], /\/mounts\/0/);
  refused('add', 'text', /neither a list of mounts/);
  refused('swap', [], /the action is add or remove/);
  t.equal(inside(bundle, 'ls /bin/sh').status, 0, 'it lives on');
});

t.test('a link of the rootfs leads nowhere outside', ONLY, async (t) => {
  const bundle = started(t);
  symlinkSync('/etc', `${bundle.rootfs}/out`);
  const name = `tsrunc-${process.pid}`;
  t.equal(
    mounts(bundle, 'add', [{ destination: `/out/${name}`, source: `${bundle.directory}/data`, options: ['bind'] }])
      .status,
    0,
  );
  t.notOk(existsSync(`/etc/${name}`));
  t.equal(inside(bundle, `cat /etc/${name}/file`).stdout, 'hello');
});
