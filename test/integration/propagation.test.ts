// What mount propagation must do between host and container; config-linux.md, Rootfs Mount Propagation. The host side is a
// private mount namespace with a shared tmpfs, so that nothing of it reaches the real host.
import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle, ROOT_CAPABILITIES } from '../support/bundle.ts';
import { execute } from '../support/host.ts';

/**
 * Runs a shell script as the host of a container that waits: $IN SCRIPT runs in the container (through its pid), $ROOTFS is
 * its root on a shared tmpfs.
 */
function onHost(bundle: Bundle, script: string, before = ''): string {
  bundle.config.process.args = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'];
  bundle.config.root.readonly = false;
  bundle.config.root.path = `${bundle.directory}/shared/rootfs`;
  bundle.config.process.capabilities = ROOT_CAPABILITIES;
  bundle.config.process.noNewPrivileges = false;
  bundle.save();
  mkdirSync(`${bundle.directory}/shared`, { recursive: true });
  mkdirSync(`${bundle.directory}/src`, { recursive: true });
  mkdirSync(`${bundle.directory}/other`, { recursive: true });
  writeFileSync(`${bundle.directory}/src/hello`, 'hello');
  writeFileSync(`${bundle.directory}/other/file`, 'other');
  const text = `
    set -eu
    cd ${bundle.directory}
    mount --make-rprivate /
    mount -t tmpfs tmpfs shared && mount --make-shared shared
    cp -a rootfs shared/rootfs
    ROOTFS=$PWD/shared/rootfs
    mkdir -p $ROOTFS/tmp/test $ROOTFS/tmp/terr
    ${before}
    ${RUNTIME} --root ${bundle.root} run -d --pid-file pid ${bundle.id} </dev/null >/dev/null 2>out || { cat out; exit 1; }
    trap 'kill -9 $(cat pid); ${RUNTIME} --root ${bundle.root} delete --force ${bundle.id} 2>/dev/null || true' EXIT
    IN() { nsenter -t $(cat pid) -m -p -r -w sh -c "$1"; }
    ${script}
  `;
  const result = execute('unshare', ['-m', '--propagation', 'private', 'bash', '-c', text]);
  return result.stdout + result.stderr;
}

t.test('1. a mount made on the host later is seen inside, and so is its going', async (t) => {
  const bundle = bundleFor(t);
  const output = onHost(
    bundle,
    `mount --bind src $ROOTFS/tmp/test
     IN 'cat /tmp/test/hello; echo; grep -c " /tmp/test " /proc/self/mountinfo'
     umount $ROOTFS/tmp/test
     IN 'grep -c " /tmp/test " /proc/self/mountinfo || true; ls /tmp/test | wc -l'`,
  );
  t.equal(output, 'hello\n1\n0\n0\n');
});

t.test('2. a bind mount of the configuration is seen inside only, as a slave of its shared source', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.mounts.push({
    destination: '/tmp/terr',
    source: `${bundle.directory}/shared/from`,
    options: ['rbind'],
  });
  const output = onHost(
    bundle,
    `IN 'cat /tmp/terr/inside; grep -o " /tmp/terr .*master:[0-9]*" /proc/self/mountinfo | grep -o "master"'
     ls $ROOTFS/tmp/terr | wc -l`,
    'mkdir shared/from; echo inside > shared/from/inside',
  );
  t.equal(output, 'inside\nmaster\n0\n');
});

t.test("3. a later mount of the host lands under the container's own", async (t) => {
  const bundle = bundleFor(t);
  bundle.config.mounts.push({ destination: '/tmp/terr', source: `${bundle.directory}/src`, options: ['rbind'] });
  const output = onHost(
    bundle,
    `mount --bind other $ROOTFS/tmp/terr
     IN 'ls /tmp/terr; grep " /tmp/terr " /proc/self/mountinfo' > seen
     head -n1 seen
     # of the two mounts on /tmp/terr the container's own (of src) has the propagated one (of other) as its parent
     own=$(grep "src" seen | cut -d' ' -f2); propagated=$(grep "other" seen | cut -d' ' -f1)
     [ "$own" = "$propagated" ] && echo under`,
  );
  t.equal(output, 'hello\nunder\n');
});

t.test('4. a mount made inside is never seen on the host', async (t) => {
  const bundle = bundleFor(t);
  const output = onHost(
    bundle,
    `IN 'mount -t tmpfs inner /tmp/test && touch /tmp/test/x && ls /tmp/test'
     ls $ROOTFS/tmp/test | wc -l; grep -c inner /proc/self/mountinfo || true`,
  );
  t.equal(output, 'x\n0\n0\n');
});

t.test('5. rootfsPropagation', onlyTsrunc('1.1 makes the rootfs private, whatever is configured'), async (t) => {
  for (const [value, mark] of [
    ['shared', 'shared:'],
    ['slave', 'master:'],
    ['private', '-'],
    ['unbindable', 'unbindable'],
  ] as const) {
    const bundle = bundleFor(t);
    bundle.config.linux.rootfsPropagation = value;
    const output = onHost(
      bundle,
      `IN 'grep " / / \\| /rootfs / " /proc/self/mountinfo' | head -n1 | cut -d' ' -f7
       mount --bind src $ROOTFS/tmp/test
       IN 'ls /tmp/test'`,
    );
    t.match(output, mark, `${value}: ${output}`);
    if (value === 'slave') t.match(output, /hello/, 'slave: mounts of the host come in');
    if (value === 'private' || value === 'unbindable')
      t.notMatch(output, /hello/, `${value}: mounts of the host stay out`);
  }
});
