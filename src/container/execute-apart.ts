// Owns the execution of a plan that ends by itself: hooks, changes of a running container.
import { FileError, lastly } from '../errors.ts';
import type { ExitStatus } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';
import type { Plan } from '../plan/types.ts';
import { Executor, type Executing } from './executor.ts';

/** HelperError when an operation fails. */
export async function executeApart(runtime: Executing, plan: Plan, slots: readonly Descriptor[] = []): Promise<void> {
  const executor = await Executor.start(plan, runtime, { slots });
  let ended: ExitStatus | undefined;
  await lastly(
    () => executor.next().then(),
    async () => {
      executor.close();
      // After its last report, or none: it has ended, or is about to.
      ended = await runtime.caller.waitFor(executor.pid);
    },
  );
  if (ended === undefined || !('exited' in ended) || ended.exited !== 0)
    throw new FileError(
      `the helper was ended by signal ${ended !== undefined && 'signaled' in ended ? ended.signaled : 0}`,
    );
}
