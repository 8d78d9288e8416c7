// Owns what can stand where on the command line, for the scripts of shells: from the same commander objects that parse it, so that
// a new option is completed without more. Knows no shell.
import { constants } from 'node:os';
import type { Argument, Command, Option } from 'commander';
import { CAPABILITY_NAMES } from '../../plan/capabilities.ts';
import type { Verb } from '../verbs.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a value can be: one of these words, a file, a directory, the id of a container, or something that cannot be listed. */
export type Values = readonly string[] | 'files' | 'directories' | 'ids' | 'unknown';

export interface OptionWords {
  readonly long: string;
  readonly short?: string;
  readonly summary: string;
  /** Undefined where it has none. */
  readonly values?: Values;
  /** It may come several times. */
  readonly repeats: boolean;
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** By position. */
  readonly args: readonly Values[];
  /** What follows the first argument are not options of the command. */
  readonly passesThrough: boolean;
}

export interface ProgramWords {
  readonly options: readonly OptionWords[];
  readonly commands: readonly CommandWords[];
}

export function wordsOf(program: Command, verbs: readonly Verb[]): ProgramWords {
  const commands = verbs
    .filter(({ isHidden }) => !isHidden)
    .flatMap((verb) =>
      program.commands
        .filter((command) => command.name() === verb.name)
        .map((command) => commandWords(command, verb.passesThrough ?? false)),
    );
  const help = { name: 'help', summary: 'explain a command', options: [], passesThrough: false };
  return {
    options: optionWords(program),
    commands: [...commands, { ...help, args: [commands.map(({ name }) => name)] }],
  };
}

const HELP: OptionWords = { long: '--help', short: '-h', summary: 'explain the command', repeats: false };

function commandWords(command: Command, passesThrough: boolean): CommandWords {
  const name = command.name();
  return {
    name,
    summary: command.description(),
    options: [...optionWords(command), HELP],
    args: command.registeredArguments.map((argument) => argumentValues(name, argument)),
    passesThrough,
  };
}

function optionWords(command: Command): OptionWords[] {
  return command.options
    .filter(({ hidden, long }) => !hidden && long != null)
    .map((option) => ({
      long: option.long ?? '',
      ...(option.short == null ? {} : { short: option.short }),
      summary: option.description,
      repeats: Array.isArray(option.defaultValue),
      ...(option.required ? { values: optionValues(option) } : {}),
    }));
}

/** As people type them: "TERM" and "SIGTERM". */
const SIGNALS = Object.keys(constants.signals).flatMap((name) => [name.replace('SIG', ''), name]);

/** By the name that stands between < and > in the tables of options; "text|json" are words already. */
const BY_NAME: Readonly<Record<string, Values>> = {
  dir: 'directories',
  file: 'files',
  path: 'files',
  id: 'ids',
  signal: SIGNALS,
  capability: CAPABILITY_NAMES,
  shell: SHELLS,
  action: ['add', 'remove'],
};

function optionValues({ argChoices, flags }: Option): Values {
  const name = /<([^>]+)>/.exec(flags)?.[1] ?? '';
  return argChoices ?? BY_NAME[name] ?? (name.includes('|') ? name.split('|') : 'unknown');
}

/** These make the container, or only look at its configuration: the id is a new one. */
const NEW_IDS: ReadonlySet<string> = new Set(['create', 'plan', 'run']);

function argumentValues(command: string, argument: Argument): Values {
  const name = argument.name();
  return name === 'id' && NEW_IDS.has(command) ? 'unknown' : (BY_NAME[name] ?? 'unknown');
}

/** The flags of an option as they are typed. */
export function flagsOf({ long, short }: OptionWords): string[] {
  return short === undefined ? [long] : [short, long];
}
