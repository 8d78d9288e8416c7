// tsrunc pause: stops every process of a container where it stands.
import { openCgroup } from '../../cgroup/open.ts';
import { whileAllowed } from '../../container/lifecycle.ts';
import type { Context } from '../context.ts';

export async function pause(context: Context, [id = '']: readonly string[]): Promise<number> {
  const { store } = context;
  await whileAllowed(store, 'pause', id, async (state) => {
    await openCgroup(state.cgroupPlaces).freeze();
  });
  return 0;
}
