// tsrunc state: one container as JSON.
import { describeState } from '../../container/describe-state.ts';
import type { Context } from '../context.ts';

export async function state(context: Context, [id = '']: readonly string[]): Promise<number> {
  const { store } = context;
  const described = describeState(store, store.load(id), { withOwner: false });
  context.caller.print(1, `${JSON.stringify(described, null, 2)}\n`);
  return 0;
}
