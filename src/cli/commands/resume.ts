// tsrunc resume: lets the processes of a paused container go on.
import { openCgroup } from '../../cgroup/open.ts';
import { whileAllowed } from '../../container/lifecycle.ts';
import type { Context } from '../context.ts';

export async function resume(context: Context, [id = '']: readonly string[]): Promise<number> {
  const { store } = context;
  await whileAllowed(store, 'resume', id, async (state) => {
    openCgroup(state.cgroupPlaces).thaw();
  });
  return 0;
}
