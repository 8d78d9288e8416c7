// Owns the mount options of the runtime specification (config.md, Linux mount options) and what each means to the kernel.
// Pure. Unknown options are the filesystem's and go to it as data, as the specification asks.
import * as f from './flags.ts';
import type { MountAttrs, MsFlags } from './flags.ts';

/** What a list of options comes to. */
export interface MountOptions {
  /** The flags of mount(2), as the log shows them. */
  msFlags: MsFlags;
  /** Attributes that options ask for, and those that they ask away. */
  set: MountAttrs;
  clear: MountAttrs;
  /** Of a bind mount: attributes of the source that no option names, and that go where the kernel lets them (decision 0017). */
  drop: MountAttrs;
  recursiveSet: MountAttrs;
  recursiveClear: MountAttrs;
  /** MS_SHARED and the like, each with MS_REC or without, in the order of the options. */
  propagation: MsFlags[];
  /** Options of the filesystem itself, in order. */
  data: string[];
  copyUp: boolean;
  /** idmap or ridmap. */
  idmap: 'none' | 'idmap' | 'ridmap';
}

interface Flag {
  readonly ms: MsFlags;
  readonly clear: boolean;
  /** Absent where the option is of the superblock, not of the mount, or one of those of ATIME. */
  readonly attr?: MountAttrs;
}

const NONE = 0 as MsFlags;
const set = (ms: MsFlags, attr?: MountAttrs): Flag => ({ ms, clear: false, ...(attr === undefined ? {} : { attr }) });
const clear = (ms: MsFlags, attr?: MountAttrs): Flag => ({ ms, clear: true, ...(attr === undefined ? {} : { attr }) });

/** Access times: together they say one thing, so attributes come of them once all options are read. */
const ATIME = f.union(f.MS_NOATIME, f.MS_NODIRATIME, f.MS_RELATIME, f.MS_STRICTATIME);
/** What a remount by mount(2) takes away where it is not asked for. */
const DROPPED = f.union(
  f.MOUNT_ATTR_RDONLY,
  f.MOUNT_ATTR_NOSUID,
  f.MOUNT_ATTR_NODEV,
  f.MOUNT_ATTR_NOEXEC,
  f.MOUNT_ATTR_NOSYMFOLLOW,
);

const FLAGS: Readonly<Record<string, Flag>> = {
  async: clear(f.MS_SYNCHRONOUS),
  atime: clear(f.MS_NOATIME),
  bind: set(f.MS_BIND),
  defaults: set(NONE),
  dev: clear(f.MS_NODEV, f.MOUNT_ATTR_NODEV),
  diratime: clear(f.MS_NODIRATIME),
  dirsync: set(f.MS_DIRSYNC),
  exec: clear(f.MS_NOEXEC, f.MOUNT_ATTR_NOEXEC),
  iversion: set(f.MS_I_VERSION),
  lazytime: set(f.MS_LAZYTIME),
  loud: clear(f.MS_SILENT),
  mand: set(f.MS_MANDLOCK),
  noatime: set(f.MS_NOATIME),
  nodev: set(f.MS_NODEV, f.MOUNT_ATTR_NODEV),
  nodiratime: set(f.MS_NODIRATIME),
  noexec: set(f.MS_NOEXEC, f.MOUNT_ATTR_NOEXEC),
  noiversion: clear(f.MS_I_VERSION),
  nolazytime: clear(f.MS_LAZYTIME),
  nomand: clear(f.MS_MANDLOCK),
  norelatime: clear(f.MS_RELATIME),
  nostrictatime: clear(f.MS_STRICTATIME),
  nosuid: set(f.MS_NOSUID, f.MOUNT_ATTR_NOSUID),
  nosymfollow: set(f.MS_NOSYMFOLLOW, f.MOUNT_ATTR_NOSYMFOLLOW),
  rbind: set(f.union(f.MS_BIND, f.MS_REC)),
  relatime: set(f.MS_RELATIME),
  remount: set(f.MS_REMOUNT),
  ro: set(f.MS_RDONLY, f.MOUNT_ATTR_RDONLY),
  rw: clear(f.MS_RDONLY, f.MOUNT_ATTR_RDONLY),
  silent: set(f.MS_SILENT),
  strictatime: set(f.MS_STRICTATIME),
  suid: clear(f.MS_NOSUID, f.MOUNT_ATTR_NOSUID),
  symfollow: clear(f.MS_NOSYMFOLLOW, f.MOUNT_ATTR_NOSYMFOLLOW),
  sync: set(f.MS_SYNCHRONOUS),
};

const PROPAGATION: Readonly<Record<string, MsFlags>> = {
  private: f.MS_PRIVATE,
  shared: f.MS_SHARED,
  slave: f.MS_SLAVE,
  unbindable: f.MS_UNBINDABLE,
  rprivate: f.union(f.MS_PRIVATE, f.MS_REC),
  rshared: f.union(f.MS_SHARED, f.MS_REC),
  rslave: f.union(f.MS_SLAVE, f.MS_REC),
  runbindable: f.union(f.MS_UNBINDABLE, f.MS_REC),
};

