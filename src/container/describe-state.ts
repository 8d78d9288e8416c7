// Owns what callers see of a container: the object of `state` and `list`.
import { statSync } from 'node:fs';
import { readUserName } from '../host/users.ts';
import { statusOf, type Status } from './lifecycle.ts';
import type { StoredState } from './state.ts';
import type { Store } from './store.ts';

/** As runc prints it; runtime.md, State, and more. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when stopped. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export function describeState(store: Store, state: StoredState, options: { withOwner: boolean }): ContainerState {
  const status = statusOf(state);
  const { annotations } = state.config;
  return {
    ociVersion: state.config.ociVersion,
    id: state.id,
    pid: status === 'stopped' ? 0 : state.pid,
    status,
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    ...(annotations === undefined ? {} : { annotations }),
    owner: options.withOwner ? ownerOf(store.directory(state.id)) : '',
  };
}

function ownerOf(directory: string): string {
  const { uid } = statSync(directory);
  return readUserName(uid) ?? `#${uid}`;
}
