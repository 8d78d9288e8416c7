// tsrunc spec: writes the default configuration, never over an existing one.
import { writeFileSync } from 'node:fs';
import { errorCode, FileError } from '../../errors.ts';
import { readFacts } from '../../host/facts.ts';
import { defaultSpec } from '../../oci/default-spec.ts';
import type { Context } from '../context.ts';

export async function spec(_context: Context, _args: readonly string[], options: object): Promise<number> {
  const { bundle, file, rootless } = options as { bundle: string; file?: string; rootless?: boolean };
  const path = file ?? `${bundle}/config.json`;
  const document = defaultSpec({
    cgroupVersion: readFacts().cgroupVersion,
    ...(rootless ? { rootless: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } } : {}),
  });
  try {
    writeFileSync(path, `${JSON.stringify(document, null, '\t')}\n`, { flag: 'wx', mode: 0o666 });
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') throw new FileError(`file ${path} exists. Remove it first`);
    throw new FileError(`write ${path}`, { cause });
  }
  return 0;
}
