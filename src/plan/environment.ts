// Owns the environment of a process: each variable once. Pure.

/**
 * Each variable at its first place with its last value. getenv(3) would find the first, but who adds to a list means the last;
 * environ(7) does not say. What has no "=" is a name alone.
 */
export function eachOnce(variables: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const variable of variables) byName.set(nameOf(variable), variable);
  return [...byName.values()];
}

function nameOf(variable: string): string {
  const equals = variable.indexOf('=');
  return equals < 0 ? variable : variable.slice(0, equals);
}

/** What `process.env` gives to the program. An empty HOME is as none: it is filled from the container's passwd(5). */
export function programEnvironment(env: readonly string[] | undefined): string[] {
  return eachOnce(env ?? []).filter((variable) => variable !== 'HOME=');
}

/** Whether init must look up the home directory. */
export function needsHome(environment: readonly string[]): boolean {
  return !environment.some((variable) => variable.startsWith('HOME='));
}
