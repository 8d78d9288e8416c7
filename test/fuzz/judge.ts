// Owns the verdict on what a command said: our words, or those of a language or a library that leaked.
import type { Outcome } from './world.ts';

const FOREIGN = [
  /internal error/,
  /\b(Type|Range|Reference|Syntax|Eval|URI)Error\b/,
  /Cannot (read|destructure|set|convert|mix|access|assign|create|delete|redefine|add|use)/,
  /is not (a function|iterable|defined|a constructor|an object)/,
  /\bundefined\b/,
  /\[object /,
  /\bNaN\b/,
  /Maximum call stack|Invalid array length|Invalid string length|out of memory/,
  /Unexpected (token|end|identifier|number|string)|in JSON at position/,
  /^\s+at .*[(:]\d+:\d+\)?$/m,
  /Error \[ERR_|ERR_INVALID_ARG|must be of type/,
  /ended before the command was done/,
];

/** What is wrong with it; undefined: nothing. */
export function judge(outcome: Outcome, given: string): string | undefined {
  const { status, signal, stderr, stdout } = outcome;
  if (signal !== null || status === null) return `it hung, or was ended by ${signal}`;
  const said = `${stderr}\n${status === 0 ? '' : stdout}`;
  for (const words of FOREIGN) {
    const found = words.exec(said)?.[0];
    // A message may repeat what it was given.
    if (found !== undefined && !given.includes(found)) return `it says ${JSON.stringify(found)}`;
  }
  const isOurs = /^tsrunc: /m.test(stderr) || /^\//m.test(said) || /^time="/m.test(stderr);
  if (status !== 0 && status < 128 && !isOurs && outcome.args[0] !== 'run' && outcome.args[0] !== 'exec')
    return `it fails with ${status} and says nothing`;
  return undefined;
}
