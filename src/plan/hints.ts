// Owns what to do about an operation that failed: the line below the sentence of describe.ts. Pure.
import type { Op } from './types.ts';

/** What the kernel said. */
export interface Refusal {
  readonly code: string;
}

/** Undefined where nothing better is known than the kernel's own word. */
export function hintFor(op: Op, { code }: Refusal): string | undefined {
  switch (op.kind) {
    case 'mountFs':
      if (code === 'ENODEV')
        return `this kernel has no filesystem of type "${op.type}": /proc/filesystems lists those it has`;
      if (code === 'ELOOP' && op.isStrict)
        return `${op.target} of the rootfs is, or leads through, a symbolic link; it must be a directory`;
      return undefined;
    case 'bindMount':
      return code === 'ENOENT' ? `the source ${op.source} must exist on the host` : undefined;
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
    case 'joinNamespace':
      return code === 'EINVAL' ? `${op.path} is no namespace of that type` : undefined;
    default:
      return undefined;
  }
}
