// tsrunc events: statistics at an interval, and a line when the kernel has killed for want of memory.
import type { CgroupManager } from '../../cgroup/manager.ts';
import { openCgroup } from '../../cgroup/open.ts';
import { checkStatus, statusOf } from '../../container/lifecycle.ts';
import type { Context } from '../context.ts';
import { exactJson } from '../exact-json.ts';
import { parseDuration } from '../quantities.ts';

/** How soon an OOM kill, or the container's end, is noticed. */
const LOOK_MS = 250;

export async function events(context: Context, [id = '']: readonly string[], options: object): Promise<number> {
  const { interval, stats } = options as { interval: string; stats?: boolean };
  const seconds = parseDuration('--interval', interval);
  const { store } = context;
  const state = store.load(id);
  checkStatus('events', id, statusOf(state));
  const cgroup = openCgroup(state.cgroupPlaces);
  if (stats) {
    printStats(context, id, cgroup);
    return 0;
  }
  let kills = cgroup.oomKills();
  let next = Date.now() + seconds * 1000;
  while (statusOf(state) !== 'stopped' && !context.caller.isGone) {
    await new Promise((wake) => setTimeout(wake, Math.min(LOOK_MS, Math.max(1, next - Date.now()))));
    const now = cgroup.oomKills();
    for (; kills < now; kills++) print(context, { type: 'oom', id });
    if (Date.now() < next) continue;
    next += seconds * 1000;
    if (statusOf(state) !== 'stopped') printStats(context, id, cgroup);
  }
  return 0;
}

function printStats(context: Context, id: string, cgroup: CgroupManager): void {
  print(context, { type: 'stats', id, data: cgroup.stats() });
}

function print(context: Context, event: object): void {
  context.caller.print(1, `${exactJson(event)}\n`);
}
