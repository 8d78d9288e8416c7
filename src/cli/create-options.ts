// Owns what create and run have in common: flags to the options of createContainer.
import type { CreateOptions } from '../container/create.ts';
import type { Bundle } from '../oci/load-bundle.ts';
import type { Context } from './context.ts';

export interface CreateFlags {
  readonly bundle: string;
  readonly config?: string;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly preserveFds?: number;
  /** False with --no-pivot, as commander has it. */
  readonly pivot: boolean;
  readonly newKeyring: boolean;
}

export function createOptions(
  context: Context,
  id: string,
  bundle: Bundle,
  flags: CreateFlags,
  environment: readonly string[],
): Omit<CreateOptions, 'hasGate'> {
  return {
    id,
    bundle: withEnvironment(bundle, environment),
    cgroups: context.cgroups,
    noPivot: !flags.pivot,
    noNewKeyring: !flags.newKeyring,
    ...(flags.consoleSocket === undefined ? {} : { consoleSocket: context.resolve(flags.consoleSocket) }),
    ...(flags.pidfdSocket === undefined ? {} : { pidfdSocket: context.resolve(flags.pidfdSocket) }),
  };
}

function withEnvironment(bundle: Bundle, environment: readonly string[]): Bundle {
  const { process } = bundle.config;
  if (environment.length === 0 || process === undefined) return bundle;
  return {
    ...bundle,
    config: { ...bundle.config, process: { ...process, env: [...(process.env ?? []), ...environment] } },
  };
}
