// Owns the words for a command line that is not understood: what is wrong, what was meant, and the usage of the command. Loaded
// and called on a failure alone. Pure.
import type { Command, CommanderError, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { globalOptions } from './globals.ts';
import { FOREIGN_COMMANDS, habitOf, NOT_IMPLEMENTED, TOO_MANY } from './habits.ts';
import { mostSimilar } from './similar.ts';
import { VERBS, type Verb } from './verbs.ts';

const GENERAL_USAGE = 'tsrunc [global options] COMMAND [options] [arguments]; tsrunc help lists commands';

/** One line, as in the manual: what is in brackets may be left out. */
export function usageOf({ name, args, options }: Verb): string {
  const parts = ['tsrunc [global options]', name, options === undefined ? '' : '[options]', args ?? ''];
  return parts.filter((part) => part !== '').join(' ');
}

/** A word in the place of a command that is none; `asked`: the command that was to explain it. */
export function unknownCommand(word: string, asked?: 'help'): UsageError {
  const place = asked === undefined ? '' : `${asked}: `;
  if (NOT_IMPLEMENTED.has(word))
    return new UsageError(`${place}${word} is not implemented by this version of tsrunc`, {
      hint: 'tsrunc features says so to programs: org.opencontainers.runc.checkpoint.enabled is false',
    });
  const near = mostSimilar(word, ['help', ...VERBS.filter(({ isHidden }) => !isHidden).map(({ name }) => name)]);
  return new UsageError(`${place}unknown command ${JSON.stringify(word)}`, {
    hint: FOREIGN_COMMANDS.get(word) ?? meant(near) ?? 'tsrunc help lists commands',
    usage: asked === undefined ? GENERAL_USAGE : 'tsrunc help [COMMAND]',
  });
}

/** An option before the command that is not a global one. */
export function unknownGlobal(flag: string): UsageError {
  const name = longName(flag);
  const owners = VERBS.filter(
    ({ isHidden, options }) => !isHidden && options?.().some((option) => option.long === name || option.short === flag),
  );
  const after = `it stands after the command: an option of ${owners.map((verb) => verb.name).join(', ')}`;
  const near = meant(mostSimilar(name.slice(2), visible(globalOptions())), '--');
  return new UsageError(`unknown option ${flag.replace(/=.*$/s, '')}`, {
    hint: owners.length > 0 ? after : (near ?? 'tsrunc --help lists global options'),
    usage: GENERAL_USAGE,
  });
}

/** What commander found, in our words. */
export function usageError({ code, message }: CommanderError, command: Command, called: Verb | undefined): UsageError {
  const said = message.replace(/^error: /, '');
  const [, subject = ''] = /'([^']*)'/.exec(said) ?? [];
  // "-r, --root <dir>": a known option, whose value is missing or wrong.
  const isGlobal = globalOptions().some(({ flags }) => flags === subject);
  const verb = isGlobal ? undefined : called;
  const { text, hint } = wordsFor(code, said, subject, command, verb?.name ?? '');
  return new UsageError(verb === undefined ? text : `${verb.name}: ${text}`, {
    hint: hint ?? (verb === undefined ? 'tsrunc --help lists global options' : `tsrunc help ${verb.name} explains it`),
    usage: verb === undefined ? GENERAL_USAGE : usageOf(verb),
  });
}

/** The value of an option is not what it must be. */
export function withUsage(error: unknown, verb: Verb | undefined): unknown {
  if (!(error instanceof UsageError) || verb === undefined) return error;
  return new UsageError(`${verb.name}: ${error.message}`, { usage: usageOf(verb) });
}

interface Words {
  readonly text: string;
  readonly hint?: string | undefined;
}

function wordsFor(code: string, said: string, subject: string, command: Command, name: string): Words {
  switch (code) {
    case 'commander.unknownOption':
      return { text: `unknown option ${subject}`, hint: hintForOption(subject, command, name) };
    case 'commander.missingArgument':
      return {
        text: `${ARGUMENTS[subject] ?? `the argument ${subject}`} is missing`,
        hint: hintForMissing(subject, name),
      };
    case 'commander.optionMissingArgument':
      return { text: `option ${longOf(subject)} has no value` };
    case 'commander.excessArguments':
      return {
        text: `too many arguments: ${command.args
          .slice(command.registeredArguments.length)
          .map((word) => JSON.stringify(word))
          .join(' ')}`,
        hint: TOO_MANY[name],
      };
    case 'commander.invalidArgument': {
      const [, value = '', choices = ''] = /argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s.exec(said) ?? [];
      return { text: `option ${longOf(subject)}: ${JSON.stringify(value)} is not one of ${choices}` };
    }
    default:
      return { text: said };
  }
}

const ARGUMENTS: Readonly<Record<string, string>> = {
  id: 'the id of a container',
  file: 'the name of a file',
  action: 'what to do, add or remove,',
};

function hintForMissing(subject: string, name: string): string | undefined {
  if (subject !== 'id') return undefined;
  return name === 'run' || name === 'create'
    ? `choose an id: tsrunc ${name} -b DIR ID`
    : 'tsrunc list lists containers';
}

function hintForOption(flag: string, command: Command, name: string): string | undefined {
  const habit = habitOf(name, flag);
  if (habit !== undefined) return habit;
  const long = longName(flag);
  const isGlobal = globalOptions().some((option) => option.long === long || option.short === flag);
  if (isGlobal) return `it stands before the command: tsrunc ${flag} ... ${name}`;
  return flag.startsWith('--') ? meant(mostSimilar(long.slice(2), visible(command.options)), '--') : undefined;
}

function longName(flag: string): string {
  return `--${flag.replace(/^--?/, '').replace(/=.*$/s, '')}`;
}

/** "--bundle" of "-b, --bundle <dir>". */
function longOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

function visible(options: readonly Option[]): string[] {
  return options.filter(({ hidden }) => !hidden).flatMap(({ long }) => (long == null ? [] : [long.slice(2)]));
}

function meant(near: readonly string[], dashes = ''): string | undefined {
  return near.length === 0 ? undefined : `did you mean ${near.map((word) => dashes + word).join(' or ')}?`;
}
