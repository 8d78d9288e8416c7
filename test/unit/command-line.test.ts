// The command line: what is understood, with the habits of runc's parser; and the words for what is not.
import t from 'tap';
import { sentence } from '../../src/cli/exit.ts';
import { globalsOf, parseCommandLine } from '../../src/cli/parser.ts';
import { mostSimilar } from '../../src/cli/similar.ts';
import { UsageError } from '../../src/errors.ts';

/** Verb, arguments and one option. */
function understood(line: string, option = ''): unknown[] {
  const parsed = parseCommandLine(line.split(' '));
  if (parsed === 'version' || 'text' in parsed) return [parsed];
  const options = { ...parsed.globals, ...parsed.options } as Record<string, unknown>;
  return [parsed.verb.name, parsed.args, options[option]];
}

/** Message, hint and usage. */
function refused(...argv: string[]): [string, string | undefined, string | undefined] {
  try {
    parseCommandLine(argv);
  } catch (error) {
    if (error instanceof UsageError) return [sentence(error, {}), error.hint, error.usage];
    throw error;
  }
  throw new Error(`${argv.join(' ')} is understood`);
}

t.test("runc's habits", async (t) => {
  const cases: [string, string, unknown[]][] = [
    ['run -b /b x', 'bundle', ['run', ['x'], '/b']],
    ['run -b=/b x', 'bundle', ['run', ['x'], '/b']],
    ['run -bundle /b x', 'bundle', ['run', ['x'], '/b']],
    ['run -bundle=/b x', 'bundle', ['run', ['x'], '/b']],
    ['run --bundle=/b x', 'bundle', ['run', ['x'], '/b']],
    ['run x --bundle /b', 'bundle', ['run', ['x'], '/b']],
    ['run -no-subreaper x', 'subreaper', ['run', ['x'], false]],
    ['-root /r list', 'root', ['list', [], '/r']],
    ['-root=/r list', 'root', ['list', [], '/r']],
    ['-r /r list', 'root', ['list', [], '/r']],
    ['-r/r list', 'root', ['list', [], '/r']],
    ['--root /r --log /l --log-format json -systemd-cgroup create x', 'root', ['create', ['x'], '/r']],
    ['update --resources=- x', 'resources', ['update', ['x'], '-']],
    ['exec -d x ls -d', 'detach', ['exec', ['x', 'ls', '-d'], true]],
    ['exec x ls -d', 'detach', ['exec', ['x', 'ls', '-d'], undefined]],
    ['kill x -9', 'all', ['kill', ['x', '-9'], undefined]],
    ['ps -f json x -ef', 'format', ['ps', ['x', '-ef'], 'json']],
  ];
  for (const [line, option, expected] of cases) t.same(understood(line, option), expected, line);
  for (const flag of ['-v', '--version', '-version', '-V']) t.same(understood(flag), ['version'], flag);
});

t.test('what is not understood names the command, what was meant, and the usage', async (t) => {
  const run = 'tsrunc [global options] run [options] <id>';
  const cases: [string, string, string | RegExp, string | RegExp][] = [
    ['run --moon x', 'run: unknown option --moon', 'tsrunc help run explains it', run],
    ['run --bundel . x', 'run: unknown option --bundel', 'did you mean --bundle?', run],
    ['run -bundel . x', 'run: unknown option --bundel', 'did you mean --bundle?', run],
    ['run', 'run: the id of a container is missing', 'choose an id: tsrunc run -b DIR ID', run],
    ['run x -b', 'run: option --bundle has no value', /help run/, run],
    ['run --preserve-fds x y', 'run: --preserve-fds x: it must be a number of descriptors', '', run],
    ['list --format x', 'list: option --format: "x" is not one of table, json', /help list/, /list \[options\]$/],
    ['--rooot x list', 'unknown option --rooot', 'did you mean --root?', /COMMAND/],
    ['-rooot x list', 'unknown option -rooot', 'did you mean --root?', /COMMAND/],
    ['--rooot=x list', 'unknown option --rooot', 'did you mean --root?', /COMMAND/],
    ['--rootless maybe list', 'option --rootless: "maybe" is not one of true, false, auto', /./, /COMMAND/],
    ['list --root /x', 'list: unknown option --root', /stands before the command: tsrunc --root .* list/, /list/],
    ['--bundle /x run y', 'unknown option --bundle', /stands after the command: .*run/, /COMMAND/],
    ['moon', 'unknown command "moon"', 'tsrunc help lists commands', /COMMAND/],
    ['deleet x', 'unknown command "deleet"', 'did you mean delete?', /COMMAND/],
    ['staet x', 'unknown command "staet"', 'did you mean start or state?', /COMMAND/],
    ['finissh x', 'unknown command "finissh"', 'tsrunc help lists commands', /COMMAND/],
    ['help nosuch', 'help: unknown command "nosuch"', 'tsrunc help lists commands', /help/],
    ['help finish', 'help: unknown command "finish"', 'tsrunc help lists commands', /help/],
  ];
  for (const [line, message, hint, usage] of cases) {
    const [said, hinted = '', used = ''] = refused(...line.split(' '));
    t.equal(said, `tsrunc: ${message}`, line);
    t.match(hinted, hint, line);
    t.match(used, usage, line);
  }
});

