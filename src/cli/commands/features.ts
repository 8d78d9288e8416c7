// tsrunc features: what this runtime can do, whatever host it is on. features.md, features-linux.md.
import { native } from '../../native/binding.ts';
import { CAPABILITY_NAMES } from '../../plan/capabilities.ts';
import { MOUNT_OPTION_NAMES } from '../../plan/mount-options.ts';
import { NAMESPACE_TYPES } from '../../plan/namespaces.ts';
import { SECCOMP_ACTIONS, SECCOMP_ARCHITECTURES, SECCOMP_FLAGS, SECCOMP_OPERATORS } from '../../plan/seccomp.ts';
import { COMMIT, SPEC_VERSION, SPEC_VERSION_MIN, VERSION } from '../../version.ts';
import type { Context } from '../context.ts';

/** Options that are recognised to be refused are no features. */
const REFUSED_OPTIONS = new Set(['idmap', 'ridmap']);
const REFUSED_ACTIONS = new Set(['SCMP_ACT_NOTIFY']);

export async function features(context: Context): Promise<number> {
  context.caller.print(1, `${JSON.stringify(describeFeatures(), null, 2)}\n`);
  return 0;
}

function describeFeatures(): object {
  return {
    ociVersionMin: SPEC_VERSION_MIN,
    ociVersionMax: SPEC_VERSION,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: MOUNT_OPTION_NAMES.filter((name) => !REFUSED_OPTIONS.has(name)),
    linux: {
      namespaces: [...NAMESPACE_TYPES].sort(),
      capabilities: CAPABILITY_NAMES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: SECCOMP_ACTIONS.filter((name) => !REFUSED_ACTIONS.has(name)),
        operators: SECCOMP_OPERATORS,
        archs: SECCOMP_ARCHITECTURES,
        knownFlags: SECCOMP_FLAGS,
        supportedFlags: SECCOMP_FLAGS,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: false } },
      netDevices: { enabled: false },
    },
    annotations: {
      'io.github.seccomp.libseccomp.version': native().seccompVersion(),
      'org.opencontainers.runc.checkpoint.enabled': 'false',
      'io.tsrunc.version': VERSION,
      'io.tsrunc.commit': COMMIT,
    },
  };
}
