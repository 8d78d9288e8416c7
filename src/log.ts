// Owns the log: winston for what is logged while a command works, loaded only then; and the one line of a failure, written
// at once because the process is about to end and callers parse it. A leaf.
import { rfc3339 } from './rfc3339.ts';
import type { Logger } from 'winston';

export type LogFormat = 'text' | 'json';
type Level = 'debug' | 'warn' | 'error';

/** A log of the system, and the name under which our lines stand there. */
export interface LogService {
  readonly kind: 'syslog' | 'journald';
  readonly name: string;
}

/** Who is told: the part of a caller that a log needs. */
export interface LogCaller {
  readonly pid: number;
  print(stream: 1 | 2, text: string): void;
  writeFile(path: string, text: string, options: { flag: 'a'; mode: number }): void;
}

export interface LogOptions {
  /** Neither path nor service: standard error. */
  readonly path?: string;
  readonly service?: LogService;
  /** Whose files and standard error are written. */
  readonly caller: LogCaller;
  /** One datagram to a Unix socket. */
  readonly sendDatagram?: (path: string, text: string) => void;
  readonly format: LogFormat;
  readonly isDebug: boolean;
}

/** What the rest of the project sees of the log. */
export interface Log {
  readonly isDebug: boolean;
  debug(message: string): void;
  warn(message: string): void;
}

export class FileLog implements Log {
  readonly isDebug: boolean;
  readonly #options: LogOptions;
  #logger: Logger | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.isDebug = options.isDebug;
  }

  /** Loads winston when debug messages will come. Before this, and without --debug, warnings are written directly. */
  async open(): Promise<void> {
    if (!this.isDebug) return;
    const { makeLogger } = await import('./winston-log.ts');
    this.#logger = makeLogger((level, message) => this.#write(level, message));
  }

  /** Makes the file, where there is to be one; fails where it could not be written. */
  touch(): void {
    const { path, caller } = this.#options;
    if (path !== undefined) caller.writeFile(path, '', { flag: 'a', mode: 0o644 });
  }

  debug(message: string): void {
    if (this.isDebug) this.#log('debug', message);
  }

  warn(message: string): void {
    this.#log('warn', message);
  }

  /**
   * The one line of a failure, where there is a log; standard error gets it in plain words. Of JSON it stays one line, whatever
   * else is to be said: podman reads the file as one object.
   */
  failure(message: string, details: object, notes: readonly string[]): void {
    const { path, service, format } = this.#options;
    if (path === undefined && service === undefined) return;
    const isObject = format === 'json' && service === undefined;
    this.#write('error', message, isObject && notes.length > 0 ? { ...details, notes } : details);
    if (!isObject) for (const note of notes) this.#write('warn', note);
  }

  #log(level: Level, message: string): void {
    if (this.#logger === undefined) this.#write(level, message);
    else this.#logger.log(level, message);
  }

  #write(level: Level, message: string, details: object = {}): void {
    const { service, sendDatagram, caller } = this.#options;
    if (service !== undefined && sendDatagram !== undefined) {
      const { path, text } = formatDatagram(service, level, message, caller.pid);
      sendDatagram(path, text);
      return;
    }
    const line = formatLine(this.#options.format, { level, message, details }, new Date());
    if (this.#options.path === undefined) caller.print(2, line);
    else caller.writeFile(this.#options.path, line, { flag: 'a', mode: 0o644 });
  }
}

/** The severities of syslog(3); facility 3 is system daemons. */
const SEVERITY = { debug: 7, warn: 4, error: 3 };

/** One line for the system's log: syslog(3) at /dev/log, or the journal's own protocol, in which values are lines. */
export function formatDatagram(
  service: LogService,
  level: Level,
  message: string,
  pid: number,
): { path: string; text: string } {
  const line = message.replaceAll('\n', ' ');
  if (service.kind === 'syslog')
    return { path: '/dev/log', text: `<${3 * 8 + SEVERITY[level]}>${service.name}[${pid}]: ${line}` };
  const text = `PRIORITY=${SEVERITY[level]}\nSYSLOG_IDENTIFIER=${service.name.replaceAll('\n', ' ')}\nMESSAGE=${line}\n`;
  return { path: '/run/systemd/journal/socket', text };
}

/** logrus's two formats, which callers of runc parse; details are further keys of JSON, which they pass over. */
export function formatLine(
  format: LogFormat,
  { level, message, details = {} }: { level: Level; message: string; details?: object },
  now: Date,
): string {
  const time = rfc3339(now).replace(/\.\d+Z$/, 'Z');
  const name = level === 'warn' ? 'warning' : level;
  if (format === 'json') return `${JSON.stringify({ level: name, msg: message, time, ...details })}\n`;
  return `time="${time}" level=${name} msg=${quoted(message)}\n`;
}

function quoted(message: string): string {
  return JSON.stringify(message);
}
