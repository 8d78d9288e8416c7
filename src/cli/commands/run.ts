// tsrunc run: from options to runContainer.
import { preservedDescriptors } from '../../container/descriptors.ts';
import { checkId } from '../../container/id.ts';
import { runContainer } from '../../container/run.ts';
import { loadBundle } from '../../oci/load-bundle.ts';
import type { Context } from '../context.ts';
import { createOptions, type CreateFlags } from '../create-options.ts';

interface Flags extends CreateFlags {
  readonly detach?: boolean;
  readonly keep?: boolean;
  readonly subreaper: boolean;
}

export async function run(
  context: Context,
  [id = '']: readonly string[],
  options: object,
): Promise<number | undefined> {
  const flags = options as Flags;
  checkId(id);
  const bundle = await loadBundle(context.caller, flags.bundle, flags.config);
  const { environment, preserved } = preservedDescriptors(context.caller, flags.preserveFds ?? 0);
  return runContainer(context.runtime, {
    ...createOptions(context, id, bundle, flags, environment),
    preserved,
    detach: flags.detach ?? false,
    keep: flags.keep ?? false,
    noSubreaper: !flags.subreaper,
    ...(flags.pidFile === undefined ? {} : { pidFile: context.resolve(flags.pidFile) }),
  });
}
