// The container's root: mounts, devices, masks, parameters. config.md, Mounts; config-linux.md; runtime-linux.md.
import { chmodSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, type Bundle } from '../support/bundle.ts';

/** The fields of the last mount on `target` in the container: mount options, optional fields, type, superblock options. */
function mountOf(bundle: Bundle, target: string): { options: string[]; optional: string; type: string; line: string } {
  const lines = bundle
    .run('cat /proc/self/mountinfo')
    .stdout.split('\n')
    .filter((line) => line.split(' ')[4] === target);
  const line = lines.at(-1) ?? '';
  const [before = '', after = ''] = line.split(' - ');
  const fields = before.split(' ');
  return {
    options: (fields[5] ?? '').split(','),
    optional: fields.slice(6).join(' '),
    type: after.split(' ')[0] ?? '',
    line,
  };
}

t.test('default filesystems', async (t) => {
  const bundle = bundleFor(t);
  const { stdout } = bundle.run('cat /proc/self/mountinfo');
  for (const [target, type] of [
    ['/proc', 'proc'],
    ['/dev', 'tmpfs'],
    ['/dev/pts', 'devpts'],
    ['/dev/shm', 'tmpfs'],
    ['/dev/mqueue', 'mqueue'],
    ['/sys', 'sysfs'],
  ] as const)
    t.match(stdout, new RegExp(` ${target} .* - ${type} `), target);
});

t.test('devices and links', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.devices = [
    { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o640, uid: 3, gid: 4 },
    { path: '/dev/pipe', type: 'p', fileMode: 0o600 },
    { path: '/opt/deep/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
  ];
  const { stdout } = bundle.run(
    'for d in null zero full random urandom tty fuse pipe; do stat -c "%n %F %t:%T %a %u:%g" /dev/$d; done; stat -c "%n %t:%T" /opt/deep/null;' +
      'for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done; echo x > /dev/null && head -c 3 /dev/zero | od -An -tx1',
  );
  t.match(stdout, '/dev/null character special file 1:3 666 0:0');
  t.match(stdout, '/dev/zero character special file 1:5 666 0:0');
  t.match(stdout, '/dev/full character special file 1:7 666 0:0');
  t.match(stdout, '/dev/random character special file 1:8 666 0:0');
  t.match(stdout, '/dev/urandom character special file 1:9 666 0:0');
  t.match(stdout, '/dev/tty character special file 5:0 666 0:0');
  t.match(stdout, '/dev/fuse character special file a:e5 640 3:4');
  t.match(stdout, '/dev/pipe fifo 0:0 600 0:0');
  t.match(stdout, '/opt/deep/null 1:3');
  t.match(stdout, '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n 00 00 00');
});

t.test(
  "a file that is in a device's place and is not it",
  onlyTsrunc('1.1 leaves the file, against config-linux.md, Devices'),
  async (t) => {
    const bundle = bundleFor(t);
    mkdirSync(`${bundle.rootfs}/opt`);
    writeFileSync(`${bundle.rootfs}/opt/null`, 'a file');
    bundle.config.linux.devices = [{ path: '/opt/null', type: 'c', major: 1, minor: 3 }];
    const result = bundle.run('true');
    t.not(result.status, 0);
    t.same(bundle.leftovers(), []);
  },
);

t.test('mount options reach the mount', async (t) => {
  const bundle = bundleFor(t);
  const cases: [string[], string[]][] = [
    [
      ['ro', 'nosuid', 'nodev', 'noexec'],
      ['ro', 'nosuid', 'nodev', 'noexec'],
    ],
    [
      ['noatime', 'nodiratime'],
      ['noatime', 'nodiratime'],
    ],
    [['strictatime'], []],
    [['ro', 'rw'], ['rw']],
    [['nosuid', 'suid', 'nodev', 'dev'], []],
  ];
  for (const [given, wanted] of cases) {
    const config = structuredClone(bundle.config);
    bundle.config.mounts.push({
      destination: '/mnt/a',
      type: 'tmpfs',
      source: 'tmpfs',
      options: [...given, 'size=1m'],
    });
    const { options } = mountOf(bundle, '/mnt/a');
    bundle.config = config;
    for (const option of wanted)
      t.ok(options.includes(option), `${given.join(',')} gives ${option}: ${options.join(',')}`);
    if (given.includes('strictatime')) t.notOk(options.includes('relatime'), 'strictatime shows as no atime option');
    if (given.includes('suid')) t.notOk(options.includes('nosuid') || options.includes('nodev'));
  }
});

