// Owns the opening of a file that is appended to. Knows no log.
import { constants } from 'node:fs';
import { errorCode } from '../errors.ts';
import type { Descriptor } from '../native/descriptor.ts';

const APPEND = constants.O_WRONLY | constants.O_APPEND;
const MAKE = APPEND | constants.O_CREAT | constants.O_EXCL;
const TRIES = 3;

/** A file that is there is opened as it is. A new one is never made through a link, which could lead anywhere. */
export function openToAppend(open: (flags: number) => Descriptor): Descriptor {
  for (let tried = 1; ; tried++) {
    try {
      return open(APPEND);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
    try {
      return open(MAKE);
    } catch (error) {
      // Somebody else has made it meanwhile; or it is a link to what is not there.
      if (errorCode(error) !== 'EEXIST' || tried === TRIES) throw error;
    }
  }
}
