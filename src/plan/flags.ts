// Owns the kernel's numbers for mounts, namespaces and files that plans carry. MS_* and MOUNT_ATTR_* share some bits by luck
// and differ in others, so they are two types that do not mix. Source: mount(2), mount_setattr(2), clone(2), inode(7).

declare const family: unique symbol;
export type MsFlags = number & { readonly [family]: 'MS' };
export type MountAttrs = number & { readonly [family]: 'MOUNT_ATTR' };

const ms = (bits: number): MsFlags => bits as MsFlags;
const attr = (bits: number): MountAttrs => bits as MountAttrs;

export const MS_RDONLY = ms(1);
export const MS_NOSUID = ms(2);
export const MS_NODEV = ms(4);
export const MS_NOEXEC = ms(8);
export const MS_SYNCHRONOUS = ms(16);
export const MS_REMOUNT = ms(32);
export const MS_MANDLOCK = ms(64);
export const MS_DIRSYNC = ms(128);
export const MS_NOSYMFOLLOW = ms(256);
export const MS_NOATIME = ms(1024);
export const MS_NODIRATIME = ms(2048);
export const MS_BIND = ms(4096);
export const MS_REC = ms(16384);
export const MS_SILENT = ms(32768);
export const MS_UNBINDABLE = ms(1 << 17);
export const MS_PRIVATE = ms(1 << 18);
export const MS_SLAVE = ms(1 << 19);
export const MS_SHARED = ms(1 << 20);
export const MS_RELATIME = ms(1 << 21);
export const MS_I_VERSION = ms(1 << 23);
export const MS_STRICTATIME = ms(1 << 24);
export const MS_LAZYTIME = ms(1 << 25);

export const MOUNT_ATTR_RDONLY = attr(0x1);
export const MOUNT_ATTR_NOSUID = attr(0x2);
export const MOUNT_ATTR_NODEV = attr(0x4);
export const MOUNT_ATTR_NOEXEC = attr(0x8);
/** Not a bit but a field: RELATIME (0), NOATIME, STRICTATIME. Cleared as a whole before one is set. */
export const MOUNT_ATTR__ATIME = attr(0x70);
export const MOUNT_ATTR_RELATIME = attr(0);
export const MOUNT_ATTR_NOATIME = attr(0x10);
export const MOUNT_ATTR_STRICTATIME = attr(0x20);
export const MOUNT_ATTR_NODIRATIME = attr(0x80);
export const MOUNT_ATTR_NOSYMFOLLOW = attr(0x200000);

export const CLONE_NEWTIME = 0x80;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;

/** Puts flags of one family together; bitwise `|` would lose the type. */
export function union<T extends MsFlags | MountAttrs>(...flags: readonly T[]): T {
  return flags.reduce<number>((all, flag) => (all | flag) >>> 0, 0) as T;
}

/** `flags` without `gone`. */
export function without<T extends MsFlags | MountAttrs>(flags: T, gone: T): T {
  return ((flags & ~gone) >>> 0) as T;
}

export function has<T extends MsFlags | MountAttrs>(flags: T, bits: T): boolean {
  return (flags & bits) !== 0;
}

const MS_NAMES: readonly (readonly [MsFlags, string])[] = [
  [MS_BIND, 'bind'],
  [MS_REC, 'rec'],
  [MS_REMOUNT, 'remount'],
  [MS_RDONLY, 'ro'],
  [MS_NOSUID, 'nosuid'],
  [MS_NODEV, 'nodev'],
  [MS_NOEXEC, 'noexec'],
  [MS_SYNCHRONOUS, 'sync'],
  [MS_MANDLOCK, 'mand'],
  [MS_DIRSYNC, 'dirsync'],
  [MS_NOSYMFOLLOW, 'nosymfollow'],
  [MS_NOATIME, 'noatime'],
  [MS_NODIRATIME, 'nodiratime'],
  [MS_RELATIME, 'relatime'],
  [MS_STRICTATIME, 'strictatime'],
  [MS_LAZYTIME, 'lazytime'],
  [MS_I_VERSION, 'iversion'],
  [MS_SILENT, 'silent'],
  [MS_SHARED, 'shared'],
  [MS_SLAVE, 'slave'],
  [MS_PRIVATE, 'private'],
  [MS_UNBINDABLE, 'unbindable'],
];

/** The flags in the words of mount(8), comma-separated; bits without a word in hexadecimal. */
export function describeMsFlags(flags: number): string {
  let left = flags;
  const words: string[] = [];
  for (const [bit, word] of MS_NAMES) {
    if ((left & bit) === 0) continue;
    words.push(word);
    left &= ~bit;
  }
  if (left !== 0) words.push(`0x${(left >>> 0).toString(16)}`);
  return words.join(',');
}
