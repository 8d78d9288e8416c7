// tsrunc kill: a signal to the container's init, or with --all to every process.
import { killContainer } from '../../container/kill.ts';
import { parseSignal } from '../../container/signals.ts';
import type { Context } from '../context.ts';

export async function kill(context: Context, args: readonly string[], options: object): Promise<number> {
  const [id = '', signal = 'TERM'] = args;
  const { all, regex } = options as { all?: boolean; regex?: boolean };
  const { store } = context;
  for (const name of regex ? store.matching(id) : [id])
    await killContainer(store.load(name), parseSignal(signal), { all: all ?? false });
  return 0;
}
