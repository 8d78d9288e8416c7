// Owns `update`: new limits in the files of the cgroup, and the old ones back when the kernel refuses one.
import { openCgroup } from '../cgroup/open.ts';
import { whileFailing } from '../errors.ts';
import type { Resources } from '../oci/types.ts';
import { whileAllowed } from './lifecycle.ts';
import type { Runtime } from './runtime.ts';

export async function updateContainer({ store }: Runtime, id: string, given: Resources): Promise<void> {
  await whileAllowed(store, 'update', id, async (state) => {
    const cgroup = openCgroup(state.cgroupPlaces);
    const old = state.config.linux?.resources;
    const resources = completed(given, old);
    try {
      await cgroup.update(resources);
    } catch (error) {
      throw await whileFailing(error, () => cgroup.restore());
    }
    const { config } = state;
    store.save({
      ...state,
      config: { ...config, linux: { ...config.linux, resources: merged(old ?? {}, resources) } },
    });
  });
}

/** What the words of the options leave unsaid; as runc. */
function completed(given: Resources, old: Resources | undefined): Resources {
  const { cpu, memory } = given;
  const result: { cpu?: Resources['cpu']; memory?: Resources['memory'] } & Resources = { ...given };
  // Quota and period are one file on v2: half of a pair keeps the other half.
  if (cpu !== undefined)
    result.cpu = {
      ...cpu,
      ...(cpu.quota != null && cpu.period == null && old?.cpu?.period != null ? { period: old.cpu.period } : {}),
      ...(cpu.period != null && cpu.quota == null && old?.cpu?.quota != null ? { quota: old.cpu.quota } : {}),
    };
  if (memory?.limit === -1 && memory.swap == null) result.memory = { ...memory, swap: -1 };
  return result;
}

function merged(old: Resources, given: Resources): Resources {
  const result: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(given)) {
    const before = result[key];
    const isObject = (v: unknown) => typeof v === 'object' && v !== null && !Array.isArray(v);
    result[key] = isObject(before) && isObject(value) ? { ...(before as object), ...(value as object) } : value;
  }
  return result as Resources;
}
