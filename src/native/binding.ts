// Owns the only door to C++: the addon's functions with their types, the helper's file, and errors of the addon as ours.
// addon/napi/exports.h is the other side; a test compares the two lists.
import { accessSync, constants } from 'node:fs';
import { InternalError } from '../errors.ts';
import { PLAN_VERSION } from '../plan/encode.ts';
import type { SeccompProfile } from '../plan/seccomp.ts';
import { Descriptor } from './descriptor.ts';

/** A report of the helper; addon/init/report.h draws the protocol. */
export interface Report {
  readonly kind: number;
  readonly stage: number;
  readonly op: number;
  /** Name of the system call, section 2 of the manual. */
  readonly call: string;
  /** Positive, or 0. */
  readonly errno: number;
  readonly code: string;
  readonly text: string;
  readonly detail: string;
  readonly value: number;
  readonly descriptor?: Descriptor;
}

export const REPORT = { pid: 1, done: 2, await: 3, fail: 4, warn: 5, terminal: 6 } as const;

/** How a process ended. */
export type ExitStatus = { readonly exited: number } | { readonly signaled: number };

/** The socket that a container writes to, and the address of the manager that waits for its READY; sd_notify(3). */
export interface NotifyEnds {
  readonly socket: Descriptor;
  readonly host: string;
}

/** Name, D-Bus signature, value; src/cgroup/gvariant.ts says how each type is given. */
export type UnitProperty = readonly [name: string, signature: string, value: UnitValue];
type UnitValue = string | boolean | number | bigint | Uint8Array | readonly UnitValue[];

/** Descriptors go in as numbers, for one call, and come out with their owner. */
export interface Binding {
  /** A sealed copy of the file. */
  openHelper(path: string): Descriptor;
  /** A sealed file with the plan. */
  openPlan(plan: Uint8Array): Descriptor;
  /** Our end and the helper's, for reports. */
  socketPair(): [Descriptor, Descriptor];
  /** The next report; null at end of file; undefined when there is none yet. */
  receiveNow(sync: number): Report | null | undefined;
  /** Whether what poll(2) tells of, a change of the mount table, has happened since the file was opened, or last asked. */
  hasChanged(descriptor: number): boolean;
  /** Calls back as long as the descriptor is ready, until the result is called; that must be before it is closed. */
  watch(descriptor: number, event: 'read' | 'write', ready: () => void): () => void;
  /** Blocks until one of the descriptors is ready, or at its end: which; undefined when none is within so many milliseconds. */
  waitReady(descriptors: readonly number[], event: 'read' | 'write', milliseconds?: number): number | undefined;
  /** A connection to a listening socket; undefined when there is none. */
  acceptCaller(listening: number): Descriptor | undefined;
  /** The permitted capabilities of a process, as a mask. */
  permittedCapabilities(pid: number): bigint;
  /** The highest that this kernel has. */
  lastCapability(): number;
  /** The process that connected, and the first way in which it is not in our place; '' when there is none. */
  peerOf(socket: number): { readonly pid: number; readonly difference: string };
  /** The next message; null at the end; undefined when there is none yet. */
  receiveMessage(socket: number): Buffer | null | undefined;
  /** False when the other side has not read enough of what came before. */
  sendMessage(socket: number, bytes: Uint8Array, descriptors: readonly number[]): boolean;
  /** What a terminal, or another process, sends to our whole process group does not end this process any more. */
  ignoreSignals(): void;
  /** _exit(2). */
  endProcess(status: number): never;
  /** A listening SOCK_SEQPACKET socket at `path`, for its owner only. */
  listenAt(path: string): Descriptor;
  /** A datagram socket at `path` that everybody may write to. */
  listenForNotify(path: string): Descriptor;
  /** One datagram to the Unix socket at `path`; does not wait. */
  sendDatagram(path: string, text: string): void;
  connectTo(path: string, kind: 'seqpacket' | 'stream'): Promise<Descriptor>;
  /** Sends `descriptor` in one message with `name` as its text. */
  sendDescriptor(socket: number, name: string, descriptor: number): void;
  /** An exclusive flock(2) on the directory; closing the descriptor gives it up. */
  lockDirectory(path: string): Promise<Descriptor>;
  /** Another number for the same open file. */
  duplicate(descriptor: number): Descriptor;
  /** Takes away the uppermost mount at `path`, with all that is on it. */
  detachMount(path: string): void;
  /** A detached copy of the mount at `path`, open_tree(2). */
  openTree(path: string, isRecursive: boolean): Descriptor;
  /** A pidfd; where that is lacking (Linux 5.3), the process's directory in /proc, which the next two take as well. */
  openPidfd(pid: number): Descriptor;
  signalPidfd(pidfd: number, signal: number): void;
  hasEnded(pidfd: number): boolean;
  decodePlan(plan: Uint8Array): Record<string, unknown>[];
  /** Puts a program of type cgroup_device onto a v2 cgroup, in place of those that are there. */
  attachDeviceProgram(cgroup: string, program: Uint8Array): void;
  /** A transient unit of systemd's, once it is active; a failure has systemd's name of it as code. */
  startUnit(isUser: boolean, name: string, properties: readonly UnitProperty[]): Promise<void>;
  stopUnit(isUser: boolean, name: string): Promise<void>;
  setUnitProperties(isUser: boolean, name: string, properties: readonly UnitProperty[]): Promise<void>;
  compileSeccomp(profile: SeccompProfile): Uint8Array;
  seccompVersion(): string;
  errnoName(errno: number): string;
  readonly planVersion: number;
}

