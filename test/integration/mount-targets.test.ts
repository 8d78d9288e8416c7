// Where a mount goes: onto the root, onto the wrong kind of file, onto what is not there; and many of them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, type Bundle } from '../support/bundle.ts';
import { hostMounts } from '../support/host.ts';

/** The first mount of `bundle`: an overlay of its rootfs, whose changes are in `up`. */
function putOverlay(bundle: Bundle, destination: string): string {
  const up = `${bundle.directory}/up`;
  mkdirSync(up);
  mkdirSync(`${bundle.directory}/work`);
  bundle.config.root.readonly = false;
  bundle.config.mounts.unshift({
    destination,
    type: 'overlay',
    source: 'overlay',
    options: [`lowerdir=${bundle.rootfs}`, `upperdir=${up}`, `workdir=${bundle.directory}/work`],
  });
  return up;
}

for (const destination of ['/', '//', '/.', '/proc/..', '/to-root'])
  t.test(`an overlay on ${destination} becomes the root`, async (t) => {
    const bundle = bundleFor(t);
    symlinkSync('/', `${bundle.rootfs}/to-root`);
    const up = putOverlay(bundle, destination);
    const result = bundle.run('touch /made; sed -n 1p /proc/self/mountinfo; stat -c %t:%T /dev/null');
    t.match(result.stdout, / \/ \/ .* - overlay overlay /, result.stderr);
    t.match(result.stdout, '1:3');
    t.ok(existsSync(`${up}/made`));
    t.notOk(existsSync(`${bundle.rootfs}/made`), 'the image is as it was');
    t.same(bundle.leftovers(), []);
  });

t.test('a read-only bind on / is read-only; the root stays what the configuration says', async (t) => {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.rootfs}/sys/fs`, { recursive: true });
  bundle.config.root.readonly = false;
  bundle.config.mounts.unshift({ destination: '/', type: 'bind', source: bundle.rootfs, options: ['rbind', 'ro'] });
  const result = bundle.run('touch /made; touch /dev/shm/made && echo ok');
  t.match(result.stderr, /\/made: Read-only file system/);
  t.equal(result.stdout, 'ok\n');
  t.notOk(existsSync(`${bundle.rootfs}/made`));
});

t.test('a tmpfs on / that is filled with the image', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.root.readonly = false;
  bundle.config.mounts.unshift({ destination: '/', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
  t.match(bundle.run('touch /made && stat -f -c %T /').stdout, /tmpfs/);
  t.notOk(existsSync(`${bundle.rootfs}/made`));
});

t.test('root.readonly and --no-pivot hold for what is mounted on /', async (t) => {
  const bundle = bundleFor(t);
  const up = putOverlay(bundle, '/');
  bundle.run('touch /made', { flags: ['--no-pivot'] });
  t.ok(existsSync(`${up}/made`));
  bundle.config.root.readonly = true;
  t.match(bundle.run('touch /more').stderr, /Read-only file system/);
  t.notOk(existsSync(`${up}/more`));
});

t.test('a shared root: the host does not see what is mounted on it', onlyTsrunc('1.1 fails: EINVAL'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.linux.rootfsPropagation = 'shared';
  const up = putOverlay(bundle, '/');
  t.equal(bundle.run('touch /made').status, 0);
  t.ok(existsSync(`${up}/made`));
  t.same(hostMounts(bundle.rootfs), []);
});

t.test('without a mount namespace the end takes it away', onlyTsrunc('leaves mounts on the host'), async (t) => {
  const bundle = bundleFor(t);
  const up = putOverlay(bundle, '/');
  bundle.config.mounts = bundle.config.mounts.slice(0, 2);
  bundle.config.linux.namespaces = [{ type: 'pid' }];
  Object.assign(bundle.config, { hostname: '' });
  Object.assign(bundle.config.linux, { maskedPaths: [], readonlyPaths: [] });
  const result = bundle.run('touch /made');
  t.equal(result.status, 0, result.stderr);
  t.ok(existsSync(`${up}/made`));
  t.same(hostMounts(bundle.directory), []);
});

/** What goes wrong with one more mount; nothing is left behind. */
function failure(t: Parameters<typeof bundleFor>[0], bundle: Bundle, mount: object): string {
  const before = structuredClone(bundle.config);
  const others = bundle.leftovers();
  bundle.config.mounts.push(mount);
  const result = bundle.run('true');
  bundle.config = before;
  t.not(result.status, 0);
  t.same(bundle.leftovers(), others);
  return result.stderr;
}

t.test('a directory is no place for a file, nor a file for a directory', async (t) => {
  const bundle = bundleFor(t);
  const source = `${bundle.directory}/source`;
  mkdirSync(source);
  writeFileSync(`${source}/file`, '');
  const onFile = '/etc/passwd';
  const cases: object[] = [
    { destination: onFile, type: 'bind', source, options: ['bind'] },
    { destination: '/tmp', type: 'bind', source: `${source}/file`, options: ['bind'] },
    { destination: onFile, type: 'tmpfs', source: 'tmpfs' },
    { destination: onFile, type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
    { destination: `${onFile}/below`, type: 'tmpfs', source: 'tmpfs' },
  ];
  for (const mount of cases) t.match(failure(t, bundle, mount), /not a directory/, JSON.stringify(mount));
  if (!isTsrunc) return;
  t.match(failure(t, bundle, cases[0] as object), /passwd \(bind\): ENOTDIR: .*\nhint: one of .* is a directory/);
});

t.test('a mount point that is missing where nothing can be made', async (t) => {
  const bundle = bundleFor(t);
  const image = `${bundle.directory}/image`;
  mkdirSync(image);
  execFileSync('mount', ['--bind', bundle.rootfs, image]);
  t.teardown(() => execFileSync('umount', [image]));
  execFileSync('mount', ['-o', 'remount,bind,ro', image]);
  bundle.config.root.path = image;
  for (const mount of [
    { destination: '/missing/deep', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/missing', type: 'bind', source: bundle.rootfs, options: ['bind'] },
  ]) {
    const words = failure(t, bundle, mount);
    t.match(words, /read-only file system/);
    if (isTsrunc) t.match(words, /^hint: \/missing.* is absent in the container's root/m);
  }
});

t.test("the kernel's words for a bad option, and for a type that it does not have", async (t) => {
  const bundle = bundleFor(t);
  const bad = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=many'] };
  t.match(
    failure(t, bundle, bad),
    isTsrunc ? /EINVAL: .*\(fsconfig tmpfs: Bad value for 'size'\)/ : /invalid argument/,
  );
  t.match(failure(t, bundle, { destination: '/tmp', type: 'nosuchfs', source: 'x' }), /no such device/);
  const none = failure(t, bundle, { destination: '/tmp', type: 'none', source: bundle.rootfs, options: ['ro'] });
  t.match(none, isTsrunc ? /\/mounts\/\d+\/options.*type none is for bind mounts/s : /no such device/);
});

t.test('many mounts, in order, and nothing of them on the host', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.root.readonly = false;
  for (let i = 0; i < 300; i++)
    bundle.config.mounts.push({
      destination: `/m/${i}`,
      type: 'tmpfs',
      source: `t${i}`,
      options: ['size=1m', 'nodev'],
    });
  const { stdout } = bundle.run('grep " /m/" /proc/self/mountinfo | cut -d" " -f5,6,8,9');
  t.same(
    stdout.trim().split('\n'),
    [...Array(300)].map((_, i) => `/m/${i} rw,nodev,relatime tmpfs t${i}`),
  );
  t.same(hostMounts(bundle.directory), []);
  t.equal(readdirSync(`${bundle.rootfs}/m`).length, 300);
});