t.test('bind mounts: files, directories, read-only', async (t) => {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.directory}/data/sub`, { recursive: true });
  writeFileSync(`${bundle.directory}/data/file`, 'content');
  bundle.config.mounts.push(
    { destination: '/data', type: 'bind', source: 'data', options: ['bind', 'ro', 'nosuid'] },
    { destination: '/etc/one', source: `${bundle.directory}/data/file`, options: ['rbind', 'rw'] },
  );
  const result = bundle.run('cat /data/file /etc/one; touch /data/x; echo more > /etc/one');
  t.equal(result.stdout, 'contentcontent');
  t.match(result.stderr, /Read-only file system/);
  t.equal(readFileSync(`${bundle.directory}/data/file`, 'utf8'), 'more\n');
  t.ok(mountOf(bundle, '/data').options.includes('nosuid'));
});

t.test('recursive attributes', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.mounts.push({ destination: '/tree', source: '/dev', options: ['rbind', 'rro', 'rnosuid'] });
  const { stdout } = bundle.run('cat /proc/self/mountinfo');
  const below = stdout.split('\n').filter((line) => /^\/tree/.test(line.split(' ')[4] ?? ''));
  t.ok(below.length > 1, 'the host has mounts below /dev');
  for (const line of below) t.match(line.split(' ')[5], /^ro,.*nosuid/, line);
});

t.test('tmpcopyup', async (t) => {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.rootfs}/var/d`, { recursive: true });
  writeFileSync(`${bundle.rootfs}/var/d/file`, 'kept', { mode: 0o640 });
  symlinkSync('d/file', `${bundle.rootfs}/var/link`);
  bundle.config.mounts.push({ destination: '/var', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
  const { stdout, stderr } = bundle.run(
    'cat /var/link; stat -c " %a" /var/d/file; grep -c " /var " /proc/mounts; echo new > /var/d/file && cat /var/d/file',
  );
  t.equal(stdout, 'kept 640\n1\nnew\n', stderr);
  t.equal(readFileSync(`${bundle.rootfs}/var/d/file`, 'utf8'), 'kept', 'the image is as it was');
});

t.test('a mount point that is a dangling link is made where it points, inside', async (t) => {
  const bundle = bundleFor(t);
  symlinkSync('../run/resolve/stub', `${bundle.rootfs}/etc/resolv.conf`);
  writeFileSync(`${bundle.directory}/resolv`, 'nameserver');
  bundle.config.mounts.push({ destination: '/etc/resolv.conf', source: 'resolv', options: ['bind'] });
  t.equal(bundle.run('cat /run/resolve/stub /etc/resolv.conf').stdout, 'nameservernameserver');
});

