// tsrunc pause: stops every process of a container where it stands.
import { openCgroup } from '../../cgroup/open.ts';
import { checkStatus, statusOf } from '../../container/lifecycle.ts';
import type { Context } from '../context.ts';

export async function pause(context: Context, [id = '']: readonly string[]): Promise<number> {
  const { store } = context;
  await store.locked(id, async () => {
    const state = store.load(id);
    checkStatus('pause', id, statusOf(state));
    await openCgroup(state.cgroupPlaces).freeze();
  });
  return 0;
}
