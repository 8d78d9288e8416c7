// tsrunc start: lets the program of a created container run.
import { startContainer } from '../../container/start.ts';
import type { Context } from '../context.ts';

export async function start(context: Context, [id = '']: readonly string[]): Promise<number> {
  await startContainer(context.runtime, id);
  return 0;
}
