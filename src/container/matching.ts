// Owns the choice of containers by a regular expression.
import { runInNewContext } from 'node:vm';
import type { Caller } from '../caller/caller.ts';
import { Declined, errorCode, UsageError } from '../errors.ts';

/** What an expression may take for all names: some need longer than the universe. */
const LIMIT_MS = 2000;

/** The ids that match. UsageError for an expression that is broken, or takes too long. */
export function idsMatching(caller: Caller, ids: readonly string[], pattern: string): string[] {
  // Nobody else shall wait for it.
  if (!caller.isHere) throw new Declined('a regular expression can take long');
  try {
    const matching = runInNewContext(
      'const expression = new RegExp(pattern); ids.filter((id) => expression.test(id))',
      { ids, pattern },
      { timeout: LIMIT_MS },
    );
    return [...(matching as string[])];
  } catch (cause) {
    const why = errorCode(cause) === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? 'takes too long' : 'is no regular expression';
    throw new UsageError(`--regex ${JSON.stringify(pattern)} ${why}`, {
      hint: "for example '^web-' for all ids that begin with web-",
    });
  }
}
