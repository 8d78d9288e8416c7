// Owns what every command shares: the global options, the log, the place of the state.
import type { Caller } from '../caller/caller.ts';
import type { CreateOptions } from '../container/create.ts';
import { FileLog, type LogFormat, type LogService } from '../log.ts';
import { FileError, UsageError } from '../errors.ts';
import { isInUserNamespace } from '../host/facts.ts';
import { native } from '../native/binding.ts';
import type { Runtime } from '../container/runtime.ts';
import { Store } from '../container/store.ts';

export interface GlobalOptions {
  readonly debug?: boolean;
  readonly log?: string;
  readonly logFormat?: string;
  readonly root?: string;
  readonly logLevel?: string;
  readonly systemdCgroup?: boolean;
  readonly cgroupManager?: string;
  readonly systemdLog?: boolean;
}

/** Where a command is when it fails: "tsrunc: run web: ...". */
export interface Doing {
  /** Undefined until the command line is understood. */
  readonly command?: string;
  readonly id?: string;
}

export class Context {
  doing: Doing = {};
  #log: FileLog | undefined;
  #root: string | undefined;
  #cgroups: CreateOptions['cgroups'] = 'files';

  readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  async configure(options: GlobalOptions): Promise<void> {
    const format = options.logFormat ?? 'text';
    if (format !== 'text' && format !== 'json')
      throw new UsageError(`invalid log-format: ${format}: it is text or json`);
    this.#log = new FileLog({
      format: format as LogFormat,
      isDebug: (options.debug ?? false) || options.logLevel === 'debug',
      ...target(options, (path) => this.caller.resolveOutput(path)),
      caller: this.caller,
      sendDatagram: (path, text) => native().sendDatagram(path, text),
    });
    this.#checkLog(options.log);
    this.#root = this.resolve(options.root);
    const manager = options.cgroupManager ?? (options.systemdCgroup ? 'systemd' : 'cgroupfs');
    this.#cgroups = manager === 'disabled' ? 'none' : manager === 'systemd' ? 'systemd' : 'files';
    await this.#log.open();
  }

  /** A log that cannot be written is a failure before anything is done, as in runc: nobody would hear of a later one. */
  #checkLog(name: string | undefined): void {
    try {
      this.#log?.touch();
    } catch (cause) {
      this.#log = undefined; // there is standard error
      throw new FileError(`open the log ${name}`, { cause });
    }
  }

  /** Who makes the cgroups of a new container. */
  get cgroups(): CreateOptions['cgroups'] {
    return this.#cgroups;
  }

  get log(): FileLog {
    this.#log ??= new FileLog({ format: 'text', isDebug: false, caller: this.caller });
    return this.#log;
  }

  /** Whether the caller says where the state is. */
  get isRootGiven(): boolean {
    return this.#root !== undefined;
  }

  get store(): Store {
    const root = this.#root ?? `${stateDirectory(this.caller)}/tsrunc`;
    if (root === '/') throw new UsageError('--root / would put state files into the root of the host');
    return new Store(root, (path) => this.caller.lock(path));
  }

  get runtime(): Runtime {
    return { caller: this.caller, store: this.store, log: this.log };
  }

  /** A path of an option as the caller means it. */
  resolve<T extends string | undefined>(path: T): T {
    return (path === undefined ? path : this.caller.resolve(path)) as T;
  }
}

/** What goes with the boot, as containers do. addon/front/client.cc looks for planners in the same place. */
export function runtimeDirectory({ environment }: Caller): string {
  const own = environment['XDG_RUNTIME_DIR'];
  return process.geteuid?.() !== 0 && own ? own : '/run';
}

/** Where states are. Root of a user namespace is a user who cannot write to /run, unless USER says that it is to be root (runc). */
function stateDirectory(caller: Caller): string {
  const { XDG_RUNTIME_DIR: own, USER } = caller.environment;
  return own && USER !== 'root' && isInUserNamespace() ? own : runtimeDirectory(caller);
}

/** A file, or as crun has it "file:PATH", "syslog:ID", "journald:ID"; --systemd-log is youki's word for the last. */
function target(
  { log, systemdLog }: GlobalOptions,
  resolve: (path: string) => string,
): { path?: string; service?: LogService } {
  const match = /^(file|syslog|journald):(.*)$/s.exec(log ?? '');
  const [, kind, rest = ''] = match ?? [];
  if (kind === 'file') return { path: resolve(rest) };
  if (kind === 'syslog' || kind === 'journald') return { service: { kind, name: rest === '' ? 'tsrunc' : rest } };
  if (log !== undefined && log !== '') return { path: resolve(log) };
  return systemdLog ? { service: { kind: 'journald', name: 'tsrunc' } } : {};
}
