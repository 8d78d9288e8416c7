// tsrunc list: every container below --root.
import { existsSync } from 'node:fs';
import { describeState, type ContainerState } from '../../container/describe-state.ts';
import { FileError, StateError } from '../../errors.ts';
import type { Context } from '../context.ts';

export async function list(context: Context, _args: readonly string[], options: object): Promise<number> {
  const { format, quiet } = options as { format: 'table' | 'json'; quiet?: boolean };
  const { store } = context;
  // Without --root it is missing as long as there was no container; as runc.
  if (context.isRootGiven && !existsSync(store.root))
    throw new FileError(`list ${store.root}: there is no such directory`, {
      hint: '--root is where containers are kept',
    });
  if (quiet) {
    context.caller.print(
      1,
      store
        .ids()
        .map((id) => `${id}\n`)
        .join(''),
    );
    return 0;
  }
  const states = store
    .ids()
    .map((id) => tryDescribe(context, id))
    .filter((state) => state !== undefined)
    .sort((a, b) => (a.created < b.created ? -1 : 1));
  // runc prints null for no containers, and callers know it.
  context.caller.print(
    1,
    format === 'json' ? `${states.length === 0 ? 'null' : JSON.stringify(states)}\n` : table(states),
  );
  return 0;
}

/** A container that is deleted meanwhile is left out; one that cannot be read is a warning, not the end of the list. */
function tryDescribe(context: Context, id: string): ContainerState | undefined {
  try {
    return describeState(context.store, context.store.load(id), { withOwner: true });
  } catch (error) {
    if (!(error instanceof StateError)) context.log.warn(`load container ${id}: ${(error as Error).message}`);
    return undefined;
  }
}

function table(states: readonly ContainerState[]): string {
  const header = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
  const rows = states.map((s) => [s.id, String(s.pid), s.status, s.bundle, s.created, s.owner]);
  const widths = header.map((name, i) =>
    Math.max(12, ...[name, ...rows.map((row) => row[i] ?? '')].map((t) => t.length + (i === 5 ? 0 : 3))),
  );
  return [header, ...rows]
    .map((row) => `${row.map((cell, i) => (i === 5 ? cell : cell.padEnd(widths[i] ?? 0))).join('')}\n`)
    .join('');
}
