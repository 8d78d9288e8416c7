// Moments at which tests interrupt a command: measured, since machines differ, and one differs from minute to minute.

/** How long a command takes, in ms: the shortest of five, since the first finds nothing warm; `undo` is not measured. */
export function timeOf(command: () => void, undo: () => void): number {
  let shortest = Infinity;
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    command();
    shortest = Math.min(shortest, performance.now() - begin);
    undo();
  }
  return shortest;
}

/** So many moments, in ms, spread over `whole`: from and to which multiple of it. */
export function spread(count: number, whole: number, { from = 0, to = 1 } = {}): number[] {
  return Array.from({ length: count }, (_, i) => whole * (from + ((to - from) * i) / count));
}

/** Comes back in so many ms. Timers are off by one or two, which are many where a planner helps: the last are spun away. */
export async function until(moment: number): Promise<void> {
  const end = performance.now() + moment;
  if (moment > 3) await new Promise((wake) => setTimeout(wake, moment - 3));
  while (performance.now() < end);
}
