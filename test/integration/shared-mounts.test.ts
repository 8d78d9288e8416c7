// A container without a mount namespace of its own: its mounts are made in ours. config-linux.md, Namespaces.
import { readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc } from '../support/bundle.ts';
import { call, create, WAITING } from '../support/commands.ts';
import { hostMounts } from '../support/host.ts';

t.test(
  'without a mount namespace nothing of the container stays on the host',
  onlyTsrunc('leaves its mounts'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'mount');
    const table = () =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ').slice(2, 7).join(' '))
        .sort();
    const before = table();
    bundle.config.process.args = WAITING;
    t.equal(create(bundle).status, 0);
    t.equal(call(bundle, 'start', bundle.id).status, 0);
    const inside = call(
      bundle,
      'exec',
      bundle.id,
      'sh',
      '-c',
      'readlink /proc/self/ns/mnt; ls -d /usr; echo x > /file',
    );
    t.equal(inside.stdout.split('\n')[0], readlinkSync('/proc/self/ns/mnt'));
    t.match(inside.stderr, /\/usr: No such file.*Read-only file system/s, 'the root is the rootfs, and read-only');
    t.ok(hostMounts(bundle.rootfs).length > 5);
    t.equal(call(bundle, 'mounts', 'add', bundle.id, '/dev/null').status, 1);
    t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
    t.same(table(), before);
    bundle.config.process.args = ['nope'];
    t.equal(bundle.runAsIs().status, 1);
    t.same(table(), before, 'nor of one that fails');
    t.same(bundle.leftovers(), []);
  },
);
