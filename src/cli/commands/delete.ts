// tsrunc delete: removes what is left of a container.
import { deleteContainer } from '../../container/destroy.ts';
import type { Context } from '../context.ts';

export async function deleteCommand(context: Context, [id = '']: readonly string[], options: object): Promise<number> {
  const { force, regex } = options as { force?: boolean; regex?: boolean };
  const { store } = context;
  for (const name of regex ? store.matching(id) : [id])
    await deleteContainer(context.runtime, name, { force: force ?? false });
  return 0;
}
