// exec: a process that joins a running container.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, isTsrunc, onlyTsrunc, ROOT_CAPABILITIES, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, create, WAITING } from '../support/commands.ts';
import { eventually, execute, sh, type Result } from '../support/host.ts';

function running(t: Parameters<typeof bundleFor>[0], change: (bundle: Bundle) => void = () => {}): Bundle {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'while :; do sleep 0.1; done'];
  bundle.config.root.readonly = false;
  change(bundle);
  bundle.save();
  const line = `${RUNTIME} ${bundle.args('run', '-d', '--pid-file', `${bundle.directory}/pid`, bundle.id).join(' ')} </dev/null >out 2>&1`;
  const result = execute('bash', ['-c', line], { cwd: bundle.directory });
  if (result.status !== 0) throw new Error(readFileSync(`${bundle.directory}/out`, 'utf8'));
  return bundle;
}

function exec(bundle: Bundle, ...args: string[]): Result {
  return execute(RUNTIME, bundle.args('exec', ...args), { cwd: bundle.directory });
}

t.test("namespaces, cgroup, root are the container's", async (t) => {
  const bundle = running(t);
  const pid = readFileSync(`${bundle.directory}/pid`, 'utf8');
  const look = 'for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done; cat /proc/self/cgroup; ls /';
  const inside = exec(bundle, bundle.id, 'sh', '-c', look);
  t.equal(
    inside.stdout,
    sh(
      `nsenter -t ${pid} -m -p -r -w sh -c 'true'; for n in cgroup ipc mnt net pid uts; do readlink /proc/${pid}/ns/$n; done; cat /proc/${pid}/cgroup; ls /proc/${pid}/root/`,
    ),
  );
});

t.test('exit codes', async (t) => {
  const bundle = running(t);
  t.equal(exec(bundle, bundle.id, 'sh', '-c', 'exit 3').status, 3);
  t.equal(exec(bundle, bundle.id, 'sh', '-c', 'kill -9 $$').status, 137);
  const missing = exec(bundle, bundle.id, 'nope');
  t.equal(missing.status, 255, 'a failed exec');
  t.match(missing.stderr, /executable file not found in \$PATH/);
  t.not(exec(bundle, bundle.id).status, 0, 'no command');
});

t.test("options stand before the id; what follows is the program's", async (t) => {
  const bundle = running(t);
  t.equal(
    exec(bundle, '-e', 'A=1', '-e', 'B=2', '--cwd', '/tmp', bundle.id, 'sh', '-c', 'echo $A$B; pwd').stdout,
    '12\n/tmp\n',
  );
  t.equal(exec(bundle, bundle.id, 'echo', '-e', '--cwd').stdout, '--cwd\n');
});

t.test('users are parsed strictly', async (t) => {
  const bundle = running(t);
  t.match(exec(bundle, '-u', '1000:1001', '-g', '7', bundle.id, 'id').stdout, /uid=1000\S* gid=1001 groups=(1001,)?7/);
  t.match(exec(bundle, '--user', '5', bundle.id, 'id', '-u').stdout, /^5$/m);
  t.equal(exec(bundle, '--user=', bundle.id, 'id', '-u').stdout, '0\n', 'an empty one is as not given');
  if (isTsrunc)
    for (const user of ['01', ' 1', '1:', '-1', 'x', '4294967295', '1:x', '1:2:3', '1 ', '+1']) {
      const result = exec(bundle, `--user=${user}`, bundle.id, 'id', '-u');
      t.equal(result.status, 255, JSON.stringify(user));
      t.equal(result.stdout, '');
    }
});

t.test('--cap is never inheritable', async (t) => {
  const bundle = running(t);
  const { stdout } = exec(bundle, '--cap', 'CAP_NET_ADMIN', bundle.id, 'grep', 'Cap', '/proc/self/status');
  t.match(stdout, /CapInh:\t0000000000000000/);
  t.match(stdout, /CapEff:\t0000000020001420/);
});

t.test('--process, --no-new-privs', async (t) => {
  const bundle = running(t, (b) => (b.config.process.noNewPrivileges = false));
  const file = `${bundle.directory}/process.json`;
  writeFileSync(
    file,
    JSON.stringify({
      cwd: '/tmp',
      args: ['sh', '-c', 'pwd; echo $X'],
      env: ['PATH=/bin', 'X=file'],
      user: { uid: 0, gid: 0 },
    }),
  );
  t.equal(exec(bundle, '--process', file, bundle.id).stdout, '/tmp\nfile\n');
  t.match(exec(bundle, bundle.id, 'grep', 'NoNewPrivs', '/proc/self/status').stdout, /:\t0/);
  t.match(exec(bundle, '--no-new-privs', bundle.id, 'grep', 'NoNewPrivs', '/proc/self/status').stdout, /:\t1/);
  writeFileSync(file, '{"cwd":"x","args":[]}');
  t.equal(exec(bundle, '--process', file, bundle.id).status, 255);
});

