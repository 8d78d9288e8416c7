// tsrunc spec: writes the default configuration, never over an existing one.
import { errorCode, FileError } from '../../errors.ts';
import { readFacts } from '../../host/facts.ts';
import { defaultSpec } from '../../oci/default-spec.ts';
import type { Context } from '../context.ts';

export async function spec(context: Context, _args: readonly string[], options: object): Promise<number> {
  const { bundle, file, rootless } = options as { bundle: string; file?: string; rootless?: boolean };
  const path = context.caller.resolve(file ?? `${bundle}/config.json`);
  const document = defaultSpec({
    cgroupVersion: readFacts(context.caller).cgroupVersion,
    ...(rootless ? { rootless: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } } : {}),
  });
  try {
    context.caller.writeFile(path, `${JSON.stringify(document, null, '\t')}\n`, { flag: 'wx', mode: 0o666 });
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST')
      throw new FileError(`file ${path} exists. Remove it first`, { hint: 'or --file FILE writes to another' });
    throw new FileError(`write ${path}`, { cause, hint: 'the directory must be there, and writable' });
  }
  return 0;
}
