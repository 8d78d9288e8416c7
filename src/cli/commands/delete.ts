// tsrunc delete: removes what is left of a container.
import { deleteContainer } from '../../container/destroy.ts';
import { idsMatching } from '../../container/matching.ts';
import type { Context } from '../context.ts';

export async function deleteCommand(context: Context, [id = '']: readonly string[], options: object): Promise<number> {
  const { force, regex } = options as { force?: boolean; regex?: boolean };
  const { caller, store } = context;
  for (const name of regex ? idsMatching(caller, store.ids(), id) : [id])
    await deleteContainer(context.runtime, name, { force: force ?? false });
  return 0;
}