/** Attributes for the whole tree, mount_setattr(2) with AT_RECURSIVE. */
const RECURSIVE: Readonly<Record<string, { attr: MountAttrs; clear: boolean; isAtime?: true }>> = {
  rro: { attr: f.MOUNT_ATTR_RDONLY, clear: false },
  rrw: { attr: f.MOUNT_ATTR_RDONLY, clear: true },
  rnosuid: { attr: f.MOUNT_ATTR_NOSUID, clear: false },
  rsuid: { attr: f.MOUNT_ATTR_NOSUID, clear: true },
  rnodev: { attr: f.MOUNT_ATTR_NODEV, clear: false },
  rdev: { attr: f.MOUNT_ATTR_NODEV, clear: true },
  rnoexec: { attr: f.MOUNT_ATTR_NOEXEC, clear: false },
  rexec: { attr: f.MOUNT_ATTR_NOEXEC, clear: true },
  rnodiratime: { attr: f.MOUNT_ATTR_NODIRATIME, clear: false },
  rdiratime: { attr: f.MOUNT_ATTR_NODIRATIME, clear: true },
  rnosymfollow: { attr: f.MOUNT_ATTR_NOSYMFOLLOW, clear: false },
  rsymfollow: { attr: f.MOUNT_ATTR_NOSYMFOLLOW, clear: true },
  rrelatime: { attr: f.MOUNT_ATTR_RELATIME, clear: false, isAtime: true },
  rnorelatime: { attr: f.MOUNT_ATTR_STRICTATIME, clear: false, isAtime: true },
  rnoatime: { attr: f.MOUNT_ATTR_NOATIME, clear: false, isAtime: true },
  ratime: { attr: f.MOUNT_ATTR_RELATIME, clear: false, isAtime: true },
  rstrictatime: { attr: f.MOUNT_ATTR_STRICTATIME, clear: false, isAtime: true },
  rnostrictatime: { attr: f.MOUNT_ATTR_RELATIME, clear: false, isAtime: true },
};

const EXTENSIONS = ['tmpcopyup', 'idmap', 'ridmap'] as const;

/** Every option that is not the filesystem's own, sorted: what `tsrunc features` lists. */
export const MOUNT_OPTION_NAMES: readonly string[] = [
  ...Object.keys(FLAGS),
  ...Object.keys(PROPAGATION),
  ...Object.keys(RECURSIVE),
  ...EXTENSIONS,
].sort();

function addAttr(out: { set: MountAttrs; clear: MountAttrs }, attr: MountAttrs, isClear: boolean): void {
  out.set = isClear ? f.without(out.set, attr) : f.union(out.set, attr);
  out.clear = isClear ? f.union(out.clear, attr) : f.without(out.clear, attr);
}

function addAtime(out: { set: MountAttrs; clear: MountAttrs }, attr: MountAttrs): void {
  out.set = f.union(f.without(out.set, f.MOUNT_ATTR__ATIME), attr);
  out.clear = f.union(out.clear, f.MOUNT_ATTR__ATIME);
}

function addFlag(out: MountOptions, flag: Flag): void {
  out.msFlags = flag.clear ? f.without(out.msFlags, flag.ms) : f.union(out.msFlags, flag.ms);
  if (flag.attr !== undefined) addAttr(out, flag.attr, flag.clear);
}

/** As mount(2): without any option of access times they stay as the source has them; with one, relatime is the default. */
function addAtimeOf(out: MountOptions): void {
  if (!f.has(out.msFlags, ATIME)) return;
  const time = f.has(out.msFlags, f.MS_STRICTATIME)
    ? f.MOUNT_ATTR_STRICTATIME
    : f.has(out.msFlags, f.MS_NOATIME)
      ? f.MOUNT_ATTR_NOATIME
      : f.MOUNT_ATTR_RELATIME;
  addAtime(out, time);
  addAttr(out, f.MOUNT_ATTR_NODIRATIME, !f.has(out.msFlags, f.MS_NODIRATIME));
}

/** Where options say anything of the mount itself, what they do not say goes: the peers remount, and mount(2) sets all flags. */
function addDropped(out: MountOptions): void {
  const saysNothing = f.without(out.msFlags, f.union(f.MS_BIND, f.MS_REC, f.MS_REMOUNT)) === 0 && out.clear === 0;
  if (!saysNothing) out.drop = f.without(DROPPED, f.union(out.set, out.clear));
}

function addRecursive(out: MountOptions, name: string): boolean {
  const entry = RECURSIVE[name];
  if (entry === undefined) return false;
  const words = { set: out.recursiveSet, clear: out.recursiveClear };
  if (entry.isAtime) addAtime(words, entry.attr);
  else addAttr(words, entry.attr, entry.clear);
  out.recursiveSet = words.set;
  out.recursiveClear = words.clear;
  return true;
}

/** Several options of a filesystem may come as one string, as mount(8) takes them; "\\," is a comma within a value. */
function splitData(option: string): string[] {
  return option.split(/(?<!\\),/).filter((part) => part !== '');
}

/** Reads the options of one mount, later ones winning. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const none = 0 as MountAttrs;
  const out: MountOptions = {
    msFlags: NONE,
    set: none,
    clear: none,
    drop: none,
    recursiveSet: none,
    recursiveClear: none,
    propagation: [],
    data: [],
    copyUp: false,
    idmap: 'none',
  };
  for (const option of options) {
    const flag = Object.hasOwn(FLAGS, option) ? FLAGS[option] : undefined;
    const propagation = Object.hasOwn(PROPAGATION, option) ? PROPAGATION[option] : undefined;
    if (flag !== undefined) addFlag(out, flag);
    else if (propagation !== undefined) out.propagation.push(propagation);
    else if (Object.hasOwn(RECURSIVE, option)) addRecursive(out, option);
    else if (option === 'tmpcopyup') out.copyUp = true;
    else if (option === 'idmap' || option === 'ridmap') out.idmap = option;
    else out.data.push(...splitData(option));
  }
  addAtimeOf(out);
  addDropped(out);
  return out;
}
