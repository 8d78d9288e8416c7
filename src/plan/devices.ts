// Owns the planning of /dev: default devices and links (config-linux.md, Default Devices; runtime-linux.md), and
// linux.devices. Pure.
import type { Device, Mount } from '../oci/types.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from './flags.ts';
import { isBind } from './mounts.ts';
import { cleanPath } from './paths.ts';
import type { Op } from './types.ts';

interface Node {
  readonly path: string;
  readonly type: 'c' | 'b' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const DEFAULT_DEVICES: readonly (readonly [string, number, number])[] = [
  ['/dev/null', 1, 3],
  ['/dev/zero', 1, 5],
  ['/dev/full', 1, 7],
  ['/dev/random', 1, 8],
  ['/dev/urandom', 1, 9],
  ['/dev/tty', 5, 0],
];

const LINKS: readonly (readonly [string, string])[] = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
];

const TYPE_BITS = { c: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const;
const DEFAULT_MODE = 0o666;

export interface DeviceInput {
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  /** In a user namespace mknod(2) is refused; the host's nodes are bound instead. */
  readonly bindFromHost: boolean;
}

/** Everything below /dev, unless /dev is the host's by a bind mount: that is not ours to write to. */
export function planDevices(input: DeviceInput): Op[] {
  const isHostDev = input.mounts.some((mount) => cleanPath(mount.destination) === '/dev' && isBind(mount));
  const configured = input.devices.map(configuredNode);
  const taken = new Set(configured.map((node) => node.path));
  const defaults = DEFAULT_DEVICES.filter(([path]) => !taken.has(path)).map(defaultNode);
  const nodes = isHostDev ? configured.filter((node) => !node.path.startsWith('/dev/')) : [...defaults, ...configured];
  const ops: Op[] = nodes.map((node) => planNode(node, input.bindFromHost));
  if (isHostDev) return ops;
  ops.push({ kind: 'makeSymlink', target: 'pts/ptmx', path: '/dev/ptmx', replace: 1 });
  for (const [target, path] of LINKS) ops.push({ kind: 'makeSymlink', target, path, replace: 0 });
  return ops;
}

function planNode(node: Node, bindFromHost: boolean): Op {
  if (bindFromHost && node.type !== 'p') return { kind: 'bindDevice', source: node.path, path: node.path };
  return {
    kind: 'makeDevice',
    path: node.path,
    mode: TYPE_BITS[node.type] | node.mode,
    major: node.major,
    minor: node.minor,
    uid: node.uid,
    gid: node.gid,
  };
}

function defaultNode([path, major, minor]: readonly [string, number, number]): Node {
  return { path, type: 'c', major, minor, mode: DEFAULT_MODE, uid: 0, gid: 0 };
}

/** `u` is an unbuffered character device, mknod(1); the kernel knows no difference. */
function configuredNode(device: Device): Node {
  return {
    path: cleanPath(device.path),
    type: device.type === 'u' ? 'c' : (device.type as Node['type']),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    mode: (device.fileMode ?? DEFAULT_MODE) & 0o7777,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  };
}
