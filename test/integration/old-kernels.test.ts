// What tsrunc does where newer system calls are not to be had: on an older kernel (ENOSYS), and below a seccomp filter that is older than
// the calls are (EPERM). The same containers; or a refusal in words, where the older way could not be as safe.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { execute, sh } from '../support/host.ts';
import { command, live, prepare, said } from '../support/life.ts';

const DENY = 'build/test/deny-syscalls';
const MOUNT_API = 'open_tree,move_mount,fsopen,fsconfig,fsmount,fspick';
// Which Linux each call came with: the manual pages.
const SINCE_5_5 = 'openat2,pidfd_getfd,close_range,faccessat2,mount_setattr,epoll_pwait2';
const SINCE_4_19 = `${SINCE_5_5},${MOUNT_API},pidfd_open,pidfd_send_signal,clone3`;

const ALONE = (
  'openat2 fsopen fsmount open_tree move_mount mount_setattr clone3 pidfd_open pidfd_send_signal close_range statx faccessat2 ' +
  'keyctl bpf'
).split(' ');
const SETS: readonly (readonly [string, string])[] = [
  ['Linux 5.4', SINCE_5_5],
  ['Linux 4.18', SINCE_4_19],
  ['Linux 4.18 with clone3', SINCE_4_19.replace(',clone3', '')],
  ['Linux 4.18 without statx', `${SINCE_4_19},statx`],
];

type Way = 'ENOSYS' | 'EPERM';

const isCold = process.env['TSRUNC_PLANNER'] === 'off';

/** What cannot be as safe, or not at all, and is refused; the words say why. */
const REFUSED: readonly { way: Way; call: string; words: RegExp }[] = [
  // The C library of Node goes on after ENOSYS alone: no thread can be made. A planner has made its threads outside.
  ...(isCold
    ? [{ way: 'EPERM', call: 'clone3', words: /a seccomp filter answers clone3\(2\) with EPERM/ } as const]
    : []),
  // The container would stay in the session keyring of its caller.
  { way: 'EPERM', call: 'keyctl', words: /EPERM: operation not permitted \(keyctl\)/ },
];

const isRefused = (way: Way, calls: string) =>
  REFUSED.find((refused) => refused.way === way && calls.split(',').includes(refused.call))?.words;

function refuse(t: Test, way: Way, calls: string, words: RegExp): void {
  const bundle = prepare(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const result = command([DENY, way, calls], bundle, 'run', '-b', bundle.directory, bundle.id);
  t.equal(result.status, 1);
  t.match(said(bundle), words);
  t.same(bundle.leftovers(), []);
}

const rows = [...ALONE.map((call) => [call, call] as const), ...SETS];
const only = onlyTsrunc('what it does there is its own affair');

for (const way of ['ENOSYS', 'EPERM'] as const)
  for (const [name, calls] of rows)
    t.test(`${name}: ${way}`, only, async (t) => {
      const words = isRefused(way, calls);
      if (words !== undefined) refuse(t, way, calls, words);
      else await live(t, [DENY, way, calls]);
    });

t.test('links of the rootfs are followed inside it, without openat2', only, async (t) => {
  for (const way of ['ENOSYS', 'EPERM'] as const) {
    const bundle = prepare(t);
    mkdirSync(`${bundle.rootfs}/var`);
    writeFileSync(`${bundle.rootfs}/var/file`, 'up');
    symlinkSync(`../../../../../../../..${bundle.directory}/outside`, `${bundle.rootfs}/mnt`);
    symlinkSync('../run/there/resolv', `${bundle.rootfs}/etc/resolv.conf`);
    bundle.config.root.readonly = true;
    bundle.config.mounts.push(
      { destination: '/mnt/x', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'ro'] },
      { destination: '/etc/resolv.conf', source: 'bound', options: ['bind', 'ro', 'noexec'] },
      { destination: '/var', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=1m'] },
      { destination: '/srv', source: `${bundle.directory}/outside`, options: ['rbind', 'rprivate', 'nosuid'] },
    );
    bundle.config.linux.maskedPaths.push('/var/file');
    bundle.config.process.args = [
      'sh',
      '-c',
      'cat /etc/resolv.conf /var/file; touch /x; touch /srv/made; grep -oE "/run/there/resolv ro[^ ]*" /proc/self/mountinfo; true',
    ];
    bundle.save();
    const ran = execute(DENY, [way, SINCE_4_19, RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)]);
    if (way === 'EPERM') continue; // clone3 is among them
    t.equal(ran.status, 0, ran.stderr);
    t.match(ran.stdout, /^bound\/run\/there\/resolv ro,noexec/);
    t.match(ran.stderr, /Read-only file system/);
    t.same(sh(`ls ${bundle.directory}/outside`), 'made\n', 'only what was written through its own mount is there');
    t.same(bundle.leftovers(), []);
  }
});

t.test('what mount(2) cannot do is refused, not left out', only, async (t) => {
  const bundle = prepare(t);
  bundle.config.mounts.push({ destination: '/srv', source: bundle.directory, options: ['rbind', 'rro'] });
  const deny = (way: Way) =>
    execute(DENY, [way, 'mount_setattr', RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)]);
  bundle.config.process.args = ['true'];
  bundle.save();
  for (const way of ['ENOSYS', 'EPERM'] as const) {
    const result = deny(way);
    t.equal(result.status, 1);
    t.match(result.stderr, /mount_setattr/);
  }
});

t.test('a hostile rootfs without openat2', only, async (t) => {
  for (const way of ['ENOSYS', 'EPERM'] as const) {
    const bundle = bundleFor(t);
    execute('rm', ['-r', `${bundle.rootfs}/proc`]);
    symlinkSync('/tmp', `${bundle.rootfs}/proc`);
    bundle.config.process.args = ['true'];
    bundle.save();
    const result = execute(DENY, [way, 'openat2', RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)]);
    t.equal(result.status, 1);
    t.match(result.stderr, /ELOOP/);
  }
});

t.test('a link onto /dev is refused also where statx(2) tells of no mount', only, async (t) => {
  const bundle = bundleFor(t);
  symlinkSync('/dev', `${bundle.rootfs}/alias`);
  bundle.config.mounts.push({ destination: '/alias', type: 'tmpfs', source: 'tmpfs' });
  bundle.config.process.args = ['true'];
  bundle.save();
  for (const calls of ['statx', 'statx,openat2'])
    for (const way of ['ENOSYS', 'EPERM'] as const) {
      const result = execute(DENY, [way, calls, RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)]);
      t.equal(result.status, 1);
      t.match(result.stderr, /a symbolic link of the rootfs leads it to \/dev/);
    }
});
