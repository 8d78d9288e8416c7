// tsrunc run: status, streams, signals, the process as configured. runtime.md, Lifecycle; config.md, Process.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { background, eventually, execute, sh } from '../support/host.ts';

t.test('the exit status of the container is that of run', async (t) => {
  const bundle = bundleFor(t);
  t.equal(bundle.run('exit 0').status, 0);
  t.equal(bundle.run('exit 7').status, 7);
  t.equal(bundle.run('kill -9 $$; sleep 1').status, 0, 'init of a pid namespace does not take its own SIGKILL');
  bundle.config.linux.namespaces = bundle.config.linux.namespaces.filter((n: { type: string }) => n.type !== 'pid');
  t.equal(bundle.run('kill -9 $$').status, 137, '128 + SIGKILL');
  t.same(bundle.leftovers(), []);
});

t.test('standard streams are inherited', async (t) => {
  const bundle = bundleFor(t);
  const result = bundle.run('cat; echo err >&2', { input: 'through' });
  t.equal(result.stdout, 'through');
  t.match(result.stderr, /^err$/m);
});

t.test('only the standard streams are open in the container', async (t) => {
  const bundle = bundleFor(t);
  // ls itself opens the directory it lists
  const fds = bundle.run('ls /proc/self/fd').stdout.split('\n').filter(Boolean);
  t.same(fds, ['0', '1', '2', '3']);
  // The shell stays process 1 (a last command would take its place), and has no pipe open itself.
  t.equal(bundle.run('ls /proc/1/fd; true').stdout, '0\n1\n2\n');
});

t.test('names, environment, directory', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.hostname = 'box';
  bundle.config.process.env.push('A=b c');
  bundle.config.process.cwd = '/made/for/it';
  const lines = bundle.run('hostname; echo "$A"; pwd; echo "$HOME"; echo $$').stdout.split('\n');
  t.same(lines, ['box', 'b c', '/made/for/it', '/root', '1', '']);
});

t.test('domainname', onlyTsrunc('1.1 does not know domainname'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.domainname = 'example.test';
  t.equal(bundle.run('cat /proc/sys/kernel/domainname').stdout, 'example.test\n');
});

t.test('user, groups, umask', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.user = { uid: 1000, gid: 1001, additionalGids: [5, 6], umask: 0o077 };
  const { stdout } = bundle.run('id -u; id -g; grep Groups /proc/self/status; umask; echo $HOME');
  t.same(stdout.split('\n'), ['1000', '1001', 'Groups:\t5 6 ', '0077', '/home/user', '']);
  bundle.config.process.user = { uid: 0, gid: 0 };
  t.equal(bundle.run('umask').stdout, '0022\n');
});

t.test('a user can open the standard streams again', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.user = { uid: 1000, gid: 1000 };
  bundle.config.process.args = ['sh', '-c', 'echo out > /dev/stdout'];
  bundle.save();
  // A pipe: what Node gives its children is a socket, which nobody can open.
  const line = `${RUNTIME} ${bundle.args('run', bundle.id).join(' ')} | cat`;
  t.equal(execute('bash', ['-c', line], { cwd: bundle.directory }).stdout, 'out\n');
});

t.test('capability sets', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.capabilities = {
    bounding: ['CAP_CHOWN', 'CAP_KILL'],
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    effective: ['CAP_KILL'],
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_KILL'],
  };
  const sets = Object.fromEntries(
    bundle
      .run('grep Cap /proc/1/status')
      .stdout.split('\n')
      .filter(Boolean)
      .map((line) => line.split(':\t') as [string, string]),
  );
  const word = (bits: bigint) => bits.toString(16).padStart(16, '0');
  t.equal(sets['CapBnd'], word(0x21n));
  t.equal(sets['CapInh'], word(0x20n));
  t.equal(sets['CapAmb'], word(0x20n));
  bundle.config.process.user = { uid: 1000, gid: 1000 };
  const status = bundle.run('grep -E "CapPrm|CapEff" /proc/self/status').stdout;
  t.equal(status, `CapPrm:\t${word(0x20n)}\nCapEff:\t${word(0x20n)}\n`, 'a user keeps what is ambient through execve');
});

t.test('an unknown capability is a warning', onlyTsrunc('prints it in another form'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.capabilities.bounding = ['CAP_KILL', 'CAP_MOON'];
  const result = bundle.run('echo on');
  t.equal(result.stdout, 'on\n');
  t.match(result.stderr, /level=warning msg="ignoring unknown capabilities: CAP_MOON"/);
});

t.test('resource limits', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.rlimits = [
    { type: 'RLIMIT_NOFILE', soft: 512, hard: 1000 },
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
  ];
  t.equal(bundle.run('ulimit -Sn; ulimit -Hn; ulimit -c').stdout, '512\n1000\n0\n');
});

t.test(
  "without a limit of its own the container has the caller's",
  onlyTsrunc('a Go runtime raises the soft limit'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.process.rlimits = [];
    bundle.config.process.args = ['sh', '-c', 'ulimit -Sn'];
    bundle.save();
    const result = execute(
      'bash',
      ['-c', `ulimit -Sn 300; exec ${RUNTIME} ${bundle.args('run', bundle.id).join(' ')}`],
      { cwd: bundle.directory },
    );
    t.equal(result.stdout, '300\n', 'Node raises the limit for itself alone');
  },
);

