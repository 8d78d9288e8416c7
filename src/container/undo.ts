// Owns the taking back of a container that was created and could not be handed over.
import type { Log } from '../log.ts';
import type { Created } from './create.ts';
import { destroyContainer } from './destroy.ts';
import { killAndWait } from './kill.ts';
import type { Store } from './store.ts';

export function undoCreated(store: Store, created: Created, log: Log): void {
  created.executor.close();
  killAndWait(created.state);
  destroyContainer(store, created.state, log);
}
