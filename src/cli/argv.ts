// Owns the habits of runc's command line that commander does not have: "-bundle DIR" for "--bundle DIR", "-b=DIR" for
// "-b DIR". Pure.
import { mostSimilar } from './similar.ts';

/** The options of a program or command, as commander knows them. */
export interface KnownOptions {
  /** Long names without dashes. */
  readonly long: ReadonlySet<string>;
  /** Letters to their long names. */
  readonly short: ReadonlyMap<string, string>;
  /** Long names of those that take the next argument. */
  readonly withValue: ReadonlySet<string>;
}

/**
 * Rewrites arguments into commander's terms. What follows "--" is left alone; with `passesThrough` also what follows the command's
 * first argument: the words of a program that has options of its own.
 */
export function normalizeArgv(
  argv: readonly string[],
  known: KnownOptions,
  options: { passesThrough: boolean },
): string[] {
  const end = endOfOptions(argv, known, options.passesThrough ? 2 : Infinity);
  return [...argv.slice(0, end).map((argument) => normalize(argument, known)), ...argv.slice(end)];
}

/** The place of "--", or of so many arguments that are no options nor values of them. */
function endOfOptions(argv: readonly string[], known: KnownOptions, limit: number): number {
  let count = 0;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--' || count === limit) return i;
    if (!argument.startsWith('-') || argument === '-') count++;
    else if (takesNext(argument, known)) i++;
  }
  return argv.length;
}

function takesNext(argument: string, { short, withValue }: KnownOptions): boolean {
  if (argument.includes('=')) return false;
  const name = argument.replace(/^--?/, '');
  return withValue.has(short.get(name) ?? name);
}

function normalize(argument: string, known: KnownOptions): string {
  const match = /^-([A-Za-z][\w-]*)(=.*)?$/s.exec(argument);
  const name = match?.[1];
  if (name === undefined) return argument;
  const value = match?.[2] ?? '';
  if (name.length > 1) return known.long.has(name) || isSlip(name, known) ? `--${name}${value}` : argument;
  const long = known.short.get(name);
  return value !== '' && long !== undefined ? `--${long}${value}` : argument;
}

/** "-bundel" is "--bundle" gone wrong, and not "-b" with the value "undel". */
function isSlip(name: string, known: KnownOptions): boolean {
  return name.length > 3 && mostSimilar(name, known.long).length > 0;
}
