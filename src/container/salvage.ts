// Owns what a damaged state, or one of another version, still says with certainty: which process the container is, and where its
// cgroups are. Pure.
import { isPlace, newState, type StoredState } from './state.ts';

/**
 * Enough of a state to end the container by it. Undefined where the process or the cgroups are not on record: then something of it may
 * run that nobody would find again. (pid 0: none was born.)
 */
export function salvage(id: string, text: string): StoredState | undefined {
  const found = parseBeginning(text);
  if (typeof found !== 'object' || found === null) return undefined;
  const { pid, startTime, cgroupPlaces, rootfs } = found as Partial<StoredState>;
  const isProcess = [pid, startTime].every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
  if (!isProcess || typeof rootfs !== 'string') return undefined;
  if (!Array.isArray(cgroupPlaces) || !cgroupPlaces.every(isPlace)) return undefined;
  const rest = newState({
    id,
    bundle: '/',
    rootfs,
    cgroupPlaces,
    config: { ociVersion: '1.0.0' },
    exact: [],
  });
  return { ...(found as Partial<StoredState>), ...rest, pid: Number(pid), startTime: Number(startTime) };
}

/** JSON that was cut off: what stands there whole. Undefined for what is no JSON from the beginning. */
export function parseBeginning(text: string): unknown {
  return tryParse(text) ?? tryParse(closed(text));
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Up to the last comma that is not in a string, and then the ends of what is open there. */
function closed(text: string): string {
  const open: string[] = [];
  let end = '';
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (isString && c === '\\') i++;
    else if (c === '"') isString = !isString;
    else if (isString) continue;
    else if (c === '{') open.push('}');
    else if (c === '[') open.push(']');
    else if (c === '}' || c === ']') open.pop();
    else if (c === ',') end = text.slice(0, i) + [...open].reverse().join('');
  }
  return end;
}
