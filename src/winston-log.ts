// Owns winston's part: levels and transport. Each line is written before the call returns (a winston file transport loses
// lines when the process ends), so the transport is ours and hands every line to `write`.
import winston from 'winston';
import Transport from 'winston-transport';

type Level = 'debug' | 'warn' | 'error';

class SyncTransport extends Transport {
  readonly #write: (level: Level, message: string) => void;

  constructor(write: (level: Level, message: string) => void) {
    super({ level: 'debug' });
    this.#write = write;
  }

  override log(info: { level: Level; message: string }, next: () => void): void {
    this.#write(info.level, info.message);
    next();
  }
}

export function makeLogger(write: (level: Level, message: string) => void): winston.Logger {
  return winston.createLogger({
    levels: { error: 0, warn: 1, debug: 2 },
    level: 'debug',
    transports: [new SyncTransport(write)],
  });
}
