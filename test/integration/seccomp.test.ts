// linux.seccomp: config-linux.md, Seccomp. What a filter does is asked of the kernel, by a program that makes bare system calls.
import { copyFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME, type Bundle } from '../support/bundle.ts';
import { call, create } from '../support/commands.ts';
import { execute, type Result } from '../support/host.ts';

const EBADF = 9;
const ENOSYS = 38;
const MINE = 77; // an errno that no call of these tests has of its own
const LSEEK = 8;
const GETPPID = 110;

/** Runs build/test/call in the container; an argument is a number with the call's arguments behind it. */
function callsIn(bundle: Bundle, seccomp: object, ...calls: string[]): Result {
  copyFileSync('build/test/call', `${bundle.rootfs}/bin/call`);
  bundle.config.process.args = ['/bin/call', ...calls];
  bundle.config.linux.seccomp = seccomp;
  bundle.save();
  // Integers beyond 2^53 are written as strings that end with n.
  writeFileSync(`${bundle.directory}/config.json`, JSON.stringify(bundle.config).replace(/"(\d+)n"/g, '$1'));
  return execute(RUNTIME, bundle.args('run', bundle.id), { cwd: bundle.directory });
}

const arches = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

/** Everything is allowed but what these rules refuse with MINE. */
const refusing = (...rules: { names: string[]; args?: object[] }[]) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: arches,
  syscalls: rules.map((rule) => ({ ...rule, action: 'SCMP_ACT_ERRNO', errnoRet: MINE })),
});

t.test('rules refuse with their errno, with and without no_new_privs', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.root.readonly = false;
  for (const noNewPrivileges of [true, false]) {
    bundle.config.process.noNewPrivileges = noNewPrivileges;
    bundle.config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      syscalls: [
        { names: ['mkdir', 'mkdirat', 'not_a_call_at_all'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
        { names: ['kill'], action: 'SCMP_ACT_ERRNO', args: [{ index: 1, value: 10, op: 'SCMP_CMP_EQ' }] },
      ],
    };
    const result = bundle.run('mkdir /tmp/x; kill -10 $$; echo after; grep Seccomp: /proc/self/status');
    t.match(result.stderr, /No space left on device/, 'ENOSPC, as the profile says');
    t.match(result.stderr, /Operation not permitted/);
    t.equal(result.stdout, 'after\nSeccomp:\t2\n');
  }
});

/** Around 2^32 + 5, so that a comparison of one half alone is noticed. */
const OFFSETS = ['4', '5', '6', '0x100000004', '0x100000005', '0x100000006', '0x200000005', '0xffffffffffffffff'];
const OPERATORS: Readonly<Record<string, string>> = {
  SCMP_CMP_NE: '11110111',
  SCMP_CMP_LT: '11110000',
  SCMP_CMP_LE: '11111000',
  SCMP_CMP_EQ: '00001000',
  SCMP_CMP_GE: '00001111',
  SCMP_CMP_GT: '00000111',
};

t.test('each operator compares 64 bits', async (t) => {
  const bundle = bundleFor(t);
  const calls = OFFSETS.map((offset) => `${LSEEK},-1,${offset},0`);
  const bits = (stdout: string) => stdout.split(' ').map((errno) => (errno === String(MINE) ? '1' : '0'));
  for (const [op, refused] of Object.entries(OPERATORS)) {
    const filter = refusing({ names: ['lseek'], args: [{ index: 1, value: 0x100000005, op }] });
    t.equal(bits(callsIn(bundle, filter, ...calls).stdout).join(''), refused, op);
  }
  const largest = [{ index: 1, value: '18446744073709551615n', op: 'SCMP_CMP_EQ' }];
  t.equal(
    bits(callsIn(bundle, refusing({ names: ['lseek'], args: largest }), ...calls).stdout).join(''),
    '00000001',
    'an integer that no JSON number of JavaScript holds',
  );
  const masked = [{ index: 1, value: 0x100000001, valueTwo: 0x100000000, op: 'SCMP_CMP_MASKED_EQ' }];
  t.equal(
    bits(callsIn(bundle, refusing({ names: ['lseek'], args: masked }), ...calls).stdout).join(''),
    '00010100',
    'bits of the mask alone',
  );
});

