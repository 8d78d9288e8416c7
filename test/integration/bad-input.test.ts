// Bad input: one clear message that names the thing, exit status 1, and nothing left. runtime.md, Errors.
import { mkdirSync, rmSync, symlinkSync, writeFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { execute, sh } from '../support/host.ts';

type Change = (bundle: Bundle) => void;

/** What is changed in a good bundle, and what the message must say. */
const CONFIGS: [string, Change, RegExp][] = [
  ['no root', (b) => delete b.config.root, /\/root: root is required/],
  ['a missing rootfs', (b) => (b.config.root.path = 'nowhere'), /nowhere: no such directory/],
  ['a rootfs that is a file', (b) => (b.config.root.path = 'config.json'), /config\.json is not a directory/],
  ['no process', (b) => delete b.config.process, /\/process: process is required to start/],
  ['no args', (b) => (b.config.process.args = []), /\/process\/args: .* at least one entry/],
  ['args of a wrong type', (b) => (b.config.process.args = 'sh'), /\/process\/args: .*: found "sh"/],
  ['a relative cwd', (b) => (b.config.process.cwd = 'x'), /\/process\/cwd: .* absolute/],
  ['an unknown program', (b) => (b.config.process.args = ['x']), /exec: "x": executable file not found in \$PATH/],
  [
    'a missing program',
    (b) => (b.config.process.args = ['/bin/x']),
    /exec: "\/bin\/x": ENOENT: no such file or directory/,
  ],
  ['a directory as program', (b) => (b.config.process.args = ['/etc']), /exec: "\/etc": EACCES: permission denied/],
  [
    'an unknown filesystem',
    (b) => b.config.mounts.push({ destination: '/x', type: 'nofs', source: 'x' }),
    /mount nofs on \/x: ENODEV/,
  ],
  [
    'a bad filesystem option',
    (b) => b.config.mounts.push({ destination: '/x', type: 'tmpfs', source: 'x', options: ['size=moon'] }),
    /mount tmpfs on \/x with size=moon: EINVAL: .*Bad value for 'size'/,
  ],
  [
    'a missing bind source',
    (b) => b.config.mounts.push({ destination: '/x', source: '/nowhere', options: ['bind'] }),
    /bind \/nowhere on \/x .*ENOENT/,
  ],
  [
    'duplicate namespaces',
    (b) => b.config.linux.namespaces.push({ type: 'pid' }),
    /\/linux\/namespaces\/\d+\/type: namespaces must not name a type twice/,
  ],
  ['an unknown namespace', (b) => b.config.linux.namespaces.push({ type: 'moon' }), /type is one of pid, network/],
  [
    'a namespace path that does not exist',
    (b) => (b.config.linux.namespaces = [{ type: 'mount' }, { type: 'uts' }, { type: 'pid', path: '/nowhere' }]),
    /open the pid namespace \/nowhere: ENOENT/,
  ],
  [
    'a namespace path of another type',
    (b) =>
      (b.config.linux.namespaces = [
        { type: 'mount' },
        { type: 'uts' },
        { type: 'network', path: '/proc/self/ns/uts' },
      ]),
    /join the network namespace .*EINVAL/,
  ],
  [
    'duplicate rlimits',
    (b) => b.config.process.rlimits.push(b.config.process.rlimits[0]),
    /rlimits must not name a resource twice/,
  ],
  [
    'an unknown rlimit',
    (b) => b.config.process.rlimits.push({ type: 'RLIMIT_X', soft: 1, hard: 1 }),
    /resource of getrlimit/,
  ],
  ["a host's kernel parameter", (b) => (b.config.linux.sysctl = { 'vm.swappiness': '1' }), /would change the host/],
  [
    'a hostname without uts namespace',
    (b) => (b.config.linux.namespaces = [{ type: 'mount' }]),
    /\/hostname: hostname needs a uts namespace/,
  ],
  ['a wrong version', (b) => (b.config.ociVersion = '2.0.0'), /\/ociVersion: tsrunc knows versions 1\.x/],
  [
    'an unknown seccomp architecture',
    (b) => (b.config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_PDP11'] }),
    /an architecture of libseccomp/,
  ],
  [
    'an errno for an action without one',
    (b) => (b.config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 3 }),
    /SCMP_ACT_ALLOW takes no errno/,
  ],
  [
    'what is not done yet',
    (b) => (b.config.linux.memoryPolicy = { mode: 'MPOL_LOCAL' }),
    /memoryPolicy: is not supported by this version of tsrunc yet/,
  ],
];

t.test('configurations', onlyTsrunc('has other words'), async (t) => {
  for (const [name, change, message] of CONFIGS) {
    const bundle = bundleFor(t);
    bundle.config.process.args = ['true'];
    change(bundle);
    const result = bundle.runAsIs();
    t.equal(result.status, 1, name);
    t.match(result.stderr, message, name);
    t.match(result.stderr, new RegExp(`tsrunc: run ${bundle.id}: `), `${name}: names the command and the container`);
    t.same(bundle.leftovers(), [], `${name}: nothing is left`);
    bundle.remove();
  }
});

t.test('broken JSON says where', onlyTsrunc('has other words'), async (t) => {
  const bundle = bundleFor(t);
  writeFileSync(`${bundle.directory}/config.json`, '{\n  "ociVersion": "1.0.0",\n  "root" {}\n}');
  const result = execute(RUNTIME, bundle.args('run', bundle.id), { cwd: bundle.directory });
  t.equal(result.status, 1);
  t.match(result.stderr, /config\.json is not JSON \(line 3, column \d+\)/);
  rmSync(`${bundle.directory}/config.json`);
  t.match(
    execute(RUNTIME, bundle.args('run', bundle.id), { cwd: bundle.directory }).stderr,
    /cannot read .*config\.json: ENOENT/,
  );
});

t.test('ids', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  for (const id of ['../x', 'a b', '.', '..', 'a/b', 'ä']) {
    const result = execute(RUNTIME, bundle.args('run', id), { cwd: bundle.directory });
    t.equal(result.status, 1, id);
    t.match(result.stderr, /invalid container ID format|invalid id format/, id);
  }
  t.not(execute(RUNTIME, bundle.args('run', ''), { cwd: bundle.directory }).status, 0, 'an empty id');
  t.not(execute(RUNTIME, bundle.args('run'), { cwd: bundle.directory }).status, 0, 'no id');
});

