// Owns the kinds of failure and what each carries. A leaf: knows no other file of the project.
// Context is added by `cause`; the sentence for people is made in cli/exit.ts.

/** Base of every failure that tsrunc raises on purpose. `code` identifies it for ever; the message may change. */
export abstract class TsruncError extends Error {
  abstract readonly code: string;
  /** What to do about it, where we know: printed on a line of its own. */
  readonly hint: string | undefined;

  constructor(message: string, options: { cause?: unknown; hint?: string | undefined } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** The command line is wrong. */
export class UsageError extends TsruncError {
  readonly code = 'ERR_USAGE';
  /** How the command is written, where that is what was missed: printed on a line of its own. */
  readonly usage: string | undefined;

  constructor(message: string, options: { cause?: unknown; hint?: string; usage?: string } = {}) {
    super(message, options);
    this.usage = options.usage;
  }
}

/** One thing that a configuration gets wrong. */
export interface Fault {
  /** JSON pointer (RFC 6901) into the document; '' is the whole. */
  readonly pointer: string;
  /** What the specification asks for. */
  readonly rule: string;
  /** Where it asks for it: file and heading. */
  readonly section: string;
  /** What stands there instead. */
  readonly found: string;
}

/** A configuration breaks the runtime specification, or asks for what this version cannot do. */
export class SpecError extends TsruncError {
  readonly code = 'ERR_SPEC';
  readonly faults: readonly Fault[];

  constructor(document: string, faults: readonly Fault[]) {
    super(`${document}: ${describeFault(faults[0])}${more(faults.length - 1)}`, {
      hint:
        faults.length > 1
          ? 'tsrunc validate lists them all'
          : `the rule is in the runtime specification: ${faults[0]?.section ?? 'config.md'}`,
    });
    this.faults = faults;
  }
}

function describeFault(fault: Fault | undefined): string {
  if (fault === undefined) return 'is not valid';
  return `${fault.pointer === '' ? 'the document' : fault.pointer}: ${fault.rule}: found ${fault.found}`;
}

function more(count: number): string {
  if (count <= 0) return '';
  return ` (and ${count} more ${count === 1 ? 'fault' : 'faults'})`;
}

/** A file of ours or of the bundle cannot be read, or is not what it should be. */
export class FileError extends TsruncError {
  readonly code = 'ERR_FILE';
}

/** A container is not in the state that the command needs; callers match these messages to the letter. */
export class StateError extends TsruncError {
  readonly code: 'ERR_STATE_EXISTS' | 'ERR_STATE_NOT_FOUND' | 'ERR_STATE_ID' | 'ERR_STATE_STATUS' | 'ERR_STATE_BUSY';

  constructor(code: StateError['code'], message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** A system call failed; the properties are those of Node's own system errors. */
export class SyscallError extends TsruncError {
  readonly code: string;
  /** Negative, as Node has it. */
  readonly errno: number;
  readonly syscall: string;
  readonly path: string | undefined;

  constructor(given: { code: string; errno: number; syscall: string; text: string; path?: string }) {
    super(`${given.code}: ${given.text.toLowerCase()} (${given.syscall}${given.path ? ` ${given.path}` : ''})`);
    this.code = given.code;
    this.errno = given.errno;
    this.syscall = given.syscall;
    this.path = given.path;
  }
}

/** An operation of a plan as programs name it: its kind, what it works on, and flags of mount(2) in words. */
export interface Step {
  readonly step: string;
  readonly path?: string;
  readonly flags?: string;
}

/** The helper failed at one operation of a plan; `message` is the operation in words. */
export class HelperError extends TsruncError {
  readonly code = 'ERR_HELPER';
  readonly step: Step | undefined;

  constructor(message: string, options: { cause?: unknown; hint?: string | undefined; step?: Step } = {}) {
    super(message, options);
    this.step = options.step;
  }
}

/** A hook ended as it should not; the message says how. */
export class HookError extends TsruncError {
  readonly code = 'ERR_HOOK';
}

/** A planner cannot do this for a caller, and has done nothing yet: the caller does it itself. Never told. */
export class Declined extends TsruncError {
  readonly code = 'ERR_DECLINED';
}

/** The caller has ended: what was begun for it is taken back, and there is nobody to tell. */
export class CallerGone extends TsruncError {
  readonly code = 'ERR_CALLER_GONE';
}

/** Something that cannot happen did. */
export class InternalError extends TsruncError {
  readonly code = 'ERR_INTERNAL';
}

/** Clean-ups that have failed, by the failure that they came after. */
const suppressed = new WeakMap<Error, unknown[]>();

/** What else has failed on the way out of a failure, along its causes. It is told beside it, never instead of it. */
export function suppressedBy(error: unknown): unknown[] {
  return error instanceof Error ? [...(suppressed.get(error) ?? []), ...suppressedBy(error.cause)] : [];
}

function suppress(first: unknown, second: unknown): unknown {
  if (first instanceof Error && first !== second) suppressed.set(first, [...(suppressed.get(first) ?? []), second]);
  return first;
}

/** Runs a clean-up on the way out of a failure. The first failure stays the one that is told. */
export async function whileFailing(error: unknown, cleanUp: () => void | Promise<void>): Promise<unknown> {
  try {
    await cleanUp();
    return error;
  } catch (second) {
    return suppress(error, second);
  }
}

/** The same where nothing waits. */
export function whileFailingSync(error: unknown, cleanUp: () => void): unknown {
  try {
    cleanUp();
    return error;
  } catch (second) {
    return suppress(error, second);
  }
}

/** Work, and what follows whatever comes of it. Unlike after `finally`, a failure of the work is told before that of the clean-up. */
export async function lastly<T>(work: () => T | Promise<T>, cleanUp: () => void | Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    throw await whileFailing(error, cleanUp);
  }
  await cleanUp();
  return result;
}

/** The same where nothing waits. */
export function lastlySync<T>(work: () => T, cleanUp: () => void): T {
  let result: T;
  try {
    result = work();
  } catch (error) {
    throw whileFailingSync(error, cleanUp);
  }
  cleanUp();
  return result;
}

/** The `code` of any error that has one (ours, Node's, the addon's). */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The error itself, or the cause of it, that is of this kind. */
export function causeOf<T extends Error>(error: unknown, kind: new (...args: never[]) => T): T | undefined {
  if (error instanceof kind) return error;
  return error instanceof Error && error.cause !== undefined ? causeOf(error.cause, kind) : undefined;
}
