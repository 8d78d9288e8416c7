// Owns the hooks of the runtime namespace: children of the caller like the container, with the state on standard input.
// config.md, POSIX-platform Hooks.
import { HelperError, HookError } from '../errors.ts';
import type { HookName } from '../oci/types.ts';
import { planHostHooks } from '../plan/hooks.ts';
import { executeApart } from './execute-apart.ts';
import type { Status } from './lifecycle.ts';
import type { Runtime } from './runtime.ts';
import type { StoredState } from './state.ts';

/** Runs the hooks of one name in their order; HookError from the first that fails. */
export async function runHooks(runtime: Runtime, state: StoredState, name: HookName, status: Status): Promise<void> {
  const { config, id, bundle, pid } = state;
  if ((config.hooks?.[name] ?? []).length === 0) return;
  const container = { id, bundle, annotations: config.annotations ?? {} };
  try {
    await executeApart(runtime, planHostHooks(config.hooks, name, container, status, status === 'stopped' ? 0 : pid));
  } catch (error) {
    if (!(error instanceof HelperError)) throw error;
    throw new HookError(error.message, { cause: error.cause, hint: error.hint });
  }
}

/** Like runHooks, for hooks whose failure is only worth a warning; the rest still run. */
export async function runHooksLeniently(
  runtime: Runtime,
  state: StoredState,
  name: HookName,
  status: Status,
): Promise<void> {
  for (const hook of state.config.hooks?.[name] ?? []) {
    try {
      await runHooks(runtime, { ...state, config: { ...state.config, hooks: { [name]: [hook] } } }, name, status);
    } catch (error) {
      runtime.log.warn(describeHookFailure(error as Error));
    }
  }
}

function describeHookFailure(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
