// Owns what to do about an operation that failed: the line below the sentence of describe.ts. Pure.
import type { Op } from './types.ts';

/** What the kernel said, and to which call. */
export interface Refusal {
  readonly code: string;
  readonly call: string;
}

const NO_NAMESPACE =
  'the process whose namespace it was has ended, perhaps: "path" in "namespaces" of linux, config.json';

const LOCKED =
  'a user namespace keeps flags that a mount had outside of it: leave out the options that clear or change them';

/** Undefined where nothing better is known than the kernel's own word. */
export function hintFor(op: Op, refusal: Refusal): string | undefined {
  const { code } = refusal;
  switch (op.kind) {
    case 'mountFs':
      if (code === 'ENODEV')
        return `this kernel has no filesystem of type "${op.type}": /proc/filesystems lists those it has`;
      if (code === 'ELOOP' && op.isStrict)
        return `${op.target} of the rootfs is, or leads through, a symbolic link; it must be a directory`;
      if (code === 'EINVAL')
        return `the filesystem refuses an option, or misses one: "options" in "mounts" of config.json`;
      return hintForTarget(op.target, refusal) ?? notDirectory(op.target, code);
    case 'bindMount':
    case 'bindCgroup':
    case 'attachMount':
      if (code === 'EPERM' && refusal.call === 'mount_setattr') return LOCKED;
      if (code === 'ENOENT') return `the source ${op.source} must exist on the host`;
      return hintForTarget(op.target, refusal) ?? mismatch(op, code);
    case 'makeDevice':
    case 'bindDevice':
    case 'makeSymlink':
    case 'makeDirectory':
      return hintForTarget(op.path, refusal);
    case 'pivotRoot':
      return code === 'EINVAL' ? 'a rootfs on the initial ramdisk needs --no-pivot' : undefined;
    case 'setRlimit':
    case 'limitSelf':
      return code === 'EPERM'
        ? 'raising a hard limit needs CAP_SYS_RESOURCE, which tsrunc does not have here'
        : undefined;
    case 'setExecLabel':
      return op.label.startsWith('exec ')
        ? 'is AppArmor enabled on this host, and the profile loaded?'
        : 'is SELinux enabled on this host, and the label one of its policy?';
    case 'setUser':
    case 'setGroups':
    case 'becomeRoot':
      return code === 'EINVAL' ? "no mapping of the container's user namespace holds this id" : undefined;
    case 'joinCgroup':
      return cgroupHint(code);
    case 'setScheduler':
      return code === 'EPERM'
        ? 'it needs CAP_SYS_NICE; and where the kernel schedules realtime by groups (CONFIG_RT_GROUP_SCHED), a new cgroup has cpu.rt_runtime_us 0: give it linux.resources.cpu.realtimeRuntime'
        : undefined;
    case 'checkExecutable':
    case 'prepareExec':
    case 'exec':
      return hintForProgram(op, code);
    case 'runHook':
      return 'look into the hook itself: config.json names it in "hooks"';
    case 'setCwd':
      return code === 'ENOTDIR' ? '"cwd" of process in config.json must be a directory of the image' : undefined;
    case 'openPidNamespace':
      return code === 'ENOENT' ? NO_NAMESPACE : undefined;
    case 'joinNamespace':
      if (code === 'ENOENT') return NO_NAMESPACE;
      return code === 'EINVAL' ? `${op.path} is no namespace of that type` : undefined;
    default:
      return undefined;
  }
}

function hintForProgram(op: { readonly kind: string; readonly file: string }, code: string): string | undefined {
  if (code === 'EACCES') return 'it must be a file that the user of process may execute: chmod +x in the image';
  if (code === 'ENOEXEC') return 'it must be a program for this architecture, or a script with a #! line';
  if (code !== 'ENOENT') return undefined;
  if (op.kind === 'exec')
    return 'a script needs the program of its #! line, a dynamic program its loader: both in the image';
  return op.file.includes('/')
    ? '"args" of process names a program in the image'
    : 'PATH in "env" of process lists the directories of the image in which it is looked for';
}

const MAKING = new Set(['mkdirat', 'mknodat', 'symlinkat']);

/** What is missing in the rootfs is made, unless the rootfs cannot be written to. */
function hintForTarget(target: string, { code, call }: Refusal): string | undefined {
  return code === 'EROFS' && MAKING.has(call)
    ? `${target} is absent in the container's root, which is read-only here: have it in the image`
    : undefined;
}

function notDirectory(target: string, code: string): string | undefined {
  return code === 'ENOTDIR' ? `${target}, or what is above it, is a file in the container's root` : undefined;
}

function mismatch(op: { readonly source: string; readonly target: string }, code: string): string | undefined {
  return code === 'ENOTDIR'
    ? `one of ${op.source} and ${op.target} is a directory and the other is a file, or there is a file on the way`
    : undefined;
}

/** Why a cgroup takes no process, cgroups(7). */
function cgroupHint(code: string): string | undefined {
  switch (code) {
    case 'EBUSY':
      return 'on cgroup v2 a cgroup that hands controllers down (cgroup.subtree_control) takes no processes: choose another cgroupsPath';
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
      return 'its cgroup.type is "domain invalid", since a cgroup above it is threaded: choose another cgroupsPath';
    case 'ENOSPC':
      return 'the cpuset of the cgroup has no CPUs or no memory nodes';
    default:
      return undefined;
  }
}