t.test('--detach and --pid-file; no pid file where nothing runs', async (t) => {
  const bundle = running(t);
  const file = `${bundle.directory}/exec.pid`;
  const line = `${RUNTIME} ${bundle.args('exec', '-d', '--pid-file', file, bundle.id, 'sleep', '100').join(' ')} </dev/null >/dev/null 2>&1`;
  t.equal(execute('bash', ['-c', line]).status, 0);
  const pid = readFileSync(file, 'utf8');
  t.match(pid, /^\d+$/);
  t.equal(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'sleep\n');
  const failed = `${bundle.directory}/failed.pid`;
  t.equal(exec(bundle, '-d', '--pid-file', failed, bundle.id, 'nope').status, 255);
  t.notOk(existsSync(failed));
});

t.test('no descriptor of the host comes along', onlyTsrunc('1.1 leaves one'), async (t) => {
  const bundle = running(t);
  const line = `exec 9</; exec ${RUNTIME} ${bundle.args('exec', bundle.id, 'ls', '/proc/self/fd').join(' ')}`;
  t.equal(execute('bash', ['-c', line]).stdout, '0\n1\n2\n3\n');
  for (let fd = 3; fd < 20; fd++) {
    // A descriptor of ours that is inside the container leads nowhere else.
    const result = exec(
      bundle,
      '--cwd',
      `/proc/self/fd/${fd}`,
      bundle.id,
      'sh',
      '-c',
      'pwd -P; ls -d ../../../../tmp/tsrunc-test*',
    );
    t.not(result.status, 0, `cwd /proc/self/fd/${fd}`);
    t.match(result.stdout, /^(\/\n)?$/);
  }
});

t.test('--preserve-fds, with holes', async (t) => {
  const bundle = running(t);
  writeFileSync(`${bundle.directory}/three`, 'three');
  const line = (holes: string, n: number) =>
    `cd ${bundle.directory}; exec ${holes}; exec ${RUNTIME} ${bundle.args('exec', '--preserve-fds', String(n), bundle.id, 'sh', '-c').join(' ')} 'cat <&3 2>/dev/null; cat <&5 2>/dev/null; ls /proc/self/fd | tr "\\n" " "'`;
  t.match(execute('bash', ['-c', line('3<three', 1)]).stdout, /^three0 1 2 3 4? ?$/);
  if (isTsrunc)
    t.match(
      execute('bash', ['-c', line('5<three', 3)]).stdout,
      /^three0 1 2 3 5 ?$/,
      '3 and 4 are holes; 3 is what ls has open itself',
    );
});

t.test('a pid namespace that is joined by path', async (t) => {
  const first = running(t);
  const pid = readFileSync(`${first.directory}/pid`, 'utf8');
  const second = bundleFor(t);
  second.config.linux.namespaces = second.config.linux.namespaces.map((n: { type: string }) =>
    n.type === 'pid' ? { type: 'pid', path: `/proc/${pid}/ns/pid` } : n,
  );
  const result = second.run(
    'cat /proc/1/cmdline | tr "\\0" " "; readlink /proc/self/ns/pid; [ $$ -gt 1 ] && echo "not one"; exit 4',
  );
  t.equal(result.status, 4, result.stderr);
  t.match(
    result.stdout,
    `sh -c while :; do sleep 0.1; done pid:[${/\d+/.exec(sh(`readlink /proc/${pid}/ns/pid`))?.[0]}]\nnot one\n`,
  );
  t.same(second.leftovers(), []);
});

t.test(
  "who may trace in a joined pid namespace never sees the host's root",
  onlyTsrunc('joins it early'),
  async (t) => {
    const spy = running(t, (b) => {
      b.config.process.capabilities = ROOT_CAPABILITIES;
      b.config.process.args = [
        'sh',
        '-c',
        `while :; do for p in /proc/[0-9]*; do cat $p/root${b.directory}/secret 2>/dev/null >> /tmp/seen; done; done`,
      ];
    });
    writeFileSync(`${spy.directory}/secret`, 'SECRET', { mode: 0o600 });
    const pid = readFileSync(`${spy.directory}/pid`, 'utf8');
    for (let i = 0; i < 15; i++) {
      const second = bundleFor(t);
      second.config.linux.namespaces = second.config.linux.namespaces.map((n: { type: string }) =>
        n.type === 'pid' ? { type: 'pid', path: `/proc/${pid}/ns/pid` } : n,
      );
      const ran = second.run('true');
      t.equal(ran.status, 0, ran.stderr);
      exec(spy, spy.id, 'true');
      second.remove();
    }
    t.equal(existsSync(`${spy.rootfs}/tmp/seen`) ? readFileSync(`${spy.rootfs}/tmp/seen`, 'utf8') : '', '');
  },
);

