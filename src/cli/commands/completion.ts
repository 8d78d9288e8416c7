// tsrunc completion: the script that makes a shell complete commands, options and their values, and ids.
import { UsageError } from '../../errors.ts';
import { completionScript } from '../completion/script.ts';
import { SHELLS, wordsOf, type Shell } from '../completion/words.ts';
import type { Context } from '../context.ts';
import { wholeProgram } from '../parser.ts';
import { VERBS } from '../verbs.ts';

export async function completion(context: Context, [given]: readonly string[], options: object): Promise<number> {
  const shell = given ?? (options as { shell?: string }).shell ?? 'bash';
  if (!(SHELLS as readonly string[]).includes(shell))
    throw new UsageError(`no completion for ${JSON.stringify(shell)}: it is ${SHELLS.join(', ')}`);
  context.caller.print(1, completionScript(shell as Shell, wordsOf(wholeProgram(), VERBS)));
  return 0;
}
