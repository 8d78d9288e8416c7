// Owns what every command shares: the global options, the log, the place of the state.
import { FileLog, type LogFormat } from '../log.ts';
import { UsageError } from '../errors.ts';
import { Store } from '../container/store.ts';
import type { Doing } from './exit.ts';

export interface GlobalOptions {
  readonly debug?: boolean;
  readonly log?: string;
  readonly logFormat?: string;
  readonly root?: string;
  readonly logLevel?: string;
  readonly systemdCgroup?: boolean;
  readonly cgroupManager?: string;
}

export class Context {
  doing: Doing;
  #log: FileLog | undefined;
  #root: string | undefined;

  constructor() {
    this.doing = { command: 'tsrunc' };
  }

  async configure(options: GlobalOptions): Promise<void> {
    const format = options.logFormat ?? 'text';
    if (format !== 'text' && format !== 'json')
      throw new UsageError(`invalid log-format: ${format}: it is text or json`);
    this.#log = new FileLog({
      format: format as LogFormat,
      isDebug: (options.debug ?? false) || options.logLevel === 'debug',
      ...(options.log === undefined || options.log === '' ? {} : { path: options.log }),
    });
    this.#root = options.root;
    if (options.systemdCgroup || options.cgroupManager === 'systemd')
      throw new UsageError('cgroups through systemd are not supported by this version of tsrunc yet');
    if (options.cgroupManager === 'disabled')
      throw new UsageError('running without cgroups is not supported by this version of tsrunc yet');
    await this.#log.open();
  }

  get log(): FileLog {
    this.#log ??= new FileLog({ format: 'text', isDebug: false });
    return this.#log;
  }

  get store(): Store {
    const root = this.#root ?? defaultRoot();
    if (root === '/') throw new UsageError('--root / would put state files into the root of the host');
    return new Store(root);
  }
}

/** Where state is kept without --root: it goes with the boot, as containers do. */
function defaultRoot(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return process.geteuid?.() !== 0 && runtime ? `${runtime}/tsrunc` : '/run/tsrunc';
}
