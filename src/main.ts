// The entry: one caller, one context, one program, one exit.
import { LocalCaller } from './caller/local.ts';
import { Context } from './cli/context.ts';
import { endProcess, statusOf } from './cli/exit.ts';

const context = new Context(new LocalCaller());
void statusOf(context, process.argv.slice(2)).then(endProcess);
