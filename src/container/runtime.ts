// Owns what every verb works with: who called, where state is kept, where is logged.
import type { Caller } from '../caller/caller.ts';
import type { Log } from '../log.ts';
import type { Store } from './store.ts';

export interface Runtime {
  readonly caller: Caller;
  readonly store: Store;
  readonly log: Log;
}
