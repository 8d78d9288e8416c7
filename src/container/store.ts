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
import { errorCode, FileError, lastly, lastlySync, StateError, UsageError, whileFailingSync } from '../errors.ts';
import { native } from '../native/binding.ts';
import { Descriptor } from '../native/descriptor.ts';
import { writeWhole } from '../native/whole.ts';
import { checkId } from './id.ts';
import { parseState, type StoredState } from './state.ts';

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
