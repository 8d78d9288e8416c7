// tsrunc resume: lets the processes of a paused container go on.
import { openCgroup } from '../../cgroup/open.ts';
import { checkStatus, statusOf } from '../../container/lifecycle.ts';
import type { Context } from '../context.ts';

export async function resume(context: Context, [id = '']: readonly string[]): Promise<number> {
  const { store } = context;
  await store.locked(id, async () => {
    const state = store.load(id);
    checkStatus('resume', id, statusOf(state));
    openCgroup(state.cgroupPlaces).thaw();
  });
  return 0;
}
