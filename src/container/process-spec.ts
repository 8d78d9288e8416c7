// Owns the process of an `exec`: config.json's with the options on top, or a file in its place.
import { SpecError, UsageError } from '../errors.ts';
import type { Caller } from '../caller/caller.ts';
import { readJson } from '../oci/json.ts';
import type { CapabilitySet, ExactIntegers, Process } from '../oci/types.ts';
import { validatePart } from '../oci/validate.ts';
import { exactOf, type StoredState } from './state.ts';

export interface ProcessOptions {
  readonly file?: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd?: string;
  readonly user?: string;
  readonly additionalGids: readonly string[];
  readonly caps: readonly string[];
  readonly tty: boolean;
  readonly noNewPrivs: boolean;
  readonly apparmor?: string;
  readonly processLabel?: string;
}

const MAX_ID = 2 ** 32 - 2; // 2^32-1 is "no change" to setresuid(2)

/** The process to run, and the integers that a number cannot hold, of the document in which it is at `pointer`. */
export interface ExecProcess {
  readonly process: Process;
  readonly exact: ExactIntegers;
  readonly pointer: string;
}

export async function makeProcess(caller: Caller, state: StoredState, options: ProcessOptions): Promise<ExecProcess> {
  if (options.file !== undefined) return readProcessFile(caller, state, options.file);
  if (options.args.length === 0)
    throw new UsageError('exec args cannot be empty', { hint: 'tsrunc exec ID COMMAND, or --process FILE' });
  const base = state.config.process ?? { cwd: '/' };
  for (const variable of options.env)
    if (!/^[^=]+=/.test(variable))
      throw new UsageError(`--env ${JSON.stringify(variable)}: it has the form NAME=value`);
  const user = options.user === undefined ? undefined : parseUser(options.user);
  const process: Process = {
    ...base,
    terminal: options.tty,
    args: options.args,
    env: [...(base.env ?? []), ...options.env],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.noNewPrivs ? { noNewPrivileges: true } : {}),
    ...(options.apparmor === undefined ? {} : { apparmorProfile: options.apparmor }),
    ...(options.processLabel === undefined ? {} : { selinuxLabel: options.processLabel }),
    user: { ...base.user, ...user, ...additionalGids(base, options) },
    ...(options.caps.length === 0 ? {} : { capabilities: withCaps(base, options.caps) }),
  };
  if (!process.cwd.startsWith('/')) throw new UsageError(`--cwd ${process.cwd}: it must be an absolute path`);
  return { process, exact: exactOf(state), pointer: '/process' };
}

async function readProcessFile(caller: Caller, state: StoredState, file: string): Promise<ExecProcess> {
  const document = readJson(file, caller);
  const faults = await validatePart(state.config, '/process', document);
  if (faults.length > 0) throw new SpecError(file, faults);
  return { process: document.value as Process, exact: document.exact, pointer: '' };
}

/** Digits, optionally a colon and digits, each an id that exists; anything else is refused (CVE-2026-30892). */
export function parseUser(text: string): { uid: number; gid?: number } {
  const match = /^(0|[1-9]\d*)(?::(0|[1-9]\d*))?$/.exec(text);
  const uid = Number(match?.[1]);
  const gid = match?.[2] === undefined ? undefined : Number(match[2]);
  if (match === null || uid > MAX_ID || (gid ?? 0) > MAX_ID)
    throw new UsageError(`--user ${JSON.stringify(text)}: it has the form UID or UID:GID, in digits`, {
      hint: '/etc/passwd of the image has the numbers',
    });
  return gid === undefined ? { uid } : { uid, gid };
}

function additionalGids(base: Process, options: ProcessOptions): { additionalGids?: readonly number[] } {
  if (options.additionalGids.length === 0) return {};
  const gids = options.additionalGids.map((text) => {
    if (!/^(0|[1-9]\d*)$/.test(text) || Number(text) > MAX_ID)
      throw new UsageError(`--additional-gids ${JSON.stringify(text)}: it must be a group id in digits`);
    return Number(text);
  });
  return { additionalGids: [...(base.user?.additionalGids ?? []), ...gids] };
}

/**
 * Added to bounding, effective and permitted; to ambient only where the configuration has it inheritable; never to
 * inheritable: a process could then pass on what it was lent (CVE-2022-29162).
 */
function withCaps(base: Process, caps: readonly string[]): NonNullable<Process['capabilities']> {
  const names = caps.map((cap) =>
    cap.toUpperCase().startsWith('CAP_') ? cap.toUpperCase() : `CAP_${cap.toUpperCase()}`,
  );
  const sets: Partial<Record<CapabilitySet, readonly string[]>> = { ...base.capabilities };
  const inheritable = sets.inheritable ?? [];
  for (const set of ['bounding', 'effective', 'permitted'] as const)
    sets[set] = [...new Set([...(sets[set] ?? []), ...names])];
  sets.ambient = [...new Set([...(sets.ambient ?? []), ...names.filter((name) => inheritable.includes(name))])];
  return sets;
}
