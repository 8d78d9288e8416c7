// Owns the end of the process: the one catch-all, the one exit, and the sentence that a failure becomes.
import { CallerGone, causeOf, Declined, errorCode, suppressedBy, TsruncError, UsageError } from '../errors.ts';
import { loadedNative } from '../native/binding.ts';
import type { Context, Doing } from './context.ts';
import { detailsOf } from './failure-details.ts';
import { runProgram } from './program.ts';

export const EXIT_FAILURE = 1;
/** A failed exec, as in runc: distinct from what the program may return. */
export const EXIT_EXEC_FAILURE = 255;

/** Runs a command: its exit status, or the failure's. Undefined: the caller sees to the rest. */
export async function statusOf(context: Context, argv: readonly string[]): Promise<number | undefined> {
  try {
    return await runProgram(context, argv);
  } catch (error) {
    if (isUntold(error)) throw error;
    tell(error, context);
    return context.doing.command === 'exec' ? EXIT_EXEC_FAILURE : EXIT_FAILURE;
  }
}

/** What is no failure of the command, nor anything to tell: the planner does the rest. Whatever says it in other words. */
function isUntold(error: unknown): boolean {
  return causeOf(error, Declined) !== undefined || causeOf(error, CallerGone) !== undefined;
}

/** The one exit. */
export function endProcess(status: number | undefined): never {
  // At once, where nobody listens for the end: taking V8 down costs 1 ms, and all that we write is written synchronously.
  if (process.listenerCount('exit') === 0) loadedNative()?.endProcess(status ?? 0);
  process.exit(status ?? 0);
}

/** To the log first: who reads standard error may be gone, and engines look into the log. Neither keeps it from the other. */
function tell(error: unknown, { caller, doing, log }: Context): void {
  const message = sentence(error, doing);
  const hint = hintOf(error);
  const notes = suppressedBy(error).map((second) => `on the way out: ${oneLine(second)}`);
  try {
    log.failure(message, detailsOf(error, hint), notes);
  } catch (second) {
    notes.push(`the log cannot be written: ${oneLine(second)}`);
  }
  const trace = caller.environment['TSRUNC_TRACE'] && error instanceof Error ? `${error.stack ?? ''}\n` : '';
  const usage = error instanceof UsageError ? error.usage : undefined;
  const more = notes.map((note) => line('tsrunc', note)).join('');
  // In one write(2): callers read once, and the decisive words come first.
  caller.print(2, `${message}\n${line('hint', hint)}${line('usage', usage)}${more}${trace}`);
}

function line(name: string, text: string | undefined): string {
  return text === undefined ? '' : `${name}: ${text}\n`;
}

/** One line: what was being done, to what, and why it failed, down to the kernel's word. */
export function sentence(error: unknown, doing: Doing): string {
  const place = [doing.command, doing.id].filter((word) => word !== undefined).join(' ');
  return ['tsrunc', ...(place === '' ? [] : [place]), oneLine(error)].join(': ').replaceAll('\n', ' ');
}

function oneLine(error: unknown): string {
  return causes(error).join(': ').replaceAll('\n', ' ');
}

function causes(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const rest = error.cause === undefined ? [] : causes(error.cause);
  return [wordsOf(error), ...rest];
}

function wordsOf(error: Error): string {
  if (error instanceof TsruncError) return error.message;
  const code = errorCode(error);
  if (code !== undefined && /^E[A-Z0-9]+$/.test(code)) return nodeWords(error, code);
  return `internal error: ${error.message}`;
}

/** Node's own system errors, in the words of ours: "ENOENT: no such file or directory (open /x)". */
function nodeWords(error: Error, code: string): string {
  const { syscall, path } = error as NodeJS.ErrnoException;
  const text = /^[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
  const place = [syscall, path].filter((part) => part !== undefined).join(' ');
  return `${code}: ${text.toLowerCase()}${place === '' ? '' : ` (${place})`}`;
}

function hintOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof TsruncError && at.hint !== undefined) return at.hint;
  const isKnown = error instanceof TsruncError || /^E[A-Z0-9]+$/.test(errorCode(error) ?? '');
  return isKnown ? undefined : 'this is a fault of tsrunc itself: TSRUNC_TRACE=1 shows where';
}
