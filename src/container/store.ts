// Owns <root>/<id>/: the state of each container on disk, written whole or not at all. Knows no process and no cgroup.
import {
  constants,
  fstatSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { errorCode, FileError, lastly, lastlySync, StateError, whileFailingSync } from '../errors.ts';
import { native } from '../native/binding.ts';
import { Descriptor } from '../native/descriptor.ts';
import { writeWhole } from '../native/whole.ts';
import type { Config, ExactIntegers } from '../oci/types.ts';
import type { CgroupPlace } from '../plan/facts.ts';
import type { Op } from '../plan/types.ts';
import { rfc3339 } from '../rfc3339.ts';
import { checkId } from './id.ts';

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

export class Store {
  readonly root: string;
  /** Of the state in a container's directory. */
  readonly fileName = 'state.json';
  readonly #lock: (path: string) => Promise<Descriptor>;

  /** `lock` waits for an exclusive flock(2) on a directory, which closing the descriptor gives up. */
  constructor(root: string, lock: (path: string) => Promise<Descriptor>) {
    this.root = root;
    this.#lock = lock;
  }

  directory(id: string): string {
    checkId(id);
    return `${this.root}/${id}`;
  }

  /** mkdir(2) has one winner. */
  #reserve(id: string): void {
    const directory = this.directory(id);
    this.makeRoot();
    try {
      mkdirSync(directory, { mode: 0o711 });
    } catch (cause) {
      if (errorCode(cause) === 'EEXIST')
        throw new StateError('ERR_STATE_EXISTS', `container with given ID already exists: ${id}`, {
          hint: `tsrunc delete ${id} removes it once it has stopped`,
        });
      throw new FileError(`make the state directory ${directory}`, { cause });
    }
  }

  private makeRoot(): void {
    try {
      mkdirSync(this.root, { recursive: true, mode: 0o711 });
    } catch (cause) {
      const code = errorCode(cause);
      // mkdir(2) says EEXIST of a file, which would read as if the container were there.
      if (code === 'EEXIST' || code === 'ENOTDIR') throw new UsageError(`--root ${this.root}: not a directory`);
      throw new FileError(`make the state directory ${this.root}`, { cause });
    }
  }

  /**
   * Writes beside the file and renames over it: a reader sees the old state or the new, never a part. No fsync(2): containers
   * do not outlive the boot, so nor need their states, and it would cost more than all the rest.
   */
  save(state: StoredState): void {
    this.stage(state)();
  }

  /** The first half of save(); the result does the second, which is short. */
  stage(state: StoredState): () => void {
    const path = `${this.directory(state.id)}/${this.fileName}`;
    const temporary = `${path}.${process.pid}.tmp`;
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (cause) {
        const failure = new FileError(`save the state of container ${state.id} in ${path}`, { cause });
        throw whileFailingSync(failure, () => rmSync(temporary, { force: true }));
      }
    };
    attempt(() => {
      unlinkIfThere(temporary); // of a process that had our pid
      const file = Descriptor.open(temporary, 'wx', 0o600);
      lastlySync(
        () => writeWhole(file.number, JSON.stringify(state)),
        () => file.close(),
      );
    });
    return () => attempt(() => renameSync(temporary, path));
  }

  /** Where `start` reaches the container's init. */
  gate(id: string): string {
    return `${this.directory(id)}/gate`;
  }

  /** Where the socket of NOTIFY_SOCKET is. */
  notify(id: string): string {
    return `${this.directory(id)}/notify`;
  }

  has(id: string): boolean {
    return existsSync(`${this.directory(id)}/${this.fileName}`);
  }

  /** Whether there is more than the state itself. */
  hasMore(id: string): boolean {
    return existsSync(this.notify(id)) || existsSync(this.gate(id));
  }

  /** The ids of all containers, in no order. */
  ids(): string[] {
    try {
      return readdirSync(this.root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw new FileError(`list ${this.root}`, { cause: error });
    }
  }

  /** Runs `work` while no other command changes this container. */
  locked<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#holding(id, this.#lock, work);
  }

  /** The same for what must be done whether or not the caller still waits for it: taking back. */
  lockedAnyway<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#holding(id, (path) => native().lockDirectory(path), work);
  }

  /** Takes the id for a new container, and makes it while no other command changes it. */
  async reserved<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.#reserve(id);
    let hasBegun = false;
    try {
      return await this.locked(id, () => {
        hasBegun = true;
        return work();
      });
    } catch (error) {
      if (!hasBegun) this.removeUnsaved(id);
      throw error;
    }
  }

  async #holding<T>(id: string, take: (path: string) => Promise<Descriptor>, work: () => Promise<T>): Promise<T> {
    const directory = this.directory(id);
    let lock: Descriptor;
    try {
      lock = await take(directory);
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') throw notFound(id, this.root);
      throw new FileError(`lock container ${id}`, { cause });
    }
    return lastly(work, () => lock.close());
  }

  load(id: string): StoredState {
    return parseState(this.text(id), this.#path(id));
  }

  /** What the state file says, whatever that is. */
  text(id: string): string {
    try {
      return readRegular(this.#path(id));
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') throw notFound(id, this.root);
      throw new FileError(`read the state of container ${id}`, { cause });
    }
  }

  #path(id: string): string {
    return `${this.directory(id)}/${this.fileName}`;
  }

  /** Removes a directory that was reserved for a container whose state was never saved, or only half. */
  removeUnsaved(id: string): void {
    const directory = this.directory(id);
    try {
      for (const name of readdirSync(directory))
        if (name.endsWith('.tmp') || name === 'gate' || name === 'notify')
          rmSync(`${directory}/${name}`, { recursive: true, force: true });
      rmdirSync(directory);
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'ENOENT') throw error;
    }
  }

  remove(id: string): void {
    const directory = this.directory(id);
    try {
      for (const name of [this.fileName, 'gate']) unlinkIfThere(`${directory}/${name}`);
      rmdirSync(directory);
    } catch {
      rmSync(directory, { recursive: true, force: true }); // there is more, or less, than usual
    }
  }
}

/** Much cheaper than rmSync, which loads a module of its own. */
function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function notFound(id: string, root: string): StateError {
  return new StateError('ERR_STATE_NOT_FOUND', `container does not exist: ${id}`, {
    hint: `tsrunc list lists the containers in ${root}; --root DIR looks into another place`,
  });
}

/** A fifo would never come to an end, nor even to its beginning. */
function readRegular(path: string): string {
  const file = Descriptor.open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const read = () => {
    if (!fstatSync(file.number).isFile()) throw new FileError(`${path} is not a regular file`);
    return readFileSync(file.number, 'utf8');
  };
  return lastlySync(read, () => file.close());
}

function parseState(text: string, path: string): StoredState {
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
