// Owns the format of /proc/self/mountinfo, proc_pid_mountinfo(5). Reads no file itself.

export interface MountInfo {
  readonly id: number;
  readonly parent: number;
  /** The directory of the filesystem that is the root of the mount. */
  readonly root: string;
  readonly mountpoint: string;
  readonly options: readonly string[];
  /** shared:N, master:N, propagate_from:N, unbindable. */
  readonly optional: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** The lines of cgroup filesystems alone, v1 and v2: the text of a host with many mounts is searched, not parsed. */
export function parseCgroupMounts(text: string): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (let at = text.indexOf(CGROUP_TYPE); at >= 0;) {
    const end = text.indexOf('\n', at);
    const mount = parseLine(text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end));
    if (mount !== undefined && /^cgroup2?$/.test(mount.type)) mounts.push(mount);
    at = end < 0 ? -1 : text.indexOf(CGROUP_TYPE, end);
  }
  return mounts;
}

/** No field holds a blank of its own, so this can only stand before the type. */
const CGROUP_TYPE = ' - cgroup';

/** Parses the whole file. A line that is not in the format is passed over: the kernel may add, but does not break. */
export function parseMountInfo(text: string): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of text.split('\n')) {
    const mount = parseLine(line);
    if (mount !== undefined) mounts.push(mount);
  }
  return mounts;
}

function parseLine(line: string): MountInfo | undefined {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [id, parent, , root, mountpoint, options] = fields;
  const [type, source, superOptions] = dash < 0 ? [] : fields.slice(dash + 1);
  if (mountpoint === undefined || options === undefined || type === undefined) return undefined;
  return {
    id: Number(id),
    parent: Number(parent),
    root: unescape(root ?? ''),
    mountpoint: unescape(mountpoint),
    options: options.split(','),
    optional: fields.slice(6, dash),
    type,
    source: unescape(source ?? ''),
    superOptions: (superOptions ?? '').split(','),
  };
}

/** Blanks, newlines and backslashes stand as three octal digits. */
function unescape(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
    : text;
}
