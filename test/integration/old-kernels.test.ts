// What tsrunc does where the kernel lacks the new system calls: the same containers, by mount(2) and a walk of our own.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { execute } from '../support/host.ts';

const DENY = 'build/test/deny-syscalls';

const KERNELS: [string, string][] = [
  ['without openat2', 'openat2'],
  ['without the mount API', 'fsopen,fsconfig,fsmount,open_tree,move_mount,mount_setattr'],
  ['without close_range and faccessat2', 'close_range,faccessat2'],
  ['without any of them', 'openat2,fsopen,fsconfig,fsmount,open_tree,move_mount,mount_setattr,close_range,faccessat2'],
];

t.test('old kernels', onlyTsrunc('what it lacks there is its own affair'), async (t) => {
  for (const [name, denied] of KERNELS) {
    const bundle = bundleFor(t);
    const outside = `${bundle.directory}/outside`;
    mkdirSync(outside);
    mkdirSync(`${bundle.rootfs}/var`);
    writeFileSync(`${bundle.rootfs}/var/file`, 'up');
    symlinkSync(`../../../../../../../..${outside}`, `${bundle.rootfs}/mnt`);
    symlinkSync('../run/there/resolv', `${bundle.rootfs}/etc/resolv.conf`);
    writeFileSync(`${bundle.directory}/bound`, 'bound');
    bundle.config.root.readonly = true;
    bundle.config.process.user = { uid: 0, gid: 0 };
    bundle.config.mounts.push(
      { destination: '/mnt/x', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'ro'] },
      { destination: '/etc/resolv.conf', source: 'bound', options: ['bind', 'ro', 'noexec'] },
      { destination: '/var', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=1m'] },
      { destination: '/tmp', source: `${bundle.directory}/outside`, options: ['rbind', 'rprivate', 'nosuid'] },
    );
    bundle.config.linux.maskedPaths.push('/var/file');
    bundle.config.process.args = [
      'sh',
      '-c',
      'cat /etc/resolv.conf; cat /var/file; ls /sys/firmware; touch /x; echo > /etc/resolv.conf; echo 1 > /proc/sys/vm/drop_caches;' +
        'grep -E " (/tmp|/etc/resolv.conf|/proc/sys|/run/there/resolv) " /proc/self/mountinfo | cut -d" " -f5,6; touch /tmp/made; ls /proc/1/fd; true',
    ];
    bundle.save();
    const command = [denied, RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)];
    const result = execute(DENY, command);
    t.equal(result.status, 0, `${name}: ${result.stderr}`);
    t.match(result.stdout, /^bound\/tmp [^\n]*nosuid|^bound/, name);
    t.match(result.stdout, /\/run\/there\/resolv ro,noexec/, `${name}: a bind mount with its attributes, inside`);
    t.match(result.stdout, /\/proc\/sys ro/, name);
    t.match(result.stdout, /\n0\n1\n2\n$/, `${name}: no descriptor is left`);
    t.equal((result.stderr.match(/Read-only file system/g) ?? []).length, 3, `${name}: ${result.stderr}`);
    t.same(
      execute('ls', [outside]).stdout,
      'made\n',
      `${name}: only what the container wrote through its own mount is there`,
    );
    t.same(bundle.leftovers(), [], name);
  }
});

t.test('a hostile rootfs on an old kernel', onlyTsrunc('see above'), async (t) => {
  const bundle = bundleFor(t);
  execute('rm', ['-r', `${bundle.rootfs}/proc`]);
  symlinkSync('/tmp', `${bundle.rootfs}/proc`);
  bundle.config.process.args = ['true'];
  bundle.save();
  const result = execute(DENY, ['openat2', RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)]);
  t.equal(result.status, 1);
  t.match(result.stderr, /ELOOP/);
});
