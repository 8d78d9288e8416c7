// tsrunc create: a container whose init waits for `start`.
import { createContainer } from '../../container/create.ts';
import { preservedDescriptors } from '../../container/descriptors.ts';
import { checkId } from '../../container/id.ts';
import { writePidFile } from '../../container/pid-file.ts';
import { checkConsole } from '../../container/run.ts';
import { undoCreated } from '../../container/destroy.ts';
import { whileFailing } from '../../errors.ts';
import { loadBundle } from '../../oci/load-bundle.ts';
import type { Context } from '../context.ts';
import { createOptions, type CreateFlags } from '../create-options.ts';

export async function create(context: Context, [id = '']: readonly string[], options: object): Promise<number> {
  const flags = options as CreateFlags;
  const pidFile = context.resolve(flags.pidFile);
  checkId(id);
  const bundle = await loadBundle(context.caller, flags.bundle, flags.config);
  const terminal = bundle.config.process?.terminal ?? false;
  checkConsole({
    caller: context.caller,
    detach: true,
    terminal,
    ...(flags.consoleSocket ? { consoleSocket: flags.consoleSocket } : {}),
  });
  const { environment, preserved } = preservedDescriptors(context.caller, flags.preserveFds ?? 0);
  const created = await createContainer(context.runtime, {
    ...createOptions(context, id, bundle, flags, environment),
    preserved,
    hasGate: true,
  });
  try {
    if (pidFile !== undefined) writePidFile(context.caller, pidFile, created.state.pid);
    created.executor.proceed();
    created.executor.close();
  } catch (error) {
    throw await whileFailing(error, () => undoCreated(context.runtime, created));
  }
  return 0;
}
