// Owns the shape of a container's state: what a later command must know, what is in the file, and whether a file is whole. Reads no file.
import { FileError } from '../errors.ts';
import type { Config, ExactIntegers } from '../oci/types.ts';
import type { CgroupPlace } from '../plan/facts.ts';
import type { Op } from '../plan/types.ts';
import { rfc3339 } from '../rfc3339.ts';

/** Changed when an older tsrunc could misread the file. */
const STATE_VERSION = 2;

/** What a later command must know of a container. */
export interface StoredState {
  readonly stateVersion: typeof STATE_VERSION;
  readonly id: string;
  /** Of init; 0 until it is born. */
  readonly pid: number;
  /** Of init, in clock ticks after boot: with the pid it names one process. */
  readonly startTime: number;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly cgroupPlaces: readonly CgroupPlace[];
  readonly config: Config;
  /** Integers of the configuration that a JSON number would round: pointer and digits. */
  readonly exact: readonly (readonly [string, string])[];
  /** The front that has asked for the container: as long as it lives, and there is no pid, the container is being created. */
  readonly creator?: { readonly pid: number; readonly startTime: number };
  /** Directories of cgroupPlaces that were there before the container, empty: they outlive it. */
  readonly foundCgroups?: readonly string[];
  /** Without a mount namespace of its own: how many mounts were on the rootfs before. */
  readonly rootfsMounts?: number;
  /** The name of its session keyring; null: it has stayed in that of its caller. A state without says nothing: `_ses.ID`. */
  readonly keyring?: string | null;
  /** Whether `start` has let init go; with a live init this tells running from created. */
  readonly isStarted: boolean;
  /** The operations that init still has before it when it is created, for the words of a failure; the first has this index. */
  readonly startOps: { readonly first: number; readonly ops: readonly Op[] };
}

/** FileError for what is no state of this version; `path` is for its words. */
export function parseState(text: string, path: string): StoredState {
  let state: StoredState;
  try {
    state = JSON.parse(text) as StoredState;
  } catch {
    throw damaged(path, 'it is not whole JSON'); // the words of JSON.parse() would help nobody
  }
  if (state?.stateVersion !== STATE_VERSION)
    throw new FileError(
      `the state file ${path} is of version ${String(state?.stateVersion)}, this tsrunc knows ${STATE_VERSION}`,
    );
  if (!isWhole(state)) throw damaged(path, 'members are missing, or are something else');
  return state;
}

function damaged(path: string, why: string): FileError {
  return new FileError(`the state file ${path} is damaged: ${why}`, {
    hint: 'tsrunc delete --force removes the container, if the file still says which process it is',
  });
}

/** Whether there is what every command relies on. What is in the configuration was checked when the container was made. */
function isWhole(state: StoredState): boolean {
  const { id, pid, startTime, bundle, rootfs, created, cgroupPlaces, config, exact, isStarted, startOps } = state;
  return (
    [id, bundle, rootfs, created].every((text) => typeof text === 'string') &&
    [pid, startTime].every((number) => Number.isSafeInteger(number) && number >= 0) &&
    typeof isStarted === 'boolean' &&
    typeof config === 'object' &&
    typeof config?.ociVersion === 'string' &&
    Array.isArray(exact) &&
    Array.isArray(startOps?.ops) &&
    Array.isArray(cgroupPlaces) &&
    cgroupPlaces.every(isPlace)
  );
}

export function isPlace(place: CgroupPlace | undefined): boolean {
  const { directory, hierarchy } = place ?? {};
  return (
    typeof directory === 'string' &&
    typeof hierarchy?.mountpoint === 'string' &&
    `${directory}/`.startsWith(`${hierarchy.mountpoint}/`) &&
    !directory.split('/').includes('..') &&
    (hierarchy.version === 1 || hierarchy.version === 2) &&
    Array.isArray(hierarchy.controllers)
  );
}

/** The name of the container's session keyring; undefined where it has none of its own. */
export function keyringOf({ id, keyring }: { id: string; keyring?: string | null | undefined }): string | undefined {
  return keyring === undefined ? `_ses.${id}` : (keyring ?? undefined);
}

/** The integers of the container's configuration, whole. */
export function exactOf(state: StoredState): ExactIntegers {
  return new Map(state.exact.map(([pointer, digits]) => [pointer, BigInt(digits)]));
}

export function newState(
  given: Omit<StoredState, 'stateVersion' | 'pid' | 'startTime' | 'created' | 'isStarted' | 'startOps'>,
): StoredState {
  return {
    stateVersion: STATE_VERSION,
    pid: 0,
    startTime: 0,
    created: rfc3339(new Date()),
    isStarted: false,
    startOps: { first: 0, ops: [] },
    ...given,
  };
}
