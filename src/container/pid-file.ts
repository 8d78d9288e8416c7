// Owns pid files: digits only, and there at once or not at all, because readers parse them as soon as they see them. The directory may
// be another user's, who can put anything there: what is written is a new file, and a link is replaced, never followed.
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Caller } from '../caller/caller.ts';
import { errorCode, FileError } from '../errors.ts';

/** Many, for whoever takes the names on purpose; few enough to give up. */
const MAX_NAMES = 100;

export function writePidFile(caller: Caller, path: string, pid: number): void {
  const prefix = `${dirname(path)}/.${basename(path)}.${caller.pid}`;
  for (let number = 0; ; number++) {
    const temporary = `${prefix}.${number}`;
    try {
      caller.writeFile(temporary, String(pid), { flag: 'wx', mode: 0o666 });
      renameSync(temporary, path);
      return;
    } catch (cause) {
      const isTaken = errorCode(cause) === 'EEXIST';
      if (isTaken && number < MAX_NAMES) continue;
      if (!isTaken) rmSync(temporary, { force: true });
      throw new FileError(`write the pid file ${path}`, { cause, hint: 'its directory must be there, and writable' });
    }
  }
}
