// What a container must not get hold of: descriptors, files of the kernel, and processes of ours that can do more than it can.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { isTsrunc, onlyTsrunc, ROOT_CAPABILITIES, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, create, state } from '../support/commands.ts';
import { eventually, execute, sh } from '../support/host.ts';
import { bundleWithInside, exec, running, USER_NAMESPACE, type Test } from '../support/inside.ts';

const CONFINED = 'grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):" /proc/self/status';
/** A filter that lets pass what busybox needs. */
const FILTER = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64'],
  syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
};

for (const noNewPrivileges of [true, false])
  for (const uid of [0, 1000])
    t.test(`a hook inside is confined as the program is: ${uid}, no_new_privs ${noNewPrivileges}`, async (t) => {
      for (const isPidJoined of isTsrunc ? [false, true] : [false]) {
        const bundle = bundleWithInside(t);
        chmodSync(`${bundle.rootfs}/tmp`, 0o777);
        bundle.config.linux.seccomp = FILTER;
        Object.assign(bundle.config.process, { noNewPrivileges, user: { uid, gid: uid, additionalGids: [7] } });
        if (isPidJoined) joinPid(bundle, running(t));
        bundle.config.hooks = {
          startContainer: [{ path: '/bin/sh', args: ['sh', '-c', `${CONFINED} > /tmp/hook`], env: ['PATH=/bin'] }],
        };
        const { stdout, stderr } = bundle.run(CONFINED);
        t.match(stdout, /^Seccomp:\t2$/m, stderr);
        t.equal(readFileSync(`${bundle.rootfs}/tmp/hook`, 'utf8'), stdout);
      }
    });

function joinPid(bundle: Bundle, other: Bundle): void {
  const namespace = bundle.config.linux.namespaces.find((one: { type: string }) => one.type === 'pid');
  namespace.path = `/proc/${state(other).pid}/ns/pid`;
}

t.test('no hook has a descriptor but its streams', onlyTsrunc('1.1 leaves some'), async (t) => {
  const bundle = bundleWithInside(t);
  const log = `${bundle.directory}/log`;
  const hook = (name: string, file: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `echo ${name} $(ls /proc/self/fd) >> ${file}`],
    env: ['PATH=/bin:/usr/bin'],
  });
  const outside = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'];
  bundle.config.hooks = Object.fromEntries([
    ...outside.map((name) => [name, [hook(name, log)]]),
    ['startContainer', [hook('startContainer', '/tmp/log')]],
  ]);
  t.equal(create(bundle).status, 0);
  t.equal(call(bundle, 'start', bundle.id).status, 0);
  t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  // 3 is what ls itself reads.
  const told = readFileSync(log, 'utf8') + readFileSync(`${bundle.rootfs}/tmp/log`, 'utf8');
  t.equal(told, [...outside, 'startContainer'].map((name) => `${name} 0 1 2 3\n`).join(''));
});

t.test(
  'what waits to become a program holds nothing but a socket',
  onlyTsrunc('has no --exec-wait-fifo'),
  async (t) => {
    const bundle = running(t);
    const { fifo, child, pid } = await waitingExec(t, bundle);
    const held = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    t.equal(held.filter((name) => name.startsWith('socket:')).length, 1, held.join(' '));
    t.equal(held.length, 4, held.join(' '));
    t.equal(readlinkSync(`/proc/${pid}/ns/pid`), readlinkSync(`/proc/${state(bundle).pid}/ns/pid`));
    writeFileSync(fifo, 'go');
    t.equal(await child, 0);
  },
);

t.test('a container ends while an exec waits', onlyTsrunc('has no --exec-wait-fifo'), async (t) => {
  const bundle = running(t);
  const { child } = await waitingExec(t, bundle);
  const begin = Date.now();
  const deleted = call(bundle, 'delete', '--force', bundle.id);
  t.equal(deleted.status, 0, deleted.stderr);
  t.ok(Date.now() - begin < 8000, 'at once');
  t.equal(await child, 255);
  t.same(bundle.leftovers(), []);
});

