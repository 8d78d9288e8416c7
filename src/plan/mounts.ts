// Owns the planning of config.json's mounts: which operation each becomes, and what must wait until the end. Pure.
import type { Mount } from '../oci/types.ts';
import * as f from './flags.ts';
import type { CgroupPlace } from './facts.ts';
import { planMountLabel } from './labels.ts';
import { parseMountOptions, type MountOptions } from './mount-options.ts';
import { cleanPath, resolveFrom } from './paths.ts';
import type { Op } from './types.ts';

export interface MountInput {
  readonly mounts: readonly Mount[];
  /** Absolute path of the bundle: relative bind sources are its. */
  readonly bundle: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupPlaces: readonly CgroupPlace[];
  readonly hasCgroupNamespace: boolean;
  readonly mountLabel?: string;
}

export interface MountPlan {
  readonly ops: Op[];
  /** To be done once nothing more is created below these mounts. */
  readonly finalOps: Op[];
}

/** Filesystems over whose target no symbolic link may lead (CVE-2019-19921, CVE-2023-27561, CVE-2025-54867). */
const STRICT_TYPES = new Set(['proc', 'sysfs']);
const CGROUP_ROOT_FLAGS = f.union(f.MS_NOSUID, f.MS_NODEV, f.MS_NOEXEC);

export function planMounts(input: MountInput): MountPlan {
  const plan: MountPlan = { ops: [], finalOps: [] };
  for (const mount of input.mounts) planMount(input, mount, plan);
  return plan;
}

/** A mount is a bind mount by its options; type "bind" alone means it, too, as for the peers. */
export function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || (mount.options ?? []).some((option) => option === 'bind' || option === 'rbind');
}

function planMount(input: MountInput, mount: Mount, plan: MountPlan): void {
  const target = cleanPath(mount.destination);
  const options = parseMountOptions(mount.options ?? []);
  if (f.has(options.msFlags, f.MS_REMOUNT)) planRemount(target, options, plan);
  else if (isBind(mount)) planBind(input, mount, target, options, plan);
  else if (mount.type === 'cgroup' || mount.type === 'cgroup2') planCgroup(input, target, options, plan);
  else planFs(input, mount, target, options, plan);
}

function planRemount(target: string, options: MountOptions, plan: MountPlan): void {
  plan.ops.push({
    kind: 'remount',
    target,
    msFlags: options.msFlags,
    data: options.data.join(','),
    propagation: options.propagation,
  });
}

function planBind(input: MountInput, mount: Mount, target: string, options: MountOptions, plan: MountPlan): void {
  plan.ops.push({
    kind: 'bindMount',
    source: resolveFrom(input.bundle, mount.source ?? ''),
    target,
    ...planBindFields(options),
  });
}

/** What bindMount, bindCgroup and attachMount have in common. */
export function planBindFields(options: MountOptions) {
  return {
    msFlags: f.union(options.msFlags, f.MS_BIND),
    set: options.set,
    clear: options.clear,
    drop: options.drop,
    recursiveSet: options.recursiveSet,
    recursiveClear: options.recursiveClear,
    propagation: options.propagation,
  };
}

function planFs(input: MountInput, mount: Mount, target: string, options: MountOptions, plan: MountPlan): void {
  const type = mount.type ?? 'none';
  // Devices are still to be made in it.
  const attributes = attributesOfNew(options);
  const isLater = type === 'tmpfs' && target === '/dev' && f.has(attributes, f.MOUNT_ATTR_RDONLY);
  plan.ops.push({
    kind: 'mountFs',
    source: mount.source ?? type,
    target,
    type,
    msFlags: isLater ? f.without(options.msFlags, f.MS_RDONLY) : options.msFlags,
    attributes: isLater ? f.without(attributes, f.MOUNT_ATTR_RDONLY) : attributes,
    data: [...options.data, ...planMountLabel(type, input.mountLabel)],
    propagation: options.propagation,
    isStrict: STRICT_TYPES.has(type) ? 1 : 0,
    copyUp: options.copyUp ? 1 : 0,
    isKept: isLater ? 1 : 0,
  });
  if (isLater) plan.finalOps.push({ kind: 'setMountAttributes', target, set: f.MOUNT_ATTR_RDONLY, clear: 0 });
}

/** A new mount has nothing below it: what is asked for its whole tree is asked for itself, after the rest. */
function attributesOfNew({ set, recursiveSet, recursiveClear }: MountOptions): f.MountAttrs {
  return f.union(f.without(set, recursiveClear), recursiveSet);
}

function planCgroup(input: MountInput, target: string, options: MountOptions, plan: MountPlan): void {
  if (input.cgroupVersion === 2) planCgroup2(input, target, options, plan);
  else planCgroup1(input, target, options, plan);
}

/** One mount: of the filesystem where a cgroup namespace makes it show the container's part, a bind of that part elsewhere. */
function planCgroup2(input: MountInput, target: string, options: MountOptions, plan: MountPlan): void {
  const place = input.cgroupPlaces[0];
  if (place !== undefined && !input.hasCgroupNamespace) {
    plan.ops.push({ kind: 'bindCgroup', source: place.directory, target, ...planBindFields(options) });
    return;
  }
  plan.ops.push({
    kind: 'mountFs',
    source: 'cgroup',
    target,
    type: 'cgroup2',
    msFlags: options.msFlags,
    attributes: attributesOfNew(options),
    data: options.data,
    propagation: options.propagation,
    isStrict: 1,
    copyUp: 0,
    isKept: 0,
  });
}

/** A tmpfs with one bind of the container's own cgroup for each hierarchy, and links for the parts of joint names. */
function planCgroup1(input: MountInput, target: string, options: MountOptions, plan: MountPlan): void {
  const isReadonly = f.has(attributesOfNew(options), f.MOUNT_ATTR_RDONLY);
  plan.ops.push({
    kind: 'mountFs',
    source: 'tmpfs',
    target,
    type: 'tmpfs',
    msFlags: CGROUP_ROOT_FLAGS,
    attributes: f.union(f.MOUNT_ATTR_NOSUID, f.MOUNT_ATTR_NODEV, f.MOUNT_ATTR_NOEXEC),
    data: ['mode=755'],
    propagation: options.propagation,
    isStrict: 1,
    copyUp: 0,
    isKept: isReadonly ? 1 : 0,
  });
  for (const place of input.cgroupPlaces) {
    if (place.hierarchy.version === 2) continue; // a hybrid host's, which has no limits; as runc
    const name = place.hierarchy.mountpoint.slice(place.hierarchy.mountpoint.lastIndexOf('/') + 1);
    const fields = planBindFields(options);
    plan.ops.push({
      kind: 'bindCgroup',
      source: place.directory,
      target: `${target}/${name}`,
      ...fields,
      msFlags: f.union(fields.msFlags, f.MS_REC),
    });
    if (place.hierarchy.controllers.length < 2) continue;
    for (const controller of place.hierarchy.controllers)
      plan.ops.push({ kind: 'makeSymlink', target: name, path: `${target}/${controller}`, replace: 0 });
  }
  if (isReadonly) plan.ops.push({ kind: 'setMountAttributes', target, set: f.MOUNT_ATTR_RDONLY, clear: 0 });
}

/** The paths of the host that init's operations take, in their order. */
export function sourcesOf(ops: readonly Op[]): string[] {
  return ops.flatMap((op) => {
    if (op.kind === 'bindRootfs') return [op.path];
    return op.kind === 'bindMount' || op.kind === 'bindCgroup' || op.kind === 'bindDevice' ? [op.source] : [];
  });
}