t.test('an id in use', async (t) => {
  const bundle = bundleFor(t);
  bundle.run('exec >/dev/null 2>&1; while :; do sleep 0.1; done', {
    flags: ['-d', '--pid-file', `${bundle.directory}/pid`],
  });
  const second = bundle.runAsIs();
  t.equal(second.status, 1);
  t.match(second.stderr, /already exists/);
  const pid = sh(`cat ${bundle.directory}/pid`);
  t.equal(sh(`cat /proc/${pid}/comm`), 'sh\n', 'the first goes on');
  process.kill(Number(pid), 'SIGKILL');
});

t.test('usage', onlyTsrunc('has other words'), async (t) => {
  for (const args of [
    ['moon'],
    ['run'],
    ['run', '--moon', 'x'],
    ['run', 'a', 'b'],
    ['--log-format', 'xml', 'spec'],
    ['plan', '--format', 'x'],
  ]) {
    const result = execute(RUNTIME, args);
    t.equal(result.status, 1, args.join(' '));
    t.match(result.stderr, /tsrunc: /, args.join(' '));
  }
  t.equal(execute(RUNTIME, ['--version']).status, 0);
  t.match(execute(RUNTIME, ['help']).stdout, /run .*create a container/);
});

t.test('a failure in a JSON log is one line', onlyTsrunc('writes more than one'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['nope'];
  const log = `${bundle.directory}/log`;
  const result = bundle.runAsIs({ global: ['--log', log, '--log-format', 'json'] });
  const lines = sh(`cat ${log}`).trim().split('\n');
  t.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? '') as { level: string; msg: string; time: string };
  t.equal(line.level, 'error');
  t.match(line.msg, /executable file not found in \$PATH/);
  t.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  t.match(result.stderr, line.msg, 'the same text on standard error');
});

t.test('a log that cannot be written: before anything is done', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  const result = bundle.runAsIs({ global: ['--log', '/nowhere/at/all'] });
  t.equal(result.status, 1);
  t.match(result.stderr, /open .*\/nowhere\/at\/all/);
  t.match(result.stderr, /no such file or directory/);
  t.equal(execute(RUNTIME, ['--log', '/nowhere/at/all', ...bundle.args('list')]).status, 1);
  t.same(bundle.leftovers(), []);
});

