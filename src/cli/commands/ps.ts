// tsrunc ps: the container's processes, as a table or as JSON.
import { execFileSync } from 'node:child_process';
import { openCgroup } from '../../cgroup/open.ts';
import { statusOf } from '../../container/lifecycle.ts';
import { processTable } from '../../container/processes.ts';
import type { Caller } from '../../caller/caller.ts';
import { Declined, FileError } from '../../errors.ts';
import type { Context } from '../context.ts';

export async function ps(context: Context, [id = '', ...rest]: readonly string[], options: object): Promise<number> {
  const { format } = options as { format: 'table' | 'json' };
  const state = context.store.load(id);
  // Of a container that has stopped the table is empty; as runc.
  const pids = statusOf(state) === 'stopped' ? [] : openCgroup(state.cgroupPlaces).processes();
  pids.sort((a, b) => a - b);
  if (format === 'json') context.caller.print(1, `${JSON.stringify(pids)}\n`);
  else context.caller.print(1, rest.length === 0 ? processTable(pids) : hostTable(context.caller, pids, rest));
  return 0;
}

/** Options that ask for other columns are the host's ps(1)'s; its lines are picked by their PID column. */
function hostTable(caller: Caller, pids: readonly number[], options: readonly string[]): string {
  // containerd hands over all options as one argument
  const args = options.flatMap((option) => option.split(/\s+/).filter(Boolean));
  if (!caller.isHere) throw new Declined('ps(1) is run where the caller is');
  let text: string;
  try {
    text = execFileSync('ps', args, { encoding: 'utf8' });
  } catch (cause) {
    throw new FileError(`run the host's ps with ${args.join(' ')}`, { cause });
  }
  const [header = '', ...lines] = text.split('\n');
  const column = header.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new FileError("couldn't find PID field in ps output");
  const wanted = new Set(pids.map(String));
  return [header, ...lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ''))]
    .map((line) => `${line}\n`)
    .join('');
}
