// The first failure is the one that is told, whatever fails on the way out.
import t from 'tap';
import { FileError, lastly, lastlySync, suppressedBy, whileFailing, whileFailingSync } from '../../src/errors.ts';

const first = () => new Error('the first');
const second = new Error('the clean-up');
const failing = () => {
  throw second;
};
const fine = () => undefined;

t.test('work and a clean-up, each of which may fail', async (t) => {
  for (const [name, run] of [
    ['lastly', (work: () => unknown, cleanUp: () => void) => lastly(work, cleanUp)],
    [
      'lastly, asynchronously',
      (work: () => unknown, cleanUp: () => void) =>
        lastly(
          async () => work(),
          async () => cleanUp(),
        ),
    ],
    ['lastlySync', async (work: () => unknown, cleanUp: () => void) => lastlySync(work, cleanUp)],
    [
      'whileFailing',
      async (work: () => unknown, cleanUp: () => void) => {
        try {
          return work();
        } catch (error) {
          throw await whileFailing(error, cleanUp);
        }
      },
    ],
    [
      'whileFailingSync',
      async (work: () => unknown, cleanUp: () => void) => {
        try {
          return work();
        } catch (error) {
          throw whileFailingSync(error, cleanUp);
        }
      },
    ],
  ] as const) {
    t.equal(await run(() => 5, fine), 5, name);
    const error = first();
    let cleaned = 0;
    const clean = () => void cleaned++;
    const fail = () => {
      throw error;
    };
    await t.rejects(run(fail, clean), error, `${name}: the work's failure`);
    t.equal(cleaned, 1, `${name}: is cleaned up after`);
    await t.rejects(run(fail, failing), error, `${name}: both fail`);
    t.same(suppressedBy(error), [second], `${name}: the other is kept`);
    if (name.startsWith('lastly'))
      await t.rejects(
        run(() => 5, failing),
        second,
        `${name}: a clean-up alone is told`,
      );
  }
});

t.test('what was suppressed is found along the causes, and nothing twice', async (t) => {
  const cause = first();
  await whileFailing(cause, failing);
  const outer = new FileError('outer', { cause });
  const third = new Error('third');
  await whileFailing(outer, () => {
    throw third;
  });
  await whileFailing(outer, () => {
    throw outer;
  });
  t.same(suppressedBy(outer), [third, second]);
  t.same(suppressedBy('no error'), []);
});
