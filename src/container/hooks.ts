// Owns the hooks of the runtime namespace: run here, with the state on standard input. config.md, POSIX-platform Hooks.
import { HookError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { HookName } from '../oci/types.ts';
import { hookArgs, hookState } from '../plan/hooks.ts';
import type { Status } from './lifecycle.ts';
import type { StoredState } from './store.ts';

/** Runs the hooks of one name in their order; HookError from the first that fails. */
export function runHooks(state: StoredState, name: HookName, status: Status): void {
  const { config, id, bundle, pid } = state;
  const input = hookState(
    { id, bundle, annotations: config.annotations ?? {} },
    status,
    status === 'stopped' ? 0 : pid,
  );
  const hooks = config.hooks?.[name] ?? [];
  if (hooks.length === 0) return;
  // 6 ms of a start, which most containers do without.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() is asynchronous, node:module costs 0.2 ms
  const { spawnSync } = require('node:child_process') as typeof import('node:child_process');
  for (const hook of hooks) {
    const [argv0 = hook.path, ...args] = hookArgs(hook);
    const result = spawnSync(hook.path, args, {
      argv0,
      // Exactly what is configured: nothing of our own environment.
      env: Object.fromEntries((hook.env ?? []).map(splitVariable)),
      input,
      cwd: bundle,
      encoding: 'utf8',
      maxBuffer: 1 << 20,
      killSignal: 'SIGKILL',
      ...(hook.timeout === undefined ? {} : { timeout: hook.timeout * 1000 }),
    });
    const failure = describeFailure(result, hook.timeout);
    if (failure !== undefined) throw new HookError(`run the ${name} hook ${hook.path}: ${failure}`);
  }
}

/** Like runHooks, for hooks whose failure is only worth a warning; the rest still run. */
export function runHooksLeniently(state: StoredState, name: HookName, status: Status, log: Log): void {
  for (const hook of state.config.hooks?.[name] ?? []) {
    try {
      runHooks({ ...state, config: { ...state.config, hooks: { [name]: [hook] } } }, name, status);
    } catch (error) {
      log.warn((error as Error).message);
    }
  }
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf('=');
  return equals < 0 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)];
}

type Spawned = ReturnType<typeof import('node:child_process').spawnSync> & { readonly stderr: string | Buffer };

function describeFailure(result: Spawned, timeout: number | undefined): string | undefined {
  const code = (result.error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ETIMEDOUT') return `it took longer than its timeout of ${timeout} s`;
  // A hook that does not read its input is none the worse for it.
  if (result.error !== undefined && code !== 'EPIPE') return result.error.message;
  const said = String(result.stderr).trim();
  const words = said === '' ? '' : `, saying: ${said.slice(0, 500)}`;
  if (result.signal !== null) return `it was ended by ${result.signal}${words}`;
  return result.status === 0 ? undefined : `it ended with exit status ${result.status}${words}`;
}
