// tsrunc mounts add|remove: bind mounts of a running container.
import { changeMounts, readMounts, type MountAction } from '../../container/mounts.ts';
import { UsageError } from '../../errors.ts';
import type { Context } from '../context.ts';

export async function mounts(context: Context, [action, id = '', file = '']: readonly string[]): Promise<number> {
  if (action !== 'add' && action !== 'remove')
    throw new UsageError('the action is add or remove', {
      hint: 'tsrunc mounts add ID FILE',
      usage: 'tsrunc mounts add|remove <id> <file>',
    });
  context.doing = { command: `mounts ${action}`, id };
  const list = await readMounts(
    context.runtime,
    context.store.load(id),
    context.caller.resolve(file),
    action satisfies MountAction,
  );
  await changeMounts(context.runtime, id, action, list);
  return 0;
}
