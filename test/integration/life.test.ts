// A container's life on this host as it is. The emulated VM runs it on an older kernel, too (scripts/vm-tests).
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { execute } from '../support/host.ts';
import { live } from '../support/life.ts';

t.test('a life', (t) => live(t, []));

t.test('on a procfs without sysctls (subset=pid)', onlyTsrunc('runc reads none'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  const mount = 'mount -t proc -o subset=pid proc /proc && test ! -e /proc/sys && exec "$@"';
  const command = ['-m', '--propagation', 'private', 'sh', '-c', mount, 'sh', RUNTIME];
  const plan = execute('unshare', [...command, ...bundle.args('plan', '-b', bundle.directory)]);
  t.equal(plan.status, 0, plan.stderr);
});

t.test('--root that is a file', onlyTsrunc('words of ours'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  for (const root of [`${bundle.directory}/config.json`, `${bundle.directory}/config.json/below`]) {
    const result = execute(RUNTIME, ['--root', root, 'run', '-b', bundle.directory, bundle.id]);
    t.equal(result.status, 1);
    t.match(result.stderr, /--root .*: not a directory/);
  }
});
