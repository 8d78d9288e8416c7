// Owns the names of users on the host, passwd(5).
import { readFileSync, statSync } from 'node:fs';

const PATH = '/etc/passwd';
/** The names, and the time of change of the file that they are from. */
let known: { readonly changed: number; readonly names: ReadonlyMap<string, string> } | undefined;

export function readUserName(uid: number): string | undefined {
  const changed = statSync(PATH, { throwIfNoEntry: false })?.ctimeMs;
  if (changed === undefined) return undefined;
  if (known?.changed !== changed) known = { changed, names: readNames() };
  return known.names.get(String(uid));
}

/** The first name of each number. */
function readNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of readText().split('\n')) {
    const [name = '', , uid = ''] = line.split(':');
    if (!names.has(uid)) names.set(uid, name);
  }
  return names;
}

function readText(): string {
  try {
    return readFileSync(PATH, 'utf8');
  } catch {
    return '';
  }
}
