// Owns hooks in plans: those of the container namespaces become operations, and the state that hooks get on standard input.
// config.md, POSIX-platform Hooks. Pure.
import type { Hook, HookName, Hooks } from '../oci/types.ts';
import type { SeccompProgram } from './process.ts';
import type { Op, OpOf, Plan } from './types.ts';

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

/** The operations for the hooks of one name in the container namespaces. Their pid is init's, as it sees itself; `filter` is for them. */
export function planHooks(
  hooks: Hooks | undefined,
  name: HookName,
  container: HookContainer,
  { status, filter }: { status: string; filter?: SeccompProgram | undefined },
): Op[] {
  const [stateHead = '', stateTail = ''] = hookState(container, status, PID_MARK).split(String(PID_MARK));
  return hookOps(hooks, name, { stateHead, stateTail, ...planFilterOf(filter) });
}

/** The plan for the hooks of one name in the runtime namespaces, with the bundle as their directory. */
export function planHostHooks(
  hooks: Hooks | undefined,
  name: HookName,
  container: HookContainer,
  status: string,
  pid: number,
): Plan {
  return [
    { kind: 'spawnInit', cloneFlags: 0 },
    { kind: 'setCwd', path: container.bundle, mayDefer: 0 },
    ...hookOps(hooks, name, {
      stateHead: hookState(container, status, pid),
      stateTail: '',
      ...planFilterOf(undefined),
    }),
    { kind: 'finish' },
  ];
}

type Surroundings = Pick<OpOf<'runHook'>, 'stateHead' | 'stateTail' | 'filter' | 'filterFlags'>;

/** A hook of the image is not to have less confinement than the container's program. */
function planFilterOf(filter: SeccompProgram | undefined): Pick<Surroundings, 'filter' | 'filterFlags'> {
  return { filter: filter?.bytes ?? new Uint8Array(), filterFlags: filter?.flags ?? 0 };
}

function hookOps(hooks: Hooks | undefined, name: HookName, surroundings: Surroundings): Op[] {
  return (hooks?.[name] ?? []).map((hook) => ({
    kind: 'runHook',
    path: hook.path,
    args: hookArgs(hook),
    env: hook.env ?? [],
    timeout: hook.timeout ?? 0,
    name,
    ...surroundings,
  }));
}
