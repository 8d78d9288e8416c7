// Owns pid files: digits only, and there at once or not at all, because readers parse them as soon as they see them.
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Caller } from '../caller/caller.ts';
import { FileError } from '../errors.ts';

export function writePidFile(caller: Caller, path: string, pid: number): void {
  const temporary = `${dirname(path)}/.${basename(path)}.${caller.pid}`;
  try {
    caller.writeFile(temporary, String(pid), { flag: 'w', mode: 0o666 });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new FileError(`write the pid file ${path}`, { cause });
  }
}
