// process.terminal in the foreground: a pseudoterminal in the container, ours raw meanwhile and as before afterwards.
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { execute } from '../support/host.ts';

/** Runs the runtime on a terminal of 40 lines and 120 columns, types `typed` once `prompt` shows, and tells what came. */
const ON_A_TERMINAL = `
import fcntl, os, pty, select, struct, sys, termios, time
prompt, typed, command = sys.argv[1].encode(), sys.argv[2].encode().decode('unicode_escape').encode(), sys.argv[3:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid(); fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3): os.dup2(slave, fd)
    os.execvp(command[0], command)
output, sent, raw, end = b'', False, False, time.time() + 30
status = None
while time.time() < end:
    if select.select([master], [], [], 0.1)[0]: output += os.read(master, 4096)
    if prompt in output and not sent:
        raw = not (termios.tcgetattr(slave)[3] & termios.ICANON)
        if b'@resize' in typed:
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 99, 0, 0)); time.sleep(0.3); typed = typed.replace(b'@resize', b'')
        os.write(master, typed); sent = True
    done, code = os.waitpid(pid, os.WNOHANG)
    if done:
        status = os.waitstatus_to_exitcode(code)
        while select.select([master], [], [], 0.1)[0]: output += os.read(master, 4096)
        break
print('status', status, 'raw', raw, 'restored', termios.tcgetattr(slave) == before)
sys.stdout.write(output.decode())
`;

function onTerminal(bundle: ReturnType<typeof bundleFor>, prompt: string, typed: string): string {
  bundle.save();
  const command = [RUNTIME, ...bundle.args('run', '-b', bundle.directory, bundle.id)];
  const result = execute('python3', ['-c', ON_A_TERMINAL, prompt, typed, ...command]);
  return result.stdout + result.stderr;
}

t.test(
  'the container has a terminal of its own, with our size',
  onlyTsrunc('sets the size after the start'),
  async (t) => {
    const bundle = bundleFor(t);
    bundle.config.process.terminal = true;
    bundle.config.process.args = [
      'sh',
      '-c',
      'echo; tty; stty size; stat -c "%t %F" /dev/console; echo prompt; read line; echo "got $line"; exit 5',
    ];
    const output = onTerminal(bundle, 'prompt', 'typed\\n');
    t.match(output, /^status 5 raw True restored True/);
    t.match(output, /\/dev\/(pts\/0|console)\n40 120\n88 character special file/);
    t.match(output, /got typed/);
    t.notMatch(
      output.slice(output.indexOf('prompt')),
      /\r/,
      'no carriage returns: those are for our own terminal to add',
    );
    t.same(bundle.leftovers(), []);
  },
);

t.test('a change of size reaches the container', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.terminal = true;
  bundle.config.process.args = ['sh', '-c', 'echo prompt; read line; stty size'];
  t.match(onTerminal(bundle, 'prompt', '@resize\\n'), /33 99/);
});

t.test("control characters reach the container's process, not us", async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.terminal = true;
  bundle.config.process.args = [
    'sh',
    '-c',
    'trap "echo interrupted; exit 9" INT; echo prompt; while :; do sleep 0.1; done',
  ];
  t.match(onTerminal(bundle, 'prompt', '\\x03'), /^status 9[^]*interrupted/);
});

t.test('much output arrives whole', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.terminal = true;
  bundle.config.process.args = ['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo "line $i of many"; i=$((i+1)); done'];
  const output = onTerminal(bundle, 'never typed', '');
  t.match(output, /^status 0/);
  for (const i of [0, 1499, 2999]) t.match(output, `line ${i} of many\n`);
});

t.test('without a devpts the message says what is missing', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.terminal = true;
  bundle.config.mounts = bundle.config.mounts.filter((m: { type: string }) => m.type !== 'devpts');
  bundle.config.process.args = ['true'];
  t.match(onTerminal(bundle, 'never', ''), /status 1[^]*(devpts|ptmx)/);
});
