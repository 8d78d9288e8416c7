// tsrunc exec: another process in a running container.
import { preservedDescriptors } from '../../container/descriptors.ts';
import { execInContainer } from '../../container/exec.ts';
import { makeProcess } from '../../container/process-spec.ts';
import type { Context } from '../context.ts';

interface Flags {
  readonly process?: string;
  readonly env: string[];
  readonly cwd?: string;
  readonly user?: string;
  readonly additionalGids: string[];
  readonly cap: string[];
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly execWaitFifo?: string;
  /** False with --no-new-privs, as commander has it. */
  readonly newPrivs: boolean;
  readonly apparmor?: string;
  readonly processLabel?: string;
  readonly cgroup: string[];
  readonly ignorePaused?: boolean;
  readonly preserveFds?: number;
}

export async function exec(
  context: Context,
  [id = '', ...args]: readonly string[],
  options: object,
): Promise<number | undefined> {
  const flags = options as Flags;
  const { process, ...numbers } = await makeProcess(context.caller, context.store.load(id), {
    args,
    env: flags.env,
    additionalGids: flags.additionalGids,
    caps: flags.cap,
    tty: flags.tty ?? false,
    noNewPrivs: !flags.newPrivs,
    ...given({
      file: context.resolve(flags.process || undefined),
      cwd: flags.cwd,
      user: flags.user,
      apparmor: flags.apparmor,
      processLabel: flags.processLabel,
    }),
  });
  const { preserved } = preservedDescriptors(context.caller, flags.preserveFds ?? 0);
  return execInContainer(context.runtime, {
    id,
    // -t asks for a terminal also where a file says otherwise
    process: flags.tty ? { ...process, terminal: true } : process,
    ...numbers,
    detach: flags.detach ?? false,
    ignorePaused: flags.ignorePaused ?? false,
    cgroups: flags.cgroup,
    preserved,
    ...given({
      pidFile: context.resolve(flags.pidFile || undefined),
      consoleSocket: context.resolve(flags.consoleSocket || undefined),
      pidfdSocket: context.resolve(flags.pidfdSocket || undefined),
      waitFifo: context.resolve(flags.execWaitFifo || undefined),
    }),
  });
}

/** Without the properties that are undefined, which exact optional types want absent, or empty: as runc, not given. */
function given<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as {
    [K in keyof T]?: string;
  };
}
