// Owns what a container id may be: it names a directory and a cgroup.
import { StateError } from '../errors.ts';

const VALID = /^[A-Za-z0-9_+.-]+$/;

/** Throws StateError with the words that callers match. */
export function checkId(id: string): void {
  if (!VALID.test(id) || id === '.' || id === '..' || id.length > 255)
    throw new StateError('ERR_STATE_ID', `invalid container ID format: ${JSON.stringify(id)}`, {
      hint: 'an id is a name of your choice, of letters, digits, "_", "+", "-" and "."; it is not the name of an image',
    });
}
