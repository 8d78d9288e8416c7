// tsrunc pause: stops every process of a container where it stands.
import { openCgroup } from '../../cgroup/open.ts';
import { checkStatus, statusOf } from '../../container/lifecycle.ts';
import type { Context } from '../context.ts';

export async function pause(context: Context, [id = '']: readonly string[]): Promise<number> {
  const { store } = context;
  store.locked(id, () => {
    const state = store.load(id);
    checkStatus('pause', id, statusOf(state));
    openCgroup(state.cgroupPlaces).freeze();
  });
  return 0;
}