t.test('--exec-wait-fifo holds the program back', onlyTsrunc('does not have it'), async (t) => {
  const bundle = running(t);
  const fifo = `${bundle.directory}/fifo`;
  sh(`mkfifo ${fifo}`);
  const child = spawn(RUNTIME, bundle.args('exec', '--exec-wait-fifo', fifo, bundle.id, 'touch', '/tmp/ran'));
  await new Promise((wake) => setTimeout(wake, 400));
  t.notOk(existsSync(`${bundle.rootfs}/tmp/ran`));
  writeFileSync(fifo, 'go');
  await eventually('it runs', () => existsSync(`${bundle.rootfs}/tmp/ran`));
  child.kill();
});

t.test('--cgroup', onlyTsrunc('1.1 does not have it'), async (t) => {
  const bundle = running(t);
  const pid = readFileSync(`${bundle.directory}/pid`, 'utf8');
  const own = /:pids:(.*)/.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  sh(`mkdir /sys/fs/cgroup/pids${own}/sub`);
  t.match(
    exec(bundle, '--cgroup', 'pids:sub', bundle.id, 'grep', ':pids:', '/proc/self/cgroup').stdout,
    `${own}/sub\n`,
  );
  for (const path of ['pids:../..', 'pids:sub/../../..'])
    t.equal(exec(bundle, '--cgroup', path, bundle.id, 'true').status, 255, path);
});

const CONSOLE = `
import socket, sys, os, array, subprocess
path, command = sys.argv[1], sys.argv[2:]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); server.bind(path); server.listen(1)
runtime = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
server.settimeout(15)
connection, _ = server.accept()
name, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
fds = array.array('i'); fds.frombytes(ancillary[0][2][:4])
print('name', name.decode(), 'status', runtime.wait(), runtime.stderr.read().decode())
output = b''
try:
    while b'end' not in output: output += os.read(fds[0], 4096)
except OSError: pass
print(output.decode())
`;

t.test('the console socket gets the terminal of a detached process', async (t) => {
  const bundle = running(t);
  const socket = `${bundle.directory}/console`;
  const result = execute('python3', [
    '-c',
    CONSOLE,
    socket,
    RUNTIME,
    ...bundle.args(
      'exec',
      '-d',
      '-t',
      '--console-socket',
      socket,
      bundle.id,
      'sh',
      '-c',
      'test -t 0 && echo a terminal; echo end; sleep 1',
    ),
  ]);
  t.match(result.stdout, /^name \S+ status 0/, result.stderr);
  t.match(result.stdout, /a terminal\r\nend/);
  const detached = bundleFor(t);
  detached.config.process.terminal = true;
  detached.config.process.args = ['sh', '-c', 'test -t 1 && echo a terminal; echo end; sleep 1'];
  detached.save();
  const path = `${detached.directory}/console`;
  const created = execute('python3', [
    '-c',
    CONSOLE,
    path,
    RUNTIME,
    ...detached.args('run', '-d', '-b', detached.directory, '--console-socket', path, detached.id),
  ]);
  t.match(created.stdout, /status 0 \n[^]*a terminal\r\nend/, created.stderr);
  t.match(
    exec(bundle, '-d', '-t', bundle.id, 'true').stderr,
    /cannot allocate tty if \S+ will detach without setting console socket/,
  );
});

t.test('an SELinux label that this host has no SELinux for', onlyTsrunc('1.1 ignores it'), async (t) => {
  if (existsSync('/sys/fs/selinux/enforce')) return t.pass('it has SELinux');
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  // The first that is labelled: its keys, or the program where it has no keys of its own.
  for (const [flags, what] of [
    [[], 'its keys'],
    [['--no-new-keyring'], 'the program'],
  ] as const) {
    t.equal(create(bundle, ...flags).status, 0);
    t.equal(call(bundle, 'start', bundle.id).status, 0);
    const { status, stderr } = exec(bundle, '--process-label', 'u:r:t:s0', bundle.id, 'true');
    t.equal(status, 255);
    t.match(stderr, new RegExp(`set the label for ${what} to "u:r:t:s0": EINVAL.*\nhint: is SELinux enabled`));
    t.equal(call(bundle, 'delete', '--force', bundle.id).status, 0);
  }
});

t.test('a variable that is added wins, once; what is empty is as not given', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.env.push('A=1');
  bundle.config.process.args = WAITING;
  create(bundle);
  call(bundle, 'start', bundle.id);
  const { stdout } = call(bundle, 'exec', '-e', 'A=2', '-u', '', '--cwd', '', bundle.id, 'env');
  t.same(stdout.match(/^A=.*$/gm), ['A=2']);
  t.not(call(bundle, 'exec', '-e', 'NOEQ', bundle.id, 'true').status, 0, 'a name alone');
  t.not(call(bundle, 'exec', '-e', '', bundle.id, 'true').status, 0, 'nothing');
});
