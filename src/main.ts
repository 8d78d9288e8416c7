// The entry: one caller, one context, one program, one exit.
import { LocalCaller } from './caller/local.ts';
import { Context } from './cli/context.ts';
import { endProcess, statusOf } from './cli/exit.ts';
import { countGlobals } from './cli/parser.ts';
import { causeOf, Declined } from './errors.ts';

async function main(argv: readonly string[]): Promise<number | undefined> {
  const front = process.env['TSRUNC_FRONT'];
  const caller = new LocalCaller(front === undefined ? undefined : Number(front), countGlobals(argv));
  try {
    return await statusOf(new Context(caller), argv);
  } catch (error) {
    // The only other thing that is not told is that the front has ended: nobody would hear it.
    if (causeOf(error, Declined) !== undefined) caller.decline();
    return undefined;
  }
}

void main(process.argv.slice(2)).then(endProcess);