t.test('noNewPrivileges and oomScoreAdj', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.noNewPrivileges = false;
  bundle.config.process.oomScoreAdj = 321;
  t.match(
    bundle.run('grep NoNewPrivs /proc/self/status; cat /proc/self/oom_score_adj').stdout,
    /NoNewPrivs:\t0\n321\n/,
  );
  bundle.config.process.noNewPrivileges = true;
  t.match(bundle.run('grep NoNewPrivs /proc/self/status').stdout, /:\t1/);
});

t.test('signals are forwarded, from the first moment of the program on', async (t) => {
  const bundle = bundleFor(t);
  for (let i = 0; i < 5; i++) {
    const child = bundle.start('trap "echo got it; exit 42" TERM; echo ready; while :; do sleep 0.05; done');
    let output = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
      if (output.endsWith('ready\n')) child.kill('SIGTERM');
    });
    const [status] = (await once(child, 'exit')) as [number];
    t.equal(status, 42);
    t.match(output, /got it/);
    t.same(bundle.leftovers(), []);
  }
});

t.test('--detach and --pid-file', async (t) => {
  const bundle = bundleFor(t);
  const pidFile = `${bundle.directory}/pid`;
  const result = bundle.run('exec >/dev/null 2>&1; while :; do sleep 0.1; done', {
    flags: ['-d', '--pid-file', pidFile],
  });
  t.equal(result.status, 0, result.stderr);
  const text = readFileSync(pidFile, 'utf8');
  t.match(text, /^\d+$/, 'digits only');
  t.ok(existsSync(`/proc/${text}`));
  t.equal(
    readFileSync(`/proc/${text}/comm`, 'utf8'),
    'sh\n',
    'the program itself, no process of the runtime in between',
  );
  process.kill(Number(text), 'SIGKILL');
});

t.test('--keep leaves the state', onlyTsrunc('1.1 keeps it elsewhere'), async (t) => {
  const bundle = bundleFor(t);
  t.equal(bundle.run('exit 3', { flags: ['--keep'] }).status, 3);
  t.ok(existsSync(`${bundle.root}/${bundle.id}/state.json`));
  t.match(bundle.run('true').stderr, /container with given ID already exists/);
});

t.test('flags stand where runc takes them', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  for (const flags of [
    ['-b', bundle.directory],
    [`-b=${bundle.directory}`],
    ['--bundle', bundle.directory],
    ['-bundle', bundle.directory],
  ])
    t.equal(execute(RUNTIME, bundle.args('run', ...flags, bundle.id)).status, 0, flags.join(' '));
});

t.test('flags after the id', onlyTsrunc('its flag parser stops at the first argument'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['true'];
  bundle.save();
  t.equal(execute(RUNTIME, bundle.args('run', bundle.id, '-b', bundle.directory)).status, 0);
});

t.test('a filter that allows little more than the program needs', onlyTsrunc('needs more calls itself'), async (t) => {
  for (const noNewPrivileges of [true, false]) {
    const bundle = bundleFor(t);
    bundle.config.process.noNewPrivileges = noNewPrivileges;
    bundle.config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [
        {
          names: [
            'execve',
            'exit_group',
            'brk',
            'arch_prctl',
            'write',
            'mprotect',
            'getuid',
            ...(noNewPrivileges ? [] : ['capset']),
          ],
          action: 'SCMP_ACT_ALLOW',
        },
      ],
    };
    bundle.config.process.args = ['echo', 'here'];
    t.match(bundle.runAsIs(), { status: 0, stdout: 'here\n', stderr: '' }, `no_new_privs ${noNewPrivileges}`);
    // CAP_SYS_ADMIN, which the filter needs without no_new_privs, is gone again.
    bundle.config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
    t.match(bundle.run('grep Cap /proc/self/status').stdout, /CapPrm:\s+0000000020000420\nCapEff:\s+0000000020000420/);
  }
});

t.test('lo is up in a new network namespace, and is left alone in another', async (t) => {
  const bundle = bundleFor(t);
  const script = 'ip link show lo; echo caller: $A';
  t.match(bundle.run(script).stdout, /lo: <LOOPBACK,UP/, 'also without CAP_NET_ADMIN for the program');
  // One whose lo is down, held by a process of ours.
  const holder = background('unshare', ['-n', 'sleep', '60'], bundle.directory);
  t.teardown(() => holder.kill('SIGKILL'));
  const path = `/proc/${holder.pid}/ns/net`;
  await eventually('a namespace of its own', () => sh(`readlink ${path}`) !== sh('readlink /proc/self/ns/net'));
  bundle.config.linux.namespaces.find((n: { type: string }) => n.type === 'network').path = path;
  bundle.config.mounts = bundle.config.mounts.filter((m: { type: string }) => m.type !== 'sysfs');
  t.notMatch(bundle.run(script).stdout, /lo: <LOOPBACK,UP/);
});
