// Owns the taking back of a container that was created and could not be handed over.
import type { Created } from './create.ts';
import { destroyContainer } from './destroy.ts';
import { killAndWait } from './kill.ts';
import type { Runtime } from './runtime.ts';

export async function undoCreated(runtime: Runtime, created: Created): Promise<void> {
  created.executor.close();
  await killAndWait(created.state);
  await destroyContainer(runtime, created.state);
}
