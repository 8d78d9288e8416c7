// tsrunc start: lets the program of a created container run.
import { startContainer } from '../../container/start.ts';
import type { Context } from '../context.ts';

export async function start(context: Context, [id = '']: readonly string[]): Promise<number> {
  startContainer(context.store, id, context.log);
  return 0;
}
