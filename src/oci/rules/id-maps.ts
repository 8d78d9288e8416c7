// Rules on ids that no mapping of a new user namespace holds: the kernel would only say EINVAL. Pure.
import type { Fault } from '../../errors.ts';
import { parseMountOptions } from '../../plan/mount-options.ts';
import { isBind } from '../../plan/mounts.ts';
import type { Config, IdMapping } from '../types.ts';
import { fault, type Rule } from './rule.ts';

const SECTION = 'config-linux.md, User namespace mappings';

type Kind = 'uid' | 'gid';

export const idMapRules: Rule = (config) => {
  const { namespaces = [], uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const isNew = namespaces.some(({ type, path }) => type === 'user' && !path);
  if (!isNew || uidMappings.length === 0 || gidMappings.length === 0) return [];
  const faults: Fault[] = [];
  const need = (pointer: string, kind: Kind, id: number | undefined | null) => {
    if (id == null || holds(kind === 'uid' ? uidMappings : gidMappings, id)) return;
    faults.push(fault(pointer, SECTION, `no mapping in linux.${kind}Mappings holds ${kind} ${id}`, id));
  };
  need('/linux/uidMappings', 'uid', 0); // who sets the container up
  need('/linux/gidMappings', 'gid', 0);
  const user = config.process?.user;
  need('/process/user/uid', 'uid', user?.uid);
  need('/process/user/gid', 'gid', user?.gid);
  for (const [i, gid] of (user?.additionalGids ?? []).entries()) need(`/process/user/additionalGids/${i}`, 'gid', gid);
  for (const { pointer, kind, id } of idsOfMounts(config)) need(pointer, kind, id);
  return faults;
};

function holds(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

/** uid=N and gid=N of new filesystems. */
function idsOfMounts(config: Config): { pointer: string; kind: Kind; id: number }[] {
  return (config.mounts ?? []).flatMap((mount, i) =>
    isBind(mount)
      ? []
      : parseMountOptions(mount.options ?? []).data.flatMap((option) => {
          const [, kind, id] = /^([ug]id)=(\d+)$/.exec(option) ?? [];
          return kind === undefined ? [] : [{ pointer: `/mounts/${i}/options`, kind: kind as Kind, id: Number(id) }];
        }),
  );
}
