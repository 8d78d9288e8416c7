// Owns commander's view of the table of verbs: a command line in, what is to be done out. Does nothing of it. A program is made
// once for each command that is called, because a planner is called often.
import { Command, CommanderError, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { normalizeArgv, type KnownOptions } from './argv.ts';
import type { GlobalOptions } from './context.ts';
import { VERBS, type Verb } from './verbs.ts';

/** A command line that is understood. */
export type CommandLine =
  | { readonly verb: Verb; readonly args: readonly string[]; readonly options: object; readonly globals: GlobalOptions }
  /** Help. */
  | { readonly text: string }
  | 'version';

const CGROUP_MANAGERS = ['cgroupfs', 'systemd', 'disabled'];

/** In place of a command's name: all of them. */
const ALL = undefined;

class Parser {
  readonly program: Command;
  readonly #known: KnownOptions;
  #found: CommandLine | undefined;
  #said = '';

  constructor(called: string | undefined) {
    this.program = this.#configure(new Command('tsrunc').description('an OCI container runtime'))
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
      .addOption(
        new Option('--rootless <value>', 'accepted; tsrunc sees for itself').choices(['true', 'false', 'auto']),
      )
      .enablePositionalOptions()
      .helpCommand('help [command]', 'explain a command');
    this.program.action(() => {
      const { version, V } = this.program.opts<{ version?: boolean; V?: boolean }>();
      if (version || V) this.#found = 'version';
      else this.program.help();
    });
    // Only help needs the others; making them would cost every command a quarter of a millisecond.
    for (const verb of VERBS.filter(({ name }) => called === ALL || called === name))
      this.program.addCommand(this.#makeCommand(verb), { hidden: verb.isHidden ?? false });
    this.#known = knownOptions(this.program);
  }

  /** UsageError for what it does not understand. */
  parse(argv: readonly string[], passesThrough: boolean): CommandLine {
    this.#found = undefined;
    this.#said = '';
    try {
      this.program.parse(normalizeArgv(argv, this.#known, { passesThrough }), { from: 'user' });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0)
        throw new UsageError(error.message.replace(/^error: /, ''), { hint: 'tsrunc help lists commands and options' });
    }
    return this.#found ?? { text: this.#said };
  }

  #makeCommand(verb: Verb): Command {
    const command = this.#configure(new Command(verb.name)).summary(verb.summary).description(verb.summary);
    if (verb.args !== undefined) command.arguments(verb.args);
    for (const option of verb.options?.() ?? []) command.addOption(option);
    if (verb.passesThrough) command.passThroughOptions();
    command.allowExcessArguments(false);
    command.action(() => {
      const globals = this.program.opts<GlobalOptions>();
      this.#found = { verb, args: command.args, options: command.opts(), globals };
    });
    return command;
  }

  /** What commander says of an error becomes the one message that exit.ts prints. */
  #configure(command: Command): Command {
    return command
      .exitOverride()
      .configureOutput({ writeOut: (text) => (this.#said += text), writeErr: () => undefined });
  }
}

const parsers = new Map<string | undefined, Parser>();

function parserFor(called: string | undefined): Parser {
  let parser = parsers.get(called);
  if (parser === undefined) parsers.set(called, (parser = new Parser(called)));
  return parser;
}

/** Every command with every option, for who lists them. */
export function wholeProgram(): Command {
  return parserFor(ALL).program;
}

/** UsageError for a wrong command line. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const globals = countGlobals(argv);
  const called = argv[globals];
  const verb = VERBS.find(({ name }) => name === called);
  if (called !== undefined && called !== 'help' && verb === undefined)
    throw new UsageError(`unknown command ${JSON.stringify(called)}`, { hint: 'tsrunc help lists them' });
  const isHelp = argv.slice(0, globals).some((argument) => argument === '-h' || argument === '--help');
  return parserFor(isHelp ? ALL : verb?.name).parse(argv, verb?.passesThrough ?? false);
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
  const long = new Set<string>();
  const short = new Map<string, string>();
  const withValue = new Set<string>();
  for (const option of [program, ...program.commands].flatMap((command) => command.options)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    long.add(name);
    if (option.short !== undefined) short.set(option.short.slice(1), name);
    if (option.required) withValue.add(name);
  }
  return { long, short, withValue };
}
