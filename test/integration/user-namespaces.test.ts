// User namespaces, new and joined: sources that the mapped root may not reach, devices, other namespaces, ids without a
// mapping. config-linux.md, User namespace mappings.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, type Bundle } from '../support/bundle.ts';
import { eventually } from '../support/host.ts';

type Test = Parameters<typeof bundleFor>[0];
const MAPPINGS = [{ containerID: 0, hostID: 100000, size: 65536 }];
const EXTENT = '0 100000 65536\n';

/** A bundle whose files belong to the mapped root. */
function ownedBundle(t: Test): Bundle {
  const bundle = bundleFor(t);
  chmodSync(bundle.directory, 0o755);
  execFileSync('chown', ['-R', '-h', '100000:100000', bundle.rootfs]);
  bundle.config.root.readonly = false;
  return bundle;
}

function mappedBundle(t: Test): Bundle {
  const bundle = ownedBundle(t);
  bundle.config.linux.namespaces.push({ type: 'user' });
  Object.assign(bundle.config.linux, { uidMappings: MAPPINGS, gidMappings: MAPPINGS });
  return bundle;
}

/** A directory that only `owner` of the host may enter, with a volume in it. */
function closedVolume(bundle: Bundle, owner: number): string {
  const closed = `${bundle.directory}/closed`;
  mkdirSync(`${closed}/volume`, { recursive: true });
  writeFileSync(`${closed}/volume/file`, 'inside');
  chmodSync(`${closed}/volume`, 0o755);
  chownSync(closed, owner, owner);
  chmodSync(closed, 0o700);
  return `${closed}/volume`;
}

for (const owner of [0, 1234])
  t.test(`sources below a directory that only uid ${owner} of the host may enter`, async (t) => {
    const bundle = mappedBundle(t);
    const volume = closedVolume(bundle, owner);
    bundle.config.mounts.push(
      { destination: '/mnt', type: 'bind', source: volume, options: ['rbind', 'ro'] },
      { destination: '/etc/file', type: 'bind', source: `${volume}/file`, options: ['bind'] },
    );
    const result = bundle.run('cat /mnt/file /etc/file; touch /mnt/made');
    t.equal(result.stdout, 'insideinside', result.stderr);
    t.match(result.stderr, /Read-only file system/);
    t.same(bundle.leftovers(), []);
  });

t.test('more sources than go at once, in their order', async (t) => {
  const bundle = mappedBundle(t);
  const volume = closedVolume(bundle, 1234);
  for (let i = 0; i < 150; i++) {
    writeFileSync(`${volume}/f${i}`, `${i} `);
    bundle.config.mounts.push({ destination: `/m/${i}`, type: 'bind', source: `${volume}/f${i}`, options: ['bind'] });
  }
  const { stdout } = bundle.run('i=0; while [ $i -lt 150 ]; do cat /m/$i; i=$((i+1)); done');
  t.equal(stdout, [...Array(150).keys()].map((i) => `${i} `).join(''));
});

t.test('a source that is missing there is named', async (t) => {
  const bundle = mappedBundle(t);
  const volume = closedVolume(bundle, 1234);
  const source = `${volume}/missing`;
  bundle.config.mounts.push({ destination: '/mnt', type: 'bind', source, options: ['bind'] });
  const { status, stderr } = bundle.run('true');
  t.not(status, 0);
  t.match(stderr, /no such file or directory/i);
  if (isTsrunc) t.match(stderr, `bind ${source} on /mnt (bind): ENOENT`);
  t.same(bundle.leftovers(), []);
});

