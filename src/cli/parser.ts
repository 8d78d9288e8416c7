// Owns commander's view of the table of verbs: a command line in, what is to be done out. Does nothing of it. A program is made
// once for each command that is called, because a planner is called often.
import { Command, CommanderError } from 'commander';
import { normalizeArgv, type KnownOptions } from './argv.ts';
import type { GlobalOptions } from './context.ts';
import { globalOptions, readGlobals } from './globals.ts';
import { unknownCommand, unknownGlobal, usageError, usageOf, withUsage } from './usage.ts';
import { VERBS, type Verb } from './verbs.ts';

/** A command line that is understood. */
export type CommandLine =
  | { readonly verb: Verb; readonly args: readonly string[]; readonly options: object; readonly globals: GlobalOptions }
  /** Help. */
  | { readonly text: string }
  | 'version';

/** In place of a command's name: all of them. */
const ALL = undefined;
const NONE = '';

class Parser {
  readonly program: Command;
  readonly #known: KnownOptions;
  #found: CommandLine | undefined;
  #said = '';

  constructor(called: string | undefined) {
    this.program = this.#configure(new Command('tsrunc').description('an OCI container runtime'))
      .usage('[global options] COMMAND [options] [arguments]')
      .enablePositionalOptions()
      .helpCommand('help [command]', 'explain a command')
      .addHelpText('after', '\nMore: tsrunc help COMMAND, and man tsrunc');
    for (const option of globalOptions()) this.program.addOption(option);
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
  parse(argv: readonly string[], verb: Verb | undefined): CommandLine {
    this.#found = undefined;
    this.#said = '';
    try {
      const passesThrough = verb?.passesThrough ?? false;
      this.program.parse(normalizeArgv(argv, this.#known, { passesThrough }), { from: 'user' });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw withUsage(error, verb);
      const command = this.program.commands.find((one) => one.name() === verb?.name) ?? this.program;
      if (error.exitCode !== 0) throw usageError(error, command, verb);
    }
    return this.#found ?? { text: this.#said };
  }

  /** Once for each parser: it keeps what it has read. */
  readGlobals(argv: readonly string[]): GlobalOptions {
    this.program.parseOptions(normalizeArgv(argv, this.#known, { passesThrough: false }));
    return this.program.opts<GlobalOptions>();
  }

  #makeCommand(verb: Verb): Command {
    const command = this.#configure(new Command(verb.name)).summary(verb.summary).description(verb.summary);
    if (verb.args !== undefined) command.arguments(verb.args);
    for (const option of verb.options?.() ?? []) command.addOption(option);
    if (verb.passesThrough) command.passThroughOptions();
    command.allowExcessArguments(false);
    command.configureHelp({ commandUsage: () => usageOf(verb) });
    command.addHelpText('after', `\nMore: man tsrunc-${verb.name}; tsrunc --help lists the global options`);
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
      .showSuggestionAfterError(false)
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
  const { count, unknown } = readGlobals(argv);
  if (unknown !== undefined) throw unknownGlobal(unknown);
  const [called, topic] = argv.slice(count);
  if (called === 'help') return explain(topic);
  const verb = findVerb(called);
  if (called !== undefined && verb === undefined) throw unknownCommand(called);
  const isHelp = argv.slice(0, count).some((argument) => argument === '-h' || argument === '--help');
  return parserFor(isHelp ? ALL : verb?.name).parse(argv, verb);
}

/** The global options of a command line, whatever is wrong with the rest of it: a failure goes to the log that they name. */
export function globalsOf(argv: readonly string[]): GlobalOptions {
  return new Parser(NONE).readGlobals(argv.slice(0, readGlobals(argv).count));
}

function explain(topic: string | undefined): CommandLine {
  const verb = findVerb(topic);
  const isKnown = verb !== undefined && !verb.isHidden;
  if (topic !== undefined && !isKnown && topic !== 'help' && !topic.startsWith('-'))
    throw unknownCommand(topic, 'help');
  return parserFor(isKnown ? verb.name : ALL).parse(isKnown ? [verb.name, '--help'] : ['--help'], verb);
}

function findVerb(word: string | undefined): Verb | undefined {
  return VERBS.find(({ name }) => name === word);
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
