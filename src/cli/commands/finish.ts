// tsrunc finish: what a front asks for when its container has ended, or its planner has.
import { finishContainer } from '../../container/destroy.ts';
import type { Context } from '../context.ts';

export async function finish(context: Context, [id = '', created = '']: readonly string[]): Promise<number> {
  await finishContainer(context.runtime, id, created);
  return 0;
}
