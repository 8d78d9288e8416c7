// Owns hooks in plans: those of the container namespaces become operations, and the state that hooks get on standard input.
// config.md, POSIX-platform Hooks. Pure.
import type { Config, Hook, HookName, Hooks } from '../oci/types.ts';
import { eachOnce, needsHome, programEnvironment } from './environment.ts';
import type { SeccompProgram } from './process.ts';
import { HOOK_FROM, type Op, type OpOf, type Plan } from './types.ts';

/** What a hook learns of its container; runtime.md, State. */
export interface HookContainer {
  readonly id: string;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const OCI_VERSION = '1.3.0';

/** The state as one line of JSON. */
function hookState(container: HookContainer, status: string, pid: number): string {
  return JSON.stringify({
    ociVersion: OCI_VERSION,
    id: container.id,
    status,
    pid,
    bundle: container.bundle,
    annotations: container.annotations,
  });
}

/** A value that cannot be part of the other fields' text. */
const PID_MARK = -987654321;

/** The arguments of a hook: argv[0] is the path where none are given. */
function hookArgs(hook: Hook): readonly string[] {
  return hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args;
}

/**
 * The operations for the hooks of one name in the container namespaces. Their pid is init's, as it sees itself. Without an environment
 * of its own a hook has the container's, as in runc; before the root is changed its directory is the rootfs. `filter` is for the hooks.
 */
export function planHooks(
  { hooks, process }: Pick<Config, 'hooks' | 'process'>,
  name: 'createContainer' | 'startContainer',
  container: HookContainer,
  { status, filter }: { status: string; filter?: SeccompProgram | undefined },
): Op[] {
  const [stateHead = '', stateTail = ''] = hookState(container, status, PID_MARK).split(String(PID_MARK));
  const env = programEnvironment(process?.env);
  const hasHome = name === 'startContainer' && needsHome(env);
  const place = name === 'createContainer' ? HOOK_FROM.rootfs : 0;
  const inherited = { env, from: hasHome ? HOOK_FROM.home : 0 };
  const surroundings = { stateHead, stateTail, ...planFilterOf(filter) };
  return hookOps(hooks, name, surroundings, inherited).map((op) => ({ ...op, from: Number(op.from) | place }));
}

/** The plan for the hooks of one name in the runtime namespaces, with the bundle as their directory. */
export function planHostHooks(
  hooks: Hooks | undefined,
  name: HookName,
  container: HookContainer,
  status: string,
  pid: number,
): Plan {
  const surroundings = { stateHead: hookState(container, status, pid), stateTail: '', ...planFilterOf(undefined) };
  return [
    { kind: 'spawnInit', cloneFlags: 0 },
    { kind: 'setCwd', path: container.bundle, mayDefer: 0 },
    ...hookOps(hooks, name, surroundings, { env: [], from: HOOK_FROM.caller }),
    { kind: 'finish' },
  ];
}

type Surroundings = Pick<OpOf<'runHook'>, 'stateHead' | 'stateTail' | 'filter' | 'filterFlags'>;

/** A hook of the image is not to have less confinement than the container's program. */
function planFilterOf(filter: SeccompProgram | undefined): Pick<Surroundings, 'filter' | 'filterFlags'> {
  return { filter: filter?.bytes ?? new Uint8Array(), filterFlags: filter?.flags ?? 0 };
}

/** Three weeks and more; as milliseconds it still fits into what poll(2) takes. */
const MAX_TIMEOUT = 2147483;

/** `inherited`: the environment of a hook that has none of its own. An empty one is one. */
function hookOps(
  hooks: Hooks | undefined,
  name: HookName,
  surroundings: Surroundings,
  inherited: Pick<OpOf<'runHook'>, 'env' | 'from'>,
): OpOf<'runHook'>[] {
  return (hooks?.[name] ?? []).map((hook) => ({
    kind: 'runHook',
    path: hook.path,
    args: hookArgs(hook),
    ...(hook.env === undefined ? inherited : { env: eachOnce(hook.env), from: 0 }),
    timeout: Math.min(hook.timeout ?? 0, MAX_TIMEOUT),
    name,
    ...surroundings,
  }));
}

/** Whether a plan asks for the environment of the caller. */
export function needsCallerEnvironment(plan: Plan): boolean {
  return plan.some((op) => op.kind === 'runHook' && (Number(op.from) & HOOK_FROM.caller) !== 0);
}
