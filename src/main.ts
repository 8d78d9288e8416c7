// The entry: one context, one program, one exit.
import { Context } from './cli/context.ts';
import { exitWith } from './cli/exit.ts';
import { runProgram } from './cli/program.ts';

const context = new Context();
void exitWith(
  () => context.doing,
  () => context.log,
  () => runProgram(context, process.argv.slice(2)),
);
