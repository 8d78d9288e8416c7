// Owns the habits of runc's command line that commander does not have: "-bundle DIR" for "--bundle DIR", "-b=DIR" for
// "-b DIR". Pure.

/** The options of a program or command, as commander knows them. */
export interface KnownOptions {
  /** Long names without dashes. */
  readonly long: ReadonlySet<string>;
  /** Letters to their long names. */
  readonly short: ReadonlyMap<string, string>;
}

/** Rewrites arguments into commander's terms. What follows "--", or stands after `limit` arguments, is left alone. */
export function normalizeArgv(argv: readonly string[], known: KnownOptions): string[] {
  const end = argv.indexOf('--');
  const head = end < 0 ? argv : argv.slice(0, end);
  return [...head.map((argument) => normalize(argument, known)), ...(end < 0 ? [] : argv.slice(end))];
}

function normalize(argument: string, known: KnownOptions): string {
  const match = /^-([A-Za-z][\w-]*)(=.*)?$/s.exec(argument);
  const name = match?.[1];
  if (name === undefined) return argument;
  const value = match?.[2] ?? '';
  if (name.length > 1) return known.long.has(name) ? `--${name}${value}` : argument;
  const long = known.short.get(name);
  return value !== '' && long !== undefined ? `--${long}${value}` : argument;
}
