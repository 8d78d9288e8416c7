// The entry: one caller, one context, one program, one exit.
import { LocalCaller } from './caller/local.ts';
import { Context } from './cli/context.ts';
import { endProcess, EXIT_FAILURE, statusOf } from './cli/exit.ts';
import { countGlobals } from './cli/globals.ts';
import { causeOf, Declined } from './errors.ts';

async function main(argv: readonly string[]): Promise<number | undefined> {
  const caller = new LocalCaller(process.env['TSRUNC_FRONT'], countGlobals(argv));
  try {
    const status = await statusOf(new Context(caller), argv);
    caller.end(status);
    return status;
  } catch (error) {
    // Otherwise the front has ended, or what was to be told could not be written: there is nobody who would hear of it.
    if (causeOf(error, Declined) !== undefined) caller.decline();
    return EXIT_FAILURE;
  }
}

// A command that waits for what cannot come has not been done.
process.once('beforeExit', () => endProcess(EXIT_FAILURE));
void main(process.argv.slice(2)).then(endProcess);
