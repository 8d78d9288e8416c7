// A container's life on this host as it is. The emulated VM runs it on an older kernel, too (scripts/vm-tests).
import t from 'tap';
import { live } from '../support/life.ts';

t.test('a life', (t) => live(t, []));