/** A rootfs is not to be trusted: whatever it links to, nothing outside may change. */
const HOSTILE: [string, (b: Bundle, outside: string) => void, 'fails' | 'runs'][] = [
  ['/proc is a link', (b, outside) => replaceByLink(b, 'proc', outside), 'fails'],
  ['/proc is a link inside', (b) => replaceByLink(b, 'proc', '/tmp'), 'fails'],
  ['/sys is a link', (b, outside) => replaceByLink(b, 'sys', outside), 'fails'],
  ['/dev is a link', (b, outside) => replaceByLink(b, 'dev', outside), 'runs'],
  ['/dev is a climbing link', (b, outside) => replaceByLink(b, 'dev', `../../../../../..${outside}`), 'runs'],
  ['/dev/console is a link', (b, outside) => symlinkSync(`${outside}/console`, `${b.rootfs}/dev/console`), 'runs'],
  [
    'a mount point is a link',
    (b, outside) => {
      symlinkSync(outside, `${b.rootfs}/mnt`);
      b.config.mounts.push({ destination: '/mnt/x', type: 'tmpfs', source: 'tmpfs' });
    },
    'runs',
  ],
  [
    'the working directory is a link',
    (b, outside) => {
      symlinkSync(outside, `${b.rootfs}/work`);
      b.config.process.cwd = '/work/sub';
    },
    'runs',
  ],
  [
    'a device is on a link',
    (b, outside) => {
      symlinkSync(outside, `${b.rootfs}/opt`);
      b.config.linux.devices = [{ path: '/opt/null', type: 'c', major: 1, minor: 3 }];
    },
    'runs',
  ],
];

function replaceByLink(bundle: Bundle, name: string, target: string): void {
  rmSync(`${bundle.rootfs}/${name}`, { recursive: true });
  symlinkSync(target, `${bundle.rootfs}/${name}`);
}

t.test('a hostile rootfs', onlyTsrunc('1.1 follows some of these links'), async (t) => {
  for (const [name, change, outcome] of HOSTILE) {
    const bundle = bundleFor(t);
    const outside = `${bundle.directory}/outside`;
    mkdirSync(outside);
    writeFileSync(`${outside}/file`, 'untouched');
    change(bundle, outside);
    const result = bundle.run('echo on');
    t.same(readdirSync(outside), ['file'], `${name}: nothing is made outside`);
    if (outcome === 'fails') t.match(result.stderr, /symbolic link/, name);
    else t.equal(result.stdout, 'on\n', `${name}: ${result.stderr}`);
    t.same(bundle.leftovers(), [], `${name}: nothing is left`);
    bundle.remove();
  }
});

t.test('leaked descriptors are no way out', onlyTsrunc('1.1 lets some of them through'), async (t) => {
  const bundle = bundleFor(t);
  for (let fd = 3; fd < 24; fd++) {
    bundle.config.process.cwd = `/proc/self/fd/${fd}`;
    bundle.config.process.args = ['ls', '-d', 'config.json'];
    const result = bundle.runAsIs();
    t.not(result.status, 0, `cwd /proc/self/fd/${fd}`);
    t.equal(result.stdout, '');
  }
  bundle.config.process.cwd = '/';
  bundle.config.process.args = ['sh', '-c', 'ls /proc/self/fd'];
  bundle.save();
  // The caller leaks a directory of the host to us.
  const line = `exec 9</; exec ${RUNTIME} ${bundle.args('run', bundle.id).join(' ')}`;
  t.equal(execute('bash', ['-c', line], { cwd: bundle.directory }).stdout, '0\n1\n2\n3\n');
});

t.test('a null device that is none is not used to mask', onlyTsrunc('1.1 binds what stands there'), async (t) => {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.directory}/dev`);
  writeFileSync(`${bundle.directory}/secret`, 'secret');
  symlinkSync('/secret', `${bundle.directory}/dev/null`);
  writeFileSync(`${bundle.rootfs}/secret`, 'in the image');
  bundle.config.mounts = bundle.config.mounts.filter((m: { destination: string }) => !m.destination.startsWith('/dev'));
  bundle.config.mounts.push({ destination: '/dev', source: 'dev', options: ['bind'] });
  bundle.config.linux.maskedPaths = ['/proc/keys'];
  const result = bundle.run('cat /proc/keys');
  t.equal(result.status, 1);
  t.match(result.stderr, /mask \/proc\/keys: ENODEV: .*not the null device/);
});
