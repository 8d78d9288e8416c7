// Owns the plan of a process that joins a running container (`exec`). Pure.
import type { ExactIntegers, Linux, Process } from '../oci/types.ts';
import { planOpenCgroups } from './cgroup-places.ts';
import type { CgroupPlace, ProcessFacts } from './facts.ts';
import { CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWUSER } from './flags.ts';
import { planExecLabel, planKeyring, planPersonality } from './labels.ts';
import { planFromOutside, planProcess, type ProcessInput, type SeccompProgram } from './process.ts';
import { AWAIT, type Op, type Plan } from './types.ts';

export interface ExecInput {
  readonly process: Process;
  readonly exact: ExactIntegers;
  readonly pointer: string;
  /** The name of the container's session keyring; absent: the process keeps its caller's. */
  readonly keyring?: string | undefined;
  readonly personality?: Linux['personality'] | undefined;
  readonly facts: ProcessFacts;
  readonly cgroupPlaces: readonly CgroupPlace[];
  /** CLONE_NEW* of the namespaces that the container does not share with us. */
  readonly namespaces: number;
  readonly pidfdSlot: number;
  /** The container's root, where its mount namespace is ours. */
  readonly rootSlot?: number;
  readonly seccomp?: SeccompProgram;
  /** Whether the terminal goes to somebody else, and not to the front. */
  readonly hasConsoleSocket?: boolean;
}

export function planExec(input: ExecInput): { plan: Plan; warnings: readonly string[] } {
  const { process, facts } = input;
  const joinsCgroup = (input.namespaces & CLONE_NEWCGROUP) !== 0;
  const joinsPid = (input.namespaces & CLONE_NEWPID) !== 0;
  const namespacesAtOnce = input.namespaces & ~(CLONE_NEWCGROUP | CLONE_NEWPID);
  const isUserJoined = (input.namespaces & CLONE_NEWUSER) !== 0;
  const processInput: ProcessInput = {
    process,
    exact: input.exact,
    pointer: input.pointer,
    availableCaps: isUserJoined ? (1n << BigInt(facts.lastCap + 1)) - 1n : facts.permittedCaps,
    isUserNew: false,
    isPidShared: true,
    ...(joinsPid ? { bornInto: input.pidfdSlot } : {}),
    maySetGroups: !(isUserJoined && facts.euid !== 0),
    ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
  };
  const started = planProcess(processInput, { wait: [{ kind: 'await', point: AWAIT.start }] });
  const size = process.consoleSize ?? { height: 0, width: 0 };
  // All but the pid namespace: nobody in there can trace us.
  const joins: Op[] =
    namespacesAtOnce === 0 ? [] : [{ kind: 'joinProcess', slot: input.pidfdSlot, flags: namespacesAtOnce }];
  const plan: Op[] = [
    ...planOpenCgroups(input.cgroupPlaces),
    ...joins,
    { kind: 'spawnInit', cloneFlags: 0 },
    ...planFromOutside(processInput),
    { kind: 'releaseInit' },
    ...input.cgroupPlaces.map((place, slot): Op => ({ kind: 'joinCgroup', path: place.directory, slot })),
  ];
  if (input.cgroupPlaces.length > 0) plan.push({ kind: 'resetCpuAffinity' });
  if (joinsCgroup) plan.push({ kind: 'enterCgroupNamespace', slot: input.pidfdSlot });
  if (isUserJoined) plan.push({ kind: 'becomeRoot' });
  // In the container's user namespace, which has names of its own for keyrings, and as its root, who owns it.
  if (input.keyring !== undefined) plan.push(...planKeyring(input.keyring, process));
  plan.push({ kind: 'startSession' });
  if (input.rootSlot === undefined) plan.push({ kind: 'openRoot' });
  else plan.push({ kind: 'takeRoot', slot: input.rootSlot }, { kind: 'changeRoot' });
  if (process.terminal) plan.push({ kind: 'makeConsole', ...size, bind: 0, crlf: input.hasConsoleSocket ? 1 : 0 });
  plan.push({ kind: 'reopenNull' }, ...planPersonality(input.personality), ...planExecLabel(process), ...started.ops);
  return { plan, warnings: started.warnings };
}
