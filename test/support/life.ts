// A container's life, every verb of it, with a configuration in which there is something of everything: binds, a tmpfs, read-only and
// masked paths, hooks. What it looks at must be the same wherever it runs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { bundleFor, RUNTIME, type Bundle } from './bundle.ts';
import { eventually, execute, sh, type Result } from './host.ts';

/** A default container with a bind, a tmpfs over what the image has, and hooks in every place. */
export function prepare(t: Test): Bundle {
  const bundle = bundleFor(t);
  mkdirSync(`${bundle.directory}/outside`);
  writeFileSync(`${bundle.directory}/bound`, 'bound');
  writeFileSync(`${bundle.rootfs}/etc/bound`, '');
  const { config } = bundle;
  config.mounts.push(
    { destination: '/etc/bound', source: `${bundle.directory}/bound`, options: ['bind', 'ro', 'noexec'] },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=1m'] },
  );
  config.hooks = Object.fromEntries(
    ['createRuntime', 'poststart', 'poststop'].map((point) => [
      point,
      [{ path: '/bin/sh', args: ['sh', '-c', `cat >/dev/null; echo ${point} >>${bundle.directory}/hooks`] }],
    ]),
  );
  const inside = { path: '/bin/sh', args: ['sh', '-c', 'test -n "$(cat)"'], timeout: 20 };
  config.hooks.createContainer = [inside];
  config.hooks.startContainer = [inside];
  return bundle;
}

const PROGRAM =
  'cat /etc/bound; ls -A /sys/firmware; echo > /etc/bound; echo 0 > /proc/sys/vm/drop_caches; ' +
  'touch /tmp/made; grep -cE " (/etc/bound|/proc/sys|/proc/bus) ro" /proc/self/mountinfo; ls /proc/1/fd; true';

/** One command of a life; `prefix` is put before the runtime. */
export function command(prefix: readonly string[], bundle: Bundle, ...args: string[]): Result {
  return execute('sh', [
    '-c',
    // To a file: what runs on in the container would keep a pipe open.
    `"$@" >${bundle.directory}/said 2>&1 </dev/null`,
    'sh',
    ...prefix,
    RUNTIME,
    ...bundle.args(...args),
  ]);
}

export const said = (bundle: Bundle) => readFileSync(`${bundle.directory}/said`, 'utf8');

function status(bundle: Bundle): string {
  const { stdout } = execute(RUNTIME, bundle.args('state', bundle.id));
  return stdout === '' ? 'none' : JSON.parse(stdout).status;
}

export async function live(t: Test, prefix: readonly string[]): Promise<void> {
  const bundle = prepare(t);
  const { id, directory } = bundle;
  const does = (...args: string[]) => {
    const result = command(prefix, bundle, ...args);
    t.equal(result.status, 0, `${args.join(' ')}: ${said(bundle)}`);
  };
  bundle.config.process.args = ['sh', '-c', PROGRAM];
  bundle.save();
  const [program = '', ...given] = [...prefix, RUNTIME, ...bundle.args('run', '-b', directory, id)];
  const ran = execute(program, given);
  t.equal(ran.status, 0, `run: ${ran.stderr}`);
  t.equal(ran.stdout, 'bound3\n0\n1\n2\n', 'bound, three read-only places, and no descriptor is left');
  t.equal((ran.stderr.match(/Read-only file system/g) ?? []).length, 2, ran.stderr);
  t.equal(readFileSync(`${directory}/hooks`, 'utf8'), 'createRuntime\npoststart\npoststop\n');
  t.same(bundle.leftovers(), []);

  bundle.config.process.args = ['sleep', '1000'];
  bundle.save();
  does('create', '-b', directory, id);
  does('start', id);
  const { pid } = JSON.parse(execute(RUNTIME, bundle.args('state', id)).stdout);
  const namespaces = sh(`for n in mnt pid net ipc uts; do readlink /proc/${pid}/ns/$n; done`);
  does('exec', id, 'sh', '-c', 'for n in mnt pid net ipc uts; do readlink /proc/self/ns/$n; done');
  // Behind what a warning may say.
  t.ok(said(bundle).endsWith(namespaces), `exec is in the namespaces of the container: ${said(bundle)}`);
  does('exec', '-d', id, 'sleep', '1000');
  does('kill', id, 'KILL');
  await eventually('the end', () => status(bundle) === 'stopped');
  does('delete', id);
  does('create', '-b', directory, id);
  does('delete', '--force', id);
  t.equal(status(bundle), 'none');
  t.same(bundle.leftovers(), []);
}
