// tsrunc info: what the host gives to containers, for a report or a question.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { readFacts } from '../../host/facts.ts';
import { native } from '../../native/binding.ts';
import { NAMESPACE_TYPES } from '../../plan/namespaces.ts';
import { COMMIT, SPEC_VERSION, VERSION } from '../../version.ts';
import type { Context } from '../context.ts';

export async function info(context: Context, _args: readonly string[], options: object): Promise<number> {
  const { format } = options as { format: 'text' | 'json' };
  const found = describeHost(context);
  if (format === 'json') context.caller.print(1, `${JSON.stringify(found, null, 2)}\n`);
  else
    context.caller.print(
      1,
      Object.entries(found)
        .map(([name, value]) => `${name.padEnd(18)} ${Array.isArray(value) ? value.join(' ') : String(value)}\n`)
        .join(''),
    );
  return 0;
}

function describeHost(context: Context): Record<string, string | number | boolean | string[]> {
  const facts = readFacts(context.caller);
  return {
    version: VERSION,
    commit: COMMIT,
    spec: SPEC_VERSION,
    node: process.versions.node,
    libseccomp: native().seccompVersion(),
    kernel: os.release(),
    architecture: os.machine(),
    cpus: os.cpus().length,
    memory: `${Math.round(os.totalmem() / 2 ** 20)} MiB`,
    root: context.store.root,
    cgroups:
      facts.cgroupVersion === 2 ? 'v2' : facts.hierarchies.some(({ version }) => version === 2) ? 'hybrid' : 'v1',
    controllers: [...new Set(facts.hierarchies.flatMap(({ controllers }) => controllers))].sort(),
    namespaces: NAMESPACE_TYPES.filter((type) => hasFile(`/proc/self/ns/${NAMESPACE_FILE[type] ?? type}`)),
    seccomp: hasFile('/proc/sys/kernel/seccomp/actions_avail'),
    apparmor: readText('/sys/module/apparmor/parameters/enabled') === 'Y',
    selinux: hasFile('/sys/fs/selinux/enforce'),
    'user namespaces': Number(readText('/proc/sys/user/max_user_namespaces') || 0) > 0,
  };
}

/** Where the specification's word is not the kernel's. */
const NAMESPACE_FILE: Readonly<Record<string, string>> = { mount: 'mnt', network: 'net' };

function hasFile(path: string): boolean {
  return readText(path) !== undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    // A namespace's file is there and cannot be read as one.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
  }
}
