// Containers with test/support/inside.cc in them.
import { copyFileSync } from 'node:fs';
import { bundleFor, RUNTIME, type Bundle } from './bundle.ts';
import { call, create, WAITING } from './commands.ts';
import { execute, type Result } from './host.ts';

export type Test = Parameters<typeof bundleFor>[0];

const INSIDE = `${process.cwd()}/build/test/inside`;

/** A bundle with test/support/inside.cc in it. */
export function bundleWithInside(t: Test, change: (bundle: Bundle) => void = () => {}): Bundle {
  const bundle = bundleFor(t);
  copyFileSync(INSIDE, `${bundle.rootfs}/bin/inside`);
  bundle.config.root.readonly = false;
  bundle.config.process.args = WAITING;
  change(bundle);
  return bundle;
}

export function running(t: Test, change: (bundle: Bundle) => void = () => {}, flags: string[] = []): Bundle {
  const bundle = bundleWithInside(t, change);
  const created = create(bundle, ...flags);
  if (created.status !== 0) throw new Error(created.stderr);
  const started = call(bundle, 'start', bundle.id);
  if (started.status !== 0) throw new Error(started.stderr);
  return bundle;
}

export const exec = (bundle: Bundle, ...args: string[]): Result => call(bundle, 'exec', ...args);

export const USER_NAMESPACE = (bundle: Bundle) => {
  bundle.config.linux.namespaces.push({ type: 'user' });
  bundle.config.linux.uidMappings = bundle.config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
};

/** A call by a caller who has a key in his session keyring. */
export function withKey(bundle: Bundle, name: string, ...args: string[]): Result {
  return execute(INSIDE, ['with-key', name, 'SECRET', RUNTIME, ...bundle.args(...args)], { cwd: bundle.directory });
}