t.test('read-only root, masked and read-only paths', async (t) => {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.rootfs}/secret`);
  writeFileSync(`${bundle.rootfs}/secret/key`, 'key');
  writeFileSync(`${bundle.rootfs}/etc/token`, 'token');
  mkdirSync(`${bundle.rootfs}/frozen`);
  bundle.config.root.readonly = false;
  bundle.config.linux.maskedPaths.push('/secret', '/etc/token', '/not/there');
  bundle.config.linux.readonlyPaths.push('/frozen', '/not/there/either');
  const masked = bundle.run('ls /secret; cat /etc/token; touch /frozen/x; touch /tmp/ok && echo ok; touch /secret/x');
  t.equal(masked.stdout, 'ok\n');
  t.match(masked.stderr, /\/frozen\/x: Read-only file system/);
  t.match(masked.stderr, /\/secret\/x: Read-only file system/);
  bundle.config.root.readonly = true;
  t.match(bundle.run('touch /tmp/x').stderr, /Read-only file system/);
  t.match(bundle.run('echo 1 > /proc/sys/vm/drop_caches').stderr, /Read-only file system/);
});

t.test('a read-only /dev is filled first', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.mounts.find((m: { destination: string }) => m.destination === '/dev').options.push('ro');
  const result = bundle.run('stat -c %t:%T /dev/null; touch /dev/x; echo fine > /dev/null && echo fine');
  t.equal(result.stdout, '1:3\nfine\n');
  t.match(result.stderr, /Read-only file system/);
});

t.test('kernel parameters', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.sysctl = {
    'net.ipv4.ip_forward': '1',
    'kernel.shm_rmid_forced': '1',
    'net/ipv4/tcp_syncookies': '0',
  };
  t.equal(
    bundle.run('cd /proc/sys; cat net/ipv4/ip_forward kernel/shm_rmid_forced net/ipv4/tcp_syncookies').stdout,
    '1\n1\n0\n',
  );
});

t.test('--no-pivot', async (t) => {
  const bundle = bundleFor(t);
  const result = bundle.run('ls /; head -n1 /proc/self/mountinfo | cut -d" " -f5', { flags: ['--no-pivot'] });
  t.equal(result.status, 0, result.stderr);
  t.notMatch(result.stdout, /usr/, "the root is the container's");
});

t.test("namespaces: the host's, a new one, another's", async (t) => {
  const bundle = bundleFor(t);
  t.not(bundle.run('readlink /proc/self/ns/uts').stdout.trim(), readlinkSync('/proc/self/ns/uts'));
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.map((n: { type: string }) =>
    n.type === 'ipc' ? { type: 'ipc', path: '/proc/self/ns/ipc' } : n,
  );
  t.equal(bundle.run('readlink /proc/self/ns/ipc').stdout.trim(), readlinkSync('/proc/self/ns/ipc'), 'joined by path');
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'network');
  bundle.config.linux.sysctl = {};
  t.equal(
    bundle.run('readlink /proc/self/ns/net').stdout.trim(),
    readlinkSync('/proc/self/ns/net'),
    "not listed: the host's",
  );
  bundle.config.linux.namespaces.push({ type: 'cgroup' });
  t.match(
    bundle.run('cat /proc/self/cgroup').stdout,
    /:pids:\/$/m,
    "a cgroup namespace has the container's cgroup as its root",
  );
});

t.test('a user namespace', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.namespaces.push({ type: 'user' });
  bundle.config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
  bundle.config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
  bundle.config.process.user = { uid: 5, gid: 6, additionalGids: [7] };
  chmodSync(bundle.directory, 0o755);
  const result = bundle.run(
    'id -u; grep -E "^(Uid|Groups)" /proc/self/status; cat /proc/self/uid_map; echo x > /dev/null; stat -c %t:%T /dev/null',
  );
  t.match(result.stdout, /^5\nUid:\t5\t5\t5\t5\nGroups:\t7 \n\s+0\s+100000\s+65536\n1:3\n/, result.stderr);
});

t.test('messages of mounts in the debug log', onlyTsrunc('does not have them'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.mounts.push({ destination: '/p', source: bundle.directory, options: ['rbind', 'rshared', 'slave'] });
  const log = `${bundle.directory}/log`;
  t.equal(bundle.run('true', { global: ['--debug', '--log', log] }).status, 0);
  const messages = readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => /^time="[^"]+" level=debug msg="(.*)"$/.exec(line)?.[1] ?? '')
    .filter((message) => /^(mount root|start mount|PropagationFlags)/.test(message));
  const cgroups = messages.filter((message) => message.includes('flags=2117647'));
  const expected = [
    'mount root dest=/ flag=540672',
    `mount rootfs dest=${bundle.rootfs} source=${bundle.rootfs} flag=20480 device=bind`,
    'start mount dest=/proc source=proc flags=0 data= device=proc Propagationflags=[]',
    'start mount dest=/dev source=tmpfs flags=16777218 data=mode=755,size=65536k device=tmpfs Propagationflags=[]',
    'start mount dest=/dev/pts source=devpts flags=10 data=newinstance,ptmxmode=0666,mode=0620,gid=5 device=devpts Propagationflags=[]',
    'start mount dest=/dev/shm source=shm flags=14 data=mode=1777,size=65536k device=tmpfs Propagationflags=[]',
    'start mount dest=/dev/mqueue source=mqueue flags=14 data= device=mqueue Propagationflags=[]',
    'start mount dest=/sys source=sysfs flags=15 data= device=sysfs Propagationflags=[]',
    'start mount dest=/sys/fs/cgroup source=tmpfs flags=14 data=mode=755 device=tmpfs Propagationflags=[]',
    ...cgroups,
    `start mount dest=/p source=${bundle.directory} flags=20480 data= device=bind Propagationflags=[1064960 524288]`,
    'PropagationFlags flag=1064960 dest=/p',
    'PropagationFlags flag=524288 dest=/p',
  ];
  t.same(messages, expected);
  const hierarchies = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' - cgroup '));
  t.equal(cgroups.length, hierarchies.length, 'one bind for each hierarchy');
  for (const message of cgroups)
    t.match(
      message,
      /^start mount dest=\/sys\/fs\/cgroup\/(\S+) source=\/sys\/fs\/cgroup\/\1\/\S+ flags=2117647 data= device=bind Propagationflags=\[\]$/,
    );
  const json = `${bundle.directory}/log.json`;
  bundle.run('true', { global: ['--debug', '--log', json, '--log-format', 'json'] });
  const lines = readFileSync(json, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; msg: string; time: string });
  t.ok(
    lines.some(
      (line) =>
        line.level === 'debug' && line.msg === 'mount root dest=/ flag=540672' && !Number.isNaN(Date.parse(line.time)),
    ),
  );
});
