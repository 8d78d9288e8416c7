// tsrunc planner: this program, kept running, for fronts that ask.
import { readlinkSync } from 'node:fs';
import { Declined, UsageError } from '../../errors.ts';
import { servePlanner } from '../../planner/serve.ts';
import { Context, runtimeDirectory } from '../context.ts';
import { statusOf } from '../exit.ts';
import { countGlobals } from '../globals.ts';
import { parseDuration } from '../quantities.ts';

export async function planner(context: Context, _args: readonly string[], options: object): Promise<number> {
  const { socket, idleTimeout } = options as { socket?: string; idleTimeout?: string };
  if (context.caller.pid !== process.pid) throw new Declined('a planner is a process of its own');
  await servePlanner({
    path: context.resolve(socket) ?? `${runtimeDirectory(context.caller)}/tsrunc-planner.sock`,
    ...(idleTimeout === undefined ? {} : { idleSeconds: parseDuration('--idle-timeout', idleTimeout) }),
    log: context.log,
    ...inheritedSocket(context),
    countGlobals,
    answer: (caller, argv) => statusOf(new Context(caller), argv),
  });
  return 0;
}

/** What systemd listens on for us, sd_listen_fds(3). */
function inheritedSocket({ caller }: Context): { inherited?: number } {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = caller.environment;
  if (pid !== String(caller.pid) || !(Number(count) > 0)) return {};
  const found = readlinkSync('/proc/self/fd/3');
  if (!found.startsWith('socket:')) throw new UsageError(`LISTEN_FDS=${count}: descriptor 3 is ${found}, not a socket`);
  return { inherited: 3 };
}