t.test('what is mounted below a source stays where it is', async (t) => {
  const bundle = mappedBundle(t);
  const volume = closedVolume(bundle, 0);
  mkdirSync(`${volume}/hidden`);
  writeFileSync(`${volume}/hidden/secret`, 'secret');
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${volume}/hidden`]);
  t.teardown(() => execFileSync('umount', [`${volume}/hidden`]));
  bundle.config.mounts.push({ destination: '/mnt', type: 'bind', source: volume, options: ['rbind'] });
  const caps = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE'];
  bundle.config.process.capabilities = { bounding: caps, permitted: caps, effective: caps };
  const { stdout } = bundle.run('umount /mnt/hidden; cat /mnt/hidden/secret; ls /mnt');
  t.notMatch(stdout, /^secret/, 'the kernel has locked it: the copy was made inside');
  t.match(stdout, 'hidden');
});

t.test('a root file system that the mapped root cannot reach', onlyTsrunc('1.1 fails'), async (t) => {
  const bundle = mappedBundle(t);
  chmodSync(bundle.directory, 0o700);
  t.equal(bundle.run('id -u; echo > /dev/null && echo ok').stdout, '0\nok\n');
  t.same(bundle.leftovers(), []);
});

/** A process with namespaces of its own; ended with the test. */
async function holder(t: Test, flags: string): Promise<ChildProcess & { pid: number }> {
  const own = readlinkSync('/proc/self/ns/net');
  const child = spawn('unshare', [flags, 'sleep', '600'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await eventually('its namespaces', () => readlinkSync(`/proc/${child.pid}/ns/net`) !== own);
  return child as ChildProcess & { pid: number };
}

async function userHolder(t: Test): Promise<number> {
  const { pid } = await holder(t, '-Unui');
  for (const kind of ['uid', 'gid']) writeFileSync(`/proc/${pid}/${kind}_map`, EXTENT);
  return pid;
}

function join(bundle: Bundle, paths: Record<string, string>): void {
  const { namespaces } = bundle.config.linux;
  for (const [type, path] of Object.entries(paths)) {
    const found = namespaces.find((namespace: { type: string }) => namespace.type === type);
    if (found === undefined) namespaces.push({ type, path });
    else found.path = path;
  }
  delete bundle.config.hostname;
}

t.test(
  'a user namespace that is joined, without mappings in the configuration',
  onlyTsrunc('1.1 wants mappings in the configuration'),
  async (t) => {
    const bundle = ownedBundle(t);
    const pid = await userHolder(t);
    join(bundle, { user: `/proc/${pid}/ns/user` });
    const volume = closedVolume(bundle, 1234);
    bundle.config.mounts.push({ destination: '/mnt', type: 'bind', source: volume, options: ['rbind'] });
    const result = bundle.run(
      'cat /mnt/file; stat -c " %t:%T" /dev/null; echo > /dev/null; readlink /proc/self/ns/user',
    );
    t.equal(result.stdout, `inside 1:3\n${readlinkSync(`/proc/${pid}/ns/user`)}\n`, result.stderr);
    t.same(bundle.leftovers(), []);
  },
);

t.test('... with namespaces that belong to it', onlyTsrunc('1.1 wants mappings in the configuration'), async (t) => {
  const bundle = ownedBundle(t);
  const pid = await userHolder(t);
  const path = (name: string) => `/proc/${pid}/ns/${name}`;
  join(bundle, { user: path('user'), network: path('net'), uts: path('uts'), ipc: path('ipc') });
  const result = bundle.run('for n in net uts ipc; do readlink /proc/self/ns/$n; done');
  t.equal(result.stdout, ['net', 'uts', 'ipc'].map((name) => `${readlinkSync(path(name))}\n`).join(''), result.stderr);
});

t.test(
  '... with namespaces that belong to the host',
  onlyTsrunc('1.1 wants mappings in the configuration'),
  async (t) => {
    const bundle = ownedBundle(t);
    const pid = await userHolder(t);
    const other = await holder(t, '-nui');
    const path = (name: string) => `/proc/${other.pid}/ns/${name}`;
    join(bundle, { user: `/proc/${pid}/ns/user`, network: path('net'), uts: path('uts'), ipc: path('ipc') });
    // Filesystems of those namespaces are the host's to mount.
    const isOfHost = ({ type }: { type: string }) => ['sysfs', 'cgroup', 'mqueue'].includes(type);
    bundle.config.mounts = bundle.config.mounts.filter((mount: { type: string }) => !isOfHost(mount));
    const result = bundle.run('for n in net uts ipc; do readlink /proc/self/ns/$n; done');
    t.equal(
      result.stdout,
      ['net', 'uts', 'ipc'].map((name) => `${readlinkSync(path(name))}\n`).join(''),
      result.stderr,
    );
    t.same(bundle.leftovers(), []);
  },
);

t.test('ids that no mapping holds are named, and by validate', onlyTsrunc('has other words'), async (t) => {
  const bundle = mappedBundle(t);
  const faultsOf = (change: (config: Bundle['config']) => void): string => {
    const before = structuredClone(bundle.config);
    change(bundle.config);
    const { status, stderr } = bundle.run('true');
    bundle.config = before;
    t.equal(status, 1);
    return stderr;
  };
  const cases: [string, (config: Bundle['config']) => void][] = [
    [
      '/process/user/uid: no mapping in linux.uidMappings holds uid 70000',
      (c) => (c.process.user = { uid: 70000, gid: 0 }),
    ],
    [
      '/process/user/gid: no mapping in linux.gidMappings holds gid 65536',
      (c) => (c.process.user = { uid: 0, gid: 65536 }),
    ],
    [
      '/process/user/additionalGids/1: no mapping in linux.gidMappings holds gid 70000',
      (c) => (c.process.user = { uid: 0, gid: 0, additionalGids: [5, 70000] }),
    ],
    [
      '/linux/uidMappings: no mapping in linux.uidMappings holds uid 0',
      (c) => {
        c.linux.uidMappings = [{ containerID: 1, hostID: 100000, size: 65535 }];
        c.process.user = { uid: 1, gid: 1 };
      },
    ],
    [
      'no mapping in linux.uidMappings holds uid 70000',
      (c) => c.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['uid=70000'] }),
    ],
  ];
  for (const [words, change] of cases) t.match(faultsOf(change), words);
  t.match(
    faultsOf((c) => (c.linux.gidMappings = [])),
    'a new user namespace needs uidMappings and gidMappings',
  );
  bundle.config.process.user = { uid: 65535, gid: 65535, additionalGids: [65535] };
  t.equal(bundle.run('id -u').stdout, '65535\n', 'the last one is held');
});

t.test(
  'nested: in a user namespace with one id that takes no groups',
  onlyTsrunc('see the test of devices'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.process.args = ['id', '-u'];
    Object.assign(bundle.config.linux, { resources: {}, maskedPaths: [], readonlyPaths: [] });
    bundle.config.mounts = bundle.config.mounts
      .filter(({ type }: { type: string }) => type !== 'cgroup')
      .map((mount: { options?: string[] }) => ({
        ...mount,
        options: (mount.options ?? []).filter((o) => !o.startsWith('gid=')),
      }));
    bundle.save();
    const line = [
      '-Urmpf',
      '--mount-proc',
      process.env['RUNTIME'] ?? `${process.cwd()}/bin/tsrunc`,
      '--root',
      bundle.root,
    ];
    const env = { ...process.env, TSRUNC_PLANNER: 'off' };
    const args = [...line, '--cgroup-manager', 'disabled', 'run', '-b', bundle.directory, bundle.id];
    t.equal(execFileSync('unshare', args, { encoding: 'utf8', env, input: '' }), '0\n');
  },
);

t.test(
  "the states of root in a user namespace are its user's, unless USER is root",
  onlyTsrunc('its own'),
  async (t) => {
    const bundle = bundleFor(t);
    const runtimeDirectory = `${bundle.directory}/run`;
    mkdirSync(`${runtimeDirectory}/tsrunc/someone`, { recursive: true });
    const list = (user: string) =>
      execFileSync('unshare', ['-Ur', `${process.cwd()}/bin/tsrunc`, 'list', '--quiet'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { PATH: process.env['PATH'], TSRUNC_PLANNER: 'off', USER: user, XDG_RUNTIME_DIR: runtimeDirectory },
      });
    mkdirSync(`${runtimeDirectory}/tsrunc`, { recursive: true });
    writeFileSync(`${runtimeDirectory}/tsrunc/someone/state.json`, '{');
    t.match(list('someone'), /someone/);
    t.notMatch(list('root'), /someone/);
    t.ok(readFileSync(`${runtimeDirectory}/tsrunc/someone/state.json`));
  },
);