async function waitingExec(t: Test, bundle: Bundle): Promise<{ fifo: string; child: Promise<number>; pid: number }> {
  const fifo = `${bundle.directory}/fifo`;
  sh(`mkfifo ${fifo}`);
  const args = bundle.args('exec', '--exec-wait-fifo', fifo, bundle.id, 'true');
  const front = spawn(RUNTIME, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  t.teardown(() => front.kill('SIGKILL'));
  const child = new Promise<number>((resolve) => front.on('exit', (code) => resolve(code ?? -1)));
  const inside = readlinkSync(`/proc/${state(bundle).pid}/ns/pid`);
  const find = () =>
    readFileSync(`/proc/${front.pid}/task/${front.pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number)
      .find((pid) => existsSync(`/proc/${pid}/fd`) && readlinkSync(`/proc/${pid}/ns/pid`) === inside);
  await eventually('it waits', () => find() !== undefined);
  return { fifo, child, pid: find() ?? 0 };
}

t.test('--no-pivot: no whole procfs is left for a user namespace', async (t) => {
  const bundle = bundleWithInside(t);
  const line = 'busybox unshare -mrpf sh -c "mount -t proc none /proc && cat /proc/timer_list"';
  const { stdout } = bundle.run(`${line} 2>&1; echo $?; cat /proc/self/comm`, { flags: ['--no-pivot'] });
  t.notMatch(stdout, /Timer List|clock/);
  t.match(stdout, /(Operation not permitted|EPERM)[^]*\n1\ncat\n$/);
  t.same(bundle.leftovers(), []);
});

t.test('a link of the image leads no mount to files of the kernel', async (t) => {
  for (const [link, target] of [
    ['al', '/proc/sys/kernel'],
    ['al', '/proc'],
    ['deep', '/proc/sys'],
    ...(isTsrunc ? [['al', '/sys/fs']] : []),
  ] as const) {
    const bundle = bundleWithInside(t);
    symlinkSync(target, `${bundle.rootfs}/${link}`);
    mkdirSync(`${bundle.directory}/source`);
    const destination = link === 'deep' ? '/deep/kernel' : '/al';
    bundle.config.mounts.push({ destination, type: 'bind', source: `${bundle.directory}/source`, options: ['bind'] });
    const { status, stderr } = bundle.run('true');
    t.not(status, 0, `${destination} by a link to ${target}`);
    if (isTsrunc) t.match(stderr, /a symbolic link of the rootfs leads it to \/(proc|sys)/);
    bundle.remove();
  }
});

t.test('mounts on files of the kernel that the configuration names', async (t) => {
  const bundle = bundleWithInside(t);
  const names = ['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg'].map(
    (name) => `/proc/${name}`,
  );
  mkdirSync(`${bundle.rootfs}/usr/share`, { recursive: true });
  mkdirSync(`${bundle.rootfs}/other`);
  symlinkSync('../other', `${bundle.rootfs}/usr/link`);
  writeFileSync(`${bundle.directory}/file`, 'bound\n');
  mkdirSync(`${bundle.directory}/empty`);
  const bind = (source: string) => (destination: string) =>
    bundle.config.mounts.push({
      destination,
      type: 'bind',
      source: `${bundle.directory}/${source}`,
      options: ['bind'],
    });
  [...names, '/usr/link/file'].forEach(bind('file'));
  ['/sys/firmware', '/sys/fs/cgroup'].forEach(bind('empty'));
  const { status, stdout, stderr } = bundle.run(`cat ${names.join(' ')} /other/file; ls /sys/firmware /sys/fs/cgroup`);
  t.equal(status, 0, stderr);
  t.match(stdout, 'bound\n'.repeat(names.length + 1));
});

/** What the attacker has seized: effective capabilities, names, maps of user ids. */
async function seizedBy(t: Test, change: (bundle: Bundle) => void, attempt: (bundle: Bundle) => void) {
  const spy = running(t, (bundle) => {
    change(bundle);
    bundle.config.process.capabilities = ROOT_CAPABILITIES;
    bundle.config.process.args = ['sh', '-c', 'exec inside seize > /tmp/seized'];
  });
  const file = `${spy.rootfs}/tmp/seized`;
  await eventually('the attacker is there', () => existsSync(file) && readFileSync(file, 'utf8').startsWith('ready'));
  for (let i = 0; i < 12; i++) attempt(spy);
  const seized = [...readFileSync(file, 'utf8').matchAll(/^seized (\w+) (\S+) (.*)$/gm)];
  const own = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(readFileSync(`/proc/${state(spy).pid}/status`, 'utf8'))?.[1]}`);
  t.not(own, 0n);
  const more = seized.filter(([, caps]) => (BigInt(`0x${caps}`) & ~own) !== 0n).map(([line]) => line);
  return { count: seized.length, more };
}

t.test('who may trace in the container seizes nothing that can do more', onlyTsrunc('has that hole'), async (t) => {
  const run = (bundle: Bundle) => {
    const { status, stderr } = exec(bundle, bundle.id, 'true');
    t.equal(status, 0, stderr);
  };
  const withFilter = (bundle: Bundle) => {
    bundle.config.process.noNewPrivileges = false;
    bundle.config.linux.seccomp = FILTER;
  };
  for (const [name, change] of [
    ['exec', () => {}],
    ['exec, with a filter that needs a capability', withFilter],
    ['exec, in a user namespace', USER_NAMESPACE],
  ] as const) {
    const { count, more } = await seizedBy(t, change, run);
    t.same(more, [], name);
    if (change !== USER_NAMESPACE) t.ok(count > 0, `${name}: the attempt can succeed`);
  }
  const joined = await seizedBy(t, withFilter, (spy) => {
    // The program itself can do no more than the attacker: who does is one of ours.
    const second = bundleWithInside(t, withFilter);
    second.config.process.capabilities = ROOT_CAPABILITIES;
    joinPid(second, spy);
    const { status, stderr } = second.run('true');
    t.equal(status, 0, stderr);
    second.remove();
  });
  t.same(joined.more, [], 'a container that joins the pid namespace');
  t.ok(joined.count > 0, 'a container that joins the pid namespace: the attempt can succeed');
});

t.test('exec under filters that are older, or forbid more, than what starts it', async (t) => {
  const refuse =
    (...names: string[]) =>
    (bundle: Bundle) => {
      bundle.config.process.noNewPrivileges = false;
      bundle.config.linux.seccomp = { ...FILTER, syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] };
    };
  for (const names of isTsrunc
    ? [
        ['clone3', 'close_range', 'openat2', 'faccessat2', 'statx'],
        ['clone', 'clone3', 'fork', 'vfork'],
        ['setsid'],
        ['prctl'],
      ]
    : [['clone3']]) {
    const bundle = running(t, (b) => {
      refuse(...names)(b);
      b.config.process.args = ['sleep', '1000'];
    });
    const args = bundle.args('exec', '-t', bundle.id, 'grep', 'Seccomp:', '/proc/self/status');
    // script(1) gives the terminal that -t needs on this side; what goes to it comes as standard output.
    const { status, stdout } = execute('script', ['-qec', `${RUNTIME} ${args.join(' ')}`, '/dev/null']);
    t.equal(status, 0, `${names.join(' ')}: ${stdout}`);
    t.match(stdout, /:\t2/, names.join(' '));
    bundle.remove();
  }
});

t.test('exec with a scheduling policy that is not for children', onlyTsrunc('1.1 knows no scheduler'), async (t) => {
  const bundle = running(t, (b) => {
    b.config.process.scheduler = { policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_RESET_ON_FORK'] };
  });
  // Field 41 of proc_pid_stat(5) is the policy: 3 is SCHED_BATCH.
  t.match(exec(bundle, bundle.id, 'cat', '/proc/self/stat').stdout, /^(\S+ ){40}3 /);
});
