// Owns the plans that change the mounts of a running container (`mounts add`, `mounts remove`). Pure.
import type { Mount } from '../oci/types.ts';
import { CLONE_NEWNS } from './flags.ts';
import { isBind, planBindFields } from './mounts.ts';
import { parseMountOptions } from './mount-options.ts';
import { cleanPath } from './paths.ts';
import type { Op, Plan } from './types.ts';

/** A copy of a source of the host, in a slot: the container's mount namespace does not show the source. */
export interface OpenedMount {
  readonly mount: Mount;
  readonly source: string;
  readonly slot: number;
}

export function planAddMounts(pidfdSlot: number, opened: readonly OpenedMount[]): Plan {
  return planInside(
    pidfdSlot,
    opened.map(({ mount, source, slot }) => ({
      kind: 'attachMount',
      source,
      slot,
      target: cleanPath(mount.destination),
      ...planBindFields(parseMountOptions(mount.options ?? [])),
    })),
  );
}

/** In the reverse order: what was mounted last may lie upon what was mounted first. */
export function planRemoveMounts(pidfdSlot: number, mounts: readonly Mount[]): Plan {
  return planInside(
    pidfdSlot,
    mounts.map((mount): Op => ({ kind: 'detachMount', target: cleanPath(mount.destination) })).reverse(),
  );
}

/** Why this mount cannot be added or removed; undefined when it can. */
export function refuseMount(mount: Mount, action: 'add' | 'remove'): string | undefined {
  if (cleanPath(mount.destination) === '/') return 'the root of the container stays';
  if (action === 'add' && !isBind(mount)) return 'only bind mounts can be added to a running container';
  return undefined;
}

/** Only the mount namespace is entered, and only by a child that holds nothing of the host but the copies. */
function planInside(pidfdSlot: number, ops: readonly Op[]): Plan {
  return [
    { kind: 'joinProcess', slot: pidfdSlot, flags: CLONE_NEWNS },
    { kind: 'spawnInit', cloneFlags: 0 },
    { kind: 'releaseInit' },
    { kind: 'openPrivateProc' },
    { kind: 'openRoot' },
    ...ops,
    { kind: 'finish' },
  ];
}