const RELEASE = `${import.meta.dirname}/../build/Release`;
let loaded: Binding | undefined;

/** The addon, loaded on first use. */
export function native(): Binding {
  if (loaded !== undefined) return loaded;
  const path = `${RELEASE}/tsrunc.node`;
  // Without the search that require() does around it.
  const module = { exports: {} };
  process.dlopen(module, path);
  const binding = withOwners(module.exports as Opening) as Binding;
  if (binding.planVersion !== PLAN_VERSION)
    throw new InternalError(
      `${path} speaks plan version ${binding.planVersion}, this tsrunc ${PLAN_VERSION}: run make`,
    );
  loaded = binding;
  return binding;
}

/** What the addon's functions return is numbers. */
type Opening = Record<(typeof OPENING)[number], (...given: never[]) => Opened | Promise<Opened>>;
type Opened = number | readonly number[] | undefined;

const OPENING = [
  'openHelper',
  'openPlan',
  'socketPair',
  'acceptCaller',
  'listenAt',
  'listenForNotify',
  'connectTo',
  'lockDirectory',
  'duplicate',
  'openTree',
  'openPidfd',
] as const satisfies readonly (keyof Binding)[];

function withOwners(functions: Opening): object {
  const own = (opened: Opened) =>
    typeof opened === 'number' ? new Descriptor(opened) : opened?.map((number) => new Descriptor(number));
  const owning = OPENING.map((name) => {
    const open = (...given: never[]) => {
      const opened = functions[name](...given);
      return opened instanceof Promise ? opened.then(own) : own(opened);
    };
    return [name, open] as const;
  });
  return { ...functions, receiveNow: owningReports(functions), ...Object.fromEntries(owning) };
}

type RawReport = Omit<Report, 'descriptor'> & { readonly descriptor?: number };

function owningReports(functions: object): Binding['receiveNow'] {
  const { receiveNow } = functions as { receiveNow: (sync: number) => RawReport | null | undefined };
  return (sync) => {
    const report = receiveNow(sync);
    if (report?.descriptor === undefined) return report as Report | null | undefined;
    return { ...report, descriptor: new Descriptor(report.descriptor) };
  };
}

/** The addon, if something has needed it. */
export function loadedNative(): Binding | undefined {
  return loaded;
}

let helper: Descriptor | undefined;

/** A sealed copy of the helper, ready to launch; one for as long as this process lives. */
export function openHelper(): Descriptor {
  helper ??= copyHelper();
  return helper;
}

function copyHelper(): Descriptor {
  const path = `${RELEASE}/tsrunc-init`;
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new InternalError(`${path} is missing or not executable (it must have mode 0755): run make`, { cause });
  }
  return native().openHelper(path);
}
