// Owns what a failure is to a program that reads the JSON log, beside the sentence for people (docs/engines.md). Pure.
import { causeOf, errorCode, HelperError, TsruncError } from '../errors.ts';

/** Keys of the line of a failure. Engines that do not know them pass them over. */
export interface FailureDetails {
  /** The kernel's name of the error, such as EPERM; without one the kind of failure, such as ERR_SPEC. */
  readonly code?: string;
  /** The operation, as `tsrunc plan` names it. */
  readonly step?: string;
  readonly path?: string;
  /** Of a mount, in words. */
  readonly flags?: string;
  /** The number for `code`, errno(3). */
  readonly errno?: number;
  readonly hint?: string;
}

export function detailsOf(error: unknown, hint: string | undefined): FailureDetails {
  const kernel = kernelError(error);
  const step = causeOf(error, HelperError)?.step;
  const code = kernel?.code ?? (error instanceof TsruncError ? error.code : undefined);
  const path = step?.path ?? kernel?.path;
  return {
    ...(code === undefined ? {} : { code }),
    ...step,
    ...(path === undefined ? {} : { path }),
    ...(kernel?.errno === undefined ? {} : { errno: Math.abs(kernel.errno) }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** The innermost error of a system call, ours or Node's. */
function kernelError(error: unknown): Pick<NodeJS.ErrnoException, 'code' | 'errno' | 'path'> | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner = kernelError(error.cause);
  if (inner !== undefined) return inner;
  return /^E[A-Z0-9]+$/.test(errorCode(error) ?? '') ? (error as NodeJS.ErrnoException) : undefined;
}