t.test('habits of podman and docker', async (t) => {
  const cases: [string, RegExp][] = [
    ['exec -it x sh', /-t alone/],
    ['exec -ti x sh', /-t alone/],
    ['exec --interactive x sh', /-t alone/],
    ['exec -w /tmp x pwd', /--cwd/],
    ['rm x', /tsrunc delete/],
    ['stop x', /tsrunc kill ID TERM/],
    ['run --rm x', /removed when it has ended/],
    ['run -it x', /always connected/],
    ['run --name x', /the id is the argument/],
    ['run -v /a:/b x', /"mounts"/],
    ['run --memory 1g x', /"resources" of linux/],
    ['run alpine sh', /"args" of process.*not an image/],
    ['create --rm x', /tsrunc delete/],
    ['start -a x', /tsrunc run stays in the foreground/],
    ['start -ai x', /tsrunc run stays in the foreground/],
    ['kill -s KILL x', /after the id/],
    ['kill --signal=KILL x', /after the id/],
    ['delete x y', /one container at a time/],
    ['list -a', /listed, too/],
    ['ps', /tsrunc list/],
    ['ps -a', /tsrunc list/],
    ['logs x', /keeps no output/],
    ['inspect x', /tsrunc state/],
    ['images', /knows no images/],
    ['pull alpine', /knows no images/],
    ['help rm', /tsrunc delete/],
  ];
  for (const [line, hint] of cases) t.match(refused(...line.split(' '))[1] ?? '', hint, line);
});

t.test('checkpoints: neither a slip nor a promise, whatever engines try', async (t) => {
  for (const line of ['checkpoint', 'checkpoint --help', 'restore --lsm-mount-context', 'help checkpoint']) {
    const [said, hint = ''] = refused(...line.split(' '));
    t.match(said, /(checkpoint|restore) is not implemented by this version of tsrunc$/, line);
    t.notMatch(said + hint, /needs an argument|requires an argument/, 'what podman takes for support');
  }
});

t.test('help', async (t) => {
  const text = (...argv: string[]) => (parseCommandLine(argv) as { text: string }).text;
  const all = text('help');
  t.match(all, /^Usage: tsrunc \[global options\] COMMAND/);
  t.notMatch(all, /finish/, 'not for people');
  t.same([text('--help'), text('-h'), text('help', 'help')], [all, all, all]);
  t.match(text('update', '-h'), /^CPU:\n {2}--cpu-period [^]*^Memory:\n {2}--memory /m, 'in groups');
  for (const [, verb = ''] of all.matchAll(/^ {2}([a-z]+) .*/gm)) {
    if (verb === 'help') continue;
    t.match(text(verb, '--help'), new RegExp(`^Usage: tsrunc \\[global options\\] ${verb}\\b`), verb);
    t.equal(text('help', verb), text(verb, '-h'), verb);
  }
});

t.test('the log of a line that is not understood', async (t) => {
  t.match(globalsOf(['-log', '/l', '--log-format=json', 'run', '--moon']), { log: '/l', logFormat: 'json' });
  t.notMatch(globalsOf(['run', '--moon']), { log: '/l' }, 'nothing stays for the next one');
});

t.test('similar words', async (t) => {
  const known = ['start', 'state', 'list', 'kill'];
  t.same(mostSimilar('strat', known), ['start']);
  t.same(mostSimilar('killl', known), ['kill']);
  t.same(mostSimilar('moon', known), []);
  t.same(mostSimilar('x', known), []);
});
