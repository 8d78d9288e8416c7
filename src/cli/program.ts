// Owns the doing of a command line: help and version here, everything else by its verb.
import { whileFailing } from '../errors.ts';
import { native } from '../native/binding.ts';
import { COMMIT, SPEC_VERSION, VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { globalsOf, parseCommandLine, type CommandLine } from './parser.ts';

/** The exit status; undefined when the caller sees to the rest. */
export async function runProgram(context: Context, argv: readonly string[]): Promise<number | undefined> {
  const line = await understand(context, argv);
  if (line === 'version' || 'text' in line) {
    context.caller.print(1, line === 'version' ? versionText() : line.text);
    return 0;
  }
  const { verb, args, options, globals } = line;
  const [id] = args;
  context.doing = { command: verb.name, ...(id === undefined || verb.args === undefined ? {} : { id }) };
  await context.configure(globals);
  return (await verb.load())(context, args, options);
}

/** A command line that is not understood is told in the log, too, where its global options name one: callers read only that. */
async function understand(context: Context, argv: readonly string[]): Promise<CommandLine> {
  try {
    return parseCommandLine(argv);
  } catch (error) {
    throw await whileFailing(error, () => context.configure(globalsOf(argv)));
  }
}

/** The first line is what callers parse. */
function versionText(): string {
  const lines = [
    `tsrunc version ${VERSION}`,
    `commit: ${COMMIT}`,
    `spec: ${SPEC_VERSION}`,
    `libseccomp: ${native().seccompVersion()}`,
    `node: ${process.versions.node}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
