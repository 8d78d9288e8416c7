// Owns the making of the command line from the table of verbs, and global options.
import { Command, CommanderError, Option, type OutputConfiguration } from 'commander';
import { UsageError } from '../errors.ts';
import { native } from '../native/binding.ts';
import { COMMIT, SPEC_VERSION, VERSION } from '../version.ts';
import { normalizeArgv, type KnownOptions } from './argv.ts';
import type { Context, GlobalOptions } from './context.ts';
import { VERBS, type Verb } from './verbs.ts';

const CGROUP_MANAGERS = ['cgroupfs', 'systemd', 'disabled'];

/** The whole command line; `done` gets the exit status of the command that was called. */
function makeProgram(context: Context, called: string, done: (status: number | undefined) => void): Command {
  const program = new Command('tsrunc')
    .description('an OCI container runtime')
    .option('-v, --version', 'print the version')
    .addOption(new Option('-V').hideHelp())
    .option('--debug', 'log what is done')
    .option('-l, --log <file>', 'log to this file instead of standard error; also file:PATH, syslog:ID, journald:ID')
    .addOption(new Option('--log-format <format>', 'text or json').default('text'))
    .addOption(
      new Option('--log-level <level>', 'debug, or less').choices(['debug', 'info', 'warning', 'warn', 'error']),
    )
    .option('-r, --root <dir>', 'keep the state of containers here')
    .option('-s, --systemd-cgroup', 'make cgroups through systemd')
    .addOption(new Option('--cgroup-manager <name>', 'who makes cgroups').choices(CGROUP_MANAGERS))
    .addOption(new Option('--systemd-log', 'log to the journal, as --log journald:tsrunc'))
    .addOption(new Option('--criu <path>', 'ignored').hideHelp())
    .addOption(new Option('--rootless <value>', 'accepted; tsrunc sees for itself').choices(['true', 'false', 'auto']))
    .enablePositionalOptions()
    .helpCommand('help [command]', 'explain a command')
    .exitOverride()
    .configureOutput(outputTo(context));
  program.action(() => {
    const { version, V } = program.opts<{ version?: boolean; V?: boolean }>();
    if (version || V) printVersion(context);
    else program.help();
  });
  // Only the command that is called needs its options; all of them need their names, for help.
  for (const verb of VERBS)
    program.addCommand(makeCommand(verb, program, context, done, called === verb.name || called === 'help'), {
      hidden: verb.isHidden ?? false,
    });
  return program;
}

/** What commander says of an error becomes the one message that exit.ts prints. */
function outputTo({ caller }: Context): OutputConfiguration {
  return { writeOut: (text) => caller.print(1, text), writeErr: () => undefined };
}

function makeCommand(
  verb: Verb,
  program: Command,
  context: Context,
  done: (status: number | undefined) => void,
  isWhole: boolean,
): Command {
  const command = new Command(verb.name)
    .summary(verb.summary)
    .description(verb.summary)
    .exitOverride()
    .configureOutput(outputTo(context));
  if (!isWhole) return command;
  if (verb.args !== undefined) command.arguments(verb.args);
  for (const option of verb.options?.() ?? []) command.addOption(option);
  if (verb.passesThrough) command.passThroughOptions();
  command.allowExcessArguments(false);
  command.action(async () => {
    const [id] = command.args;
    context.doing = { command: verb.name, ...(id === undefined || verb.args === undefined ? {} : { id }) };
    await context.configure(program.opts<GlobalOptions>());
    done(await (await verb.load())(context, command.args, command.opts()));
  });
  return command;
}

/** The first line is what callers parse. */
function printVersion(context: Context): void {
  const lines = [
    `tsrunc version ${VERSION}`,
    `commit: ${COMMIT}`,
    `spec: ${SPEC_VERSION}`,
    `libseccomp: ${native().seccompVersion()}`,
    `node: ${process.versions.node}`,
  ];
  context.caller.print(1, lines.map((line) => `${line}\n`).join(''));
}

/** Every command with every option, for who lists them; nothing of it is called. */
export function wholeProgram(context: Context): Command {
  return makeProgram(context, 'help', () => undefined);
}

/** Parses and acts. UsageError for a wrong command line; help and version print and return 0. */
export async function runProgram(context: Context, argv: readonly string[]): Promise<number | undefined> {
  let status: number | undefined = 0;
  const called = argv[countGlobals(argv)];
  if (called !== undefined && called !== 'help' && !VERBS.some((verb) => verb.name === called))
    throw new UsageError(`unknown command ${JSON.stringify(called)}`, { hint: 'tsrunc help lists them' });
  const program = makeProgram(context, called ?? 'help', (result) => (status = result));
  try {
    await program.parseAsync(normalizeArgv(argv, knownOptions(program)), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new UsageError(error.message.replace(/^error: /, ''), { hint: 'tsrunc help lists commands and options' });
  }
  return status;
}

const GLOBAL_WITH_VALUE = [
  '-l',
  '-r',
  '--criu',
  '--log',
  '--log-format',
  '--log-level',
  '--root',
  '--cgroup-manager',
  '--rootless',
];

/** How many arguments come before the command: global options and their values. */
export function countGlobals(argv: readonly string[]): number {
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (!argument.startsWith('-')) return i;
    if (GLOBAL_WITH_VALUE.includes(argument.replace(/^-(?=\w\w)/, '--'))) i++;
  }
  return argv.length;
}

function knownOptions(program: Command): KnownOptions {
  const options = [program, ...program.commands].flatMap((command) => command.options);
  const long = new Set<string>();
  const short = new Map<string, string>();
  for (const option of options) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    long.add(name);
    if (option.short !== undefined) short.set(option.short.slice(1), name);
  }
  return { long, short };
}
