// What options make of a mount: attributes, the source's own, locked ones, recursive ones. config.md, Linux mount options;
// decision 0017.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, type Bundle } from '../support/bundle.ts';

const IN_USER_NAMESPACE = [{ containerID: 0, hostID: 100000, size: 65536 }];

/** A bundle with a tmpfs of the host's, mounted with `options`, to be bound. */
function withSource(t: Parameters<typeof bundleFor>[0], options: string): { bundle: Bundle; source: string } {
  const bundle = bundleFor(t);
  chmodSync(bundle.directory, 0o755);
  const source = `${bundle.directory}/source`;
  mkdirSync(source);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', source]);
  t.teardown(() => execFileSync('umount', [source]));
  return { bundle, source };
}

function enterUserNamespace(bundle: Bundle): void {
  bundle.config.linux.namespaces.push({ type: 'user' });
  bundle.config.linux.uidMappings = IN_USER_NAMESPACE;
  bundle.config.linux.gidMappings = IN_USER_NAMESPACE;
}

/** The attributes of /tmp in the container after `mount` on it, or what went wrong. */
function attributesOn(bundle: Bundle, mount: object): string {
  const before = structuredClone(bundle.config);
  bundle.config.mounts.push({ destination: '/tmp', ...mount });
  const { status, stdout, stderr } = bundle.run('grep " /tmp " /proc/self/mountinfo');
  bundle.config = before;
  return status === 0 ? (stdout.trim().split('\n').at(-1) ?? '').split(' ').slice(5, 6).join('') : stderr;
}

const bind = (source: string, ...options: string[]) => ({ type: 'bind', source, options: ['bind', ...options] });

t.test('what no option names goes, unless options say nothing of the mount itself', async (t) => {
  const { bundle, source } = withSource(t, 'nosuid,nodev,noatime');
  const cases: [string[], string][] = [
    [[], 'rw,nosuid,nodev,noatime'],
    [['rprivate'], 'rw,nosuid,nodev,noatime'],
    [['ro'], 'ro,noatime'],
    [['noexec'], 'rw,noexec,noatime'],
    [['nosuid', 'nodev', 'ro'], 'ro,nosuid,nodev,noatime'],
    [['atime', 'ro'], 'ro,noatime'],
    [['diratime', 'ro'], 'ro,noatime'],
    [['nodiratime'], 'rw,nodiratime,relatime'],
    [['strictatime'], 'rw'],
    [['rro'], 'ro,nosuid,nodev,noatime'],
  ];
  for (const [options, wanted] of cases)
    t.equal(attributesOn(bundle, bind(source, ...options)), wanted, options.join());
});

t.test('an option that only clears', onlyTsrunc('1.1 does not hear it; 1.2 does'), async (t) => {
  const { bundle, source } = withSource(t, 'ro,nosuid');
  t.equal(attributesOn(bundle, bind(source, 'rw')), 'rw,relatime');
  t.equal(attributesOn(bundle, bind(source, 'suid')), 'rw,relatime');
});

t.test('flags that a user namespace has locked stay where no option names them', onlyTsrunc('1.1 fails'), async (t) => {
  const { bundle, source } = withSource(t, 'nosuid,nodev,noatime');
  enterUserNamespace(bundle);
  t.equal(attributesOn(bundle, bind(source, 'noexec')), 'rw,nosuid,nodev,noexec,noatime');
  t.equal(attributesOn(bundle, bind(source, 'ro', 'nosuid')), 'ro,nosuid,nodev,noatime');
});

t.test('one that an option would clear or change is named', async (t) => {
  const { bundle, source } = withSource(t, 'nosuid,nodev,noatime');
  enterUserNamespace(bundle);
  const words = attributesOn(bundle, bind(source, 'suid', 'dev', 'noexec'));
  t.match(words, /operation not permitted/);
  const time = attributesOn(bundle, bind(source, 'strictatime'));
  t.match(time, /operation not permitted/);
  if (onlyTsrunc('').skip !== undefined) return;
  t.match(words, 'source, whose nosuid,nodev is locked)');
  t.match(words, /^hint: .*leave out the options/m);
  t.match(time, 'whose access time is locked');
  t.same(bundle.leftovers(), []);
});

t.test('recursive attributes count for what is no bind mount', onlyTsrunc('1.1 drops them'), async (t) => {
  const bundle = bundleFor(t);
  const tmpfs = (...options: string[]) => ({ type: 'tmpfs', source: 'tmpfs', options });
  t.equal(attributesOn(bundle, tmpfs('rro')), 'ro,relatime');
  t.equal(attributesOn(bundle, tmpfs('rnosuid', 'rnodev', 'rnoexec', 'rnoatime')), 'rw,nosuid,nodev,noexec,noatime');
  t.equal(attributesOn(bundle, tmpfs('nosuid', 'rsuid', 'rnosymfollow')), 'rw,relatime,nosymfollow');
  t.equal(attributesOn(bundle, tmpfs('rro', 'tmpcopyup')), 'ro,relatime');
});

t.test('what rro leaves of a filesystem: only the mount is read-only', onlyTsrunc('1.1 drops it'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['rro'] });
  t.match(bundle.run('grep " /tmp " /proc/self/mountinfo').stdout, / ro,relatime - tmpfs tmpfs rw/);
});