t.test('conditions and rules together', async (t) => {
  const bundle = bundleFor(t);
  const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' });
  const calls = [`${LSEEK},-1,5,1`, `${LSEEK},-1,5,0`, `${LSEEK},-1,6,1`, `${LSEEK},-1,6,0`];
  const errnos = (filter: object) => callsIn(bundle, filter, ...calls).stdout.replaceAll(String(EBADF), '-');
  t.equal(errnos(refusing({ names: ['lseek'], args: [eq(1, 5), eq(2, 1)] })), `${MINE} - - -`, 'both must hold');
  t.equal(
    errnos(refusing({ names: ['lseek'], args: [eq(1, 5), eq(1, 6)] })),
    `${MINE} ${MINE} ${MINE} ${MINE}`,
    'two of one argument: either, as the peers have it',
  );
  t.equal(
    errnos(refusing({ names: ['lseek'], args: [eq(1, 5)] }, { names: ['lseek'], args: [eq(2, 1)] })),
    `${MINE} ${MINE} ${MINE} -`,
    'two rules of one call: either',
  );
  t.equal(errnos(refusing({ names: ['lseek'] })), `${MINE} ${MINE} ${MINE} ${MINE}`, 'no condition');
});

/** What a static program, and a runtime before it, may not do without. Younger calls than these are not among them. */
const NEEDED = (
  'read write close exit exit_group execve brk mmap munmap mprotect arch_prctl fstat newfstatat fcntl readlink readlinkat ' +
  'set_tid_address set_robust_list rseq prlimit64 getrandom ioctl uname access futex openat getdents64 capset prctl chdir ' +
  'setgroups setgid setuid setresuid setresgid fchdir getcwd stat lstat lseek rt_sigaction rt_sigprocmask rt_sigreturn ' +
  'sigaltstack clone sched_yield epoll_pwait epoll_ctl nanosleep getpid gettid tgkill madvise statfs fstatfs faccessat ' +
  'capget fchown keyctl close_range sendmsg recvmsg socket connect statx'
).split(' ');
const CLOSE_RANGE = 436; // the youngest of them

t.test('calls younger than the profile do not exist', async (t) => {
  const bundle = bundleFor(t);
  const filter = (more: object) => ({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: arches,
    syscalls: [{ names: NEEDED, action: 'SCMP_ACT_ALLOW' }],
    ...more,
  });
  const asked = [GETPPID, CLOSE_RANGE + 1, 452, 1000].map(String);
  t.equal(callsIn(bundle, filter({}), ...asked).stdout, `1 ${ENOSYS} ${ENOSYS} ${ENOSYS}`, 'an old call is EPERM');
  t.equal(callsIn(bundle, filter({ defaultErrnoRet: 5 }), ...asked).stdout, `5 ${ENOSYS} ${ENOSYS} ${ENOSYS}`);
  const x32 = [GETPPID, 600].map((number) => String(0x40000000 + number));
  t.equal(callsIn(bundle, filter({}), ...x32).stdout, `1 ${ENOSYS}`, 'numbers of x32 have a bit of their own');
  t.equal(
    callsIn(bundle, filter({ defaultAction: 'SCMP_ACT_KILL_PROCESS' }), String(GETPPID)).status,
    128 + 31,
    'what the profile could have named is killed',
  );
  t.equal(callsIn(bundle, filter({ defaultAction: 'SCMP_ACT_KILL_PROCESS' }), '1000').stdout, String(ENOSYS));
  const allowing = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['getppid'], action: 'SCMP_ACT_ERRNO' }] };
  t.equal(callsIn(bundle, allowing, '440,-1').stdout, String(EBADF), 'not where all is allowed by default');
});

t.test('a filter that refuses even to end', onlyTsrunc('runc waits for itself for ever'), async (t) => {
  const bundle = bundleFor(t);
  const reason = /exec: "\w+": init ended before it was executed\nhint: .*seccomp/;
  for (const names of [
    ['execve'],
    ['execve', 'sendmsg', 'write'],
    ['exit', 'exit_group', 'execve', 'sendmsg', 'write'],
  ]) {
    const expected = names.length === 1 ? /exec: "\w+": EBADFD: .*\(execve / : reason;
    bundle.config.linux.seccomp = refusing({ names });
    for (const noNewPrivileges of [true, false]) {
      bundle.config.process.noNewPrivileges = noNewPrivileges;
      const result = bundle.run('true');
      t.equal(result.status, 1, 'it ends by itself, and says so');
      t.match(result.stderr, expected, names.join(' '));
      t.same(bundle.leftovers(), []);
    }
    t.equal(create(bundle).status, 0);
    const start = call(bundle, 'start', bundle.id);
    t.equal(start.status, 1);
    t.match(start.stderr, expected, `start, ${names.join(' ')}`);
    t.equal(call(bundle, 'delete', bundle.id).status, 0);
  }
});
