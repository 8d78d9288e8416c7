// Owns what a command sees of the process that called it, which is a front: parent of what is started, reader of what is said.
// local.ts is one that has started this process for the command; remote.ts is one that has asked a planner (docs/decisions/0011,
// 0013). Commands must not know which.
import type { ExitStatus, NotifyEnds, Report } from '../native/binding.ts';
import type { Descriptor } from '../native/descriptor.ts';

/** What a helper is started with; its descriptors stay the starter's to close. */
export interface Launch {
  readonly helper: Descriptor;
  readonly sync: Descriptor;
  readonly plan: Descriptor;
  /** Descriptors for single operations, by position. */
  readonly slots: readonly Descriptor[];
  /** CLONE_NEW* that the helper is born with, where it is init itself. */
  readonly flagsOfInit?: number;
  /** Whether the helper gets the caller's environment. */
  readonly withEnvironment?: boolean;
  /** Numbers, as the caller has them, of what the container keeps besides its standard streams. */
  readonly preserved: readonly number[];
}

/** A process in the foreground: its end is the command's. */
export interface Foreground {
  readonly pid: number;
  readonly terminal?: Descriptor;
  readonly notify?: NotifyEnds;
}

/** What follows the end of a process in the foreground: by the verb `finish`, whatever there is. */
export interface Ending {
  /** The same as a list, where it is no more than that; undefined otherwise. */
  readonly removal?: Removal;
}

/** Directories that go in this order, then the files in the last of them, then that. What is not empty is for `finish`. */
export interface Removal {
  readonly cgroups: readonly string[];
  readonly directory: string;
  readonly files: readonly string[];
}

export interface Owned {
  readonly id: string;
  /** Tells this container from a later one of the same id. */
  readonly created: string;
}

export interface Caller {
  /** Whether this process has its directory, terminal and environment, and nobody else to serve. */
  readonly isHere: boolean;
  /** Whether it has ended: nobody waits for the command any more. */
  readonly isGone: boolean;
  readonly pid: number;
  /** /proc/PID of the caller. */
  readonly proc: string;
  readonly cwd: string;
  /** What tsrunc needs of the caller's environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;

  /** A path as the caller means it. */
  resolve(path: string): string;
  /** The same for a file that is written to until the end. */
  resolveOutput(path: string): string;
  /** The text of a file that the caller has named. */
  readText(path: string): string;
  /** All of standard input. */
  readInput(): string;
  /** Writes a file as if the caller did. */
  writeFile(path: string, text: string, options: { flag: 'wx' | 'a'; mode: number }): void;
  /** To standard output (1), all of it or an error; or to standard error (2), if that can be written. */
  print(stream: 1 | 2, text: string): void;

  /** Starts the helper as a child of the caller: its pid where it is init; otherwise waits until it has given birth to init, or has failed and reported why. */
  launch(launch: Launch): Promise<number | undefined>;
  /** The next report at a sync socket; null at its end. */
  receive(sync: Descriptor): Promise<Report | null>;
  /** Waits until there is something to read from one of them, or its end. */
  whenReadable(...descriptors: readonly Descriptor[]): Promise<void>;
  /** Waits for a child of the caller's that the caller has been told of. */
  waitFor(pid: number): Promise<ExitStatus>;
  /** Waits for an exclusive flock(2) on the directory; closing the descriptor gives it up. */
  lock(path: string): Promise<Descriptor>;

  /** The container that is about to be made: if this process is lost before the command is done, the caller ends it. */
  own(owned: Owned): void;
  /** Before anything is started that the caller will supervise: children of children become its own, and signals wait. */
  prepareForeground(options: { subreaper: boolean }): void;
  /** Hands the rest to the caller, which waits for the end, forwarding signals, and then sees to `ending`: the last thing that a command does. */
  supervise(foreground: Foreground, ending?: Ending): Promise<undefined>;
  /** Waits until the container has said READY or has ended: the last thing that a command does. */
  waitForReady(notify: NotifyEnds & { readonly pid: number; readonly pidfd: Descriptor }): Promise<void>;
}
