// Owns `update`: new limits in the files of the cgroup, and the old ones back when the kernel refuses one.
import { resourceWarnings } from '../cgroup/convertible.ts';
import { cgroupVersion, openCgroup } from '../cgroup/open.ts';
import { whileFailing } from '../errors.ts';
import type { Resources } from '../oci/types.ts';
import { whileAllowed } from './lifecycle.ts';
import type { Runtime } from './runtime.ts';

export async function updateContainer({ store, log }: Runtime, id: string, given: Resources): Promise<void> {
  await whileAllowed(store, 'update', id, async (state) => {
    const cgroup = openCgroup(state.cgroupPlaces);
    const old = state.config.linux?.resources;
    const resources = completed(given, old);
    for (const warning of resourceWarnings(given, cgroupVersion(state.cgroupPlaces))) log.warn(warning);
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

/** What is left unsaid and belongs to what is said; as runc. */
function completed(given: Resources, old: Resources | undefined): Resources {
  return {
    ...given,
    // Quota and period are one file on v2: half of a pair keeps the other half.
    ...(given.cpu == null ? {} : { cpu: keeping(given.cpu, old?.cpu, ['period', 'quota']) }),
    ...(given.memory == null ? {} : { memory: completedMemory(given.memory, old?.memory) }),
  };
}

type Memory = NonNullable<Resources['memory']>;

/** Limits of memory, and of memory and swap, are a pair, too: v2 limits what is between them. */
function completedMemory(given: Memory, old: Resources['memory']): Memory {
  if (given.limit === -1 && given.swap == null) return { ...given, swap: -1 };
  const isPair = Boolean(given.limit) || Boolean(given.swap);
  return keeping(given, old, isPair ? ['limit', 'swap', 'checkBeforeUpdate'] : ['checkBeforeUpdate']);
}

/** With the old values of these names, where there is no new one; 0 is what callers send for what they leave alone. */
function keeping<T extends object>(given: T, old: T | undefined, names: readonly (keyof T)[]): T {
  const isAny = names.some((name) => given[name] != null);
  const kept = names.filter((name) => !given[name] && old?.[name] != null).map((name) => [name, old?.[name]]);
  return isAny ? { ...given, ...Object.fromEntries(kept) } : given;
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
