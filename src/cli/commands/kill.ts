// tsrunc kill: a signal to the container's init, or with --all to every process.
import { killContainer } from '../../container/kill.ts';
import { idsMatching } from '../../container/matching.ts';
import { parseSignal } from '../../container/signals.ts';
import type { Context } from '../context.ts';

export async function kill(context: Context, args: readonly string[], options: object): Promise<number> {
  const [id = '', signal = 'TERM'] = args;
  const { all, regex } = options as { all?: boolean; regex?: boolean };
  const { caller, store } = context;
  for (const name of regex ? idsMatching(caller, store.ids(), id) : [id])
    await killContainer(store.load(name), parseSignal(signal), { all: all ?? false });
  return 0;
}
