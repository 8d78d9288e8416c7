// The first failure is the one that is told, whatever fails on the way out.
import t from 'tap';
import { detailsOf } from '../../src/cli/failure-details.ts';
import {
  FileError,
  HelperError,
  lastly,
  lastlySync,
  suppressedBy,
  SyscallError,
  UsageError,
  whileFailing,
  whileFailingSync,
} from '../../src/errors.ts';
import { FileLog, type LogFormat } from '../../src/log.ts';

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

t.test("what a failure is to programs: the kernel's name and number, the step, and the hint", async (t) => {
  const cause = new SyscallError({ code: 'EPERM', errno: -1, syscall: 'fsmount', text: 'Operation not permitted' });
  const step = { step: 'mountFs', path: '/dev', flags: 'nosuid' };
  const failed = new HelperError('mount tmpfs on /dev (nosuid)', { cause, step, hint: 'try' });
  t.same(detailsOf(failed, 'try'), { code: 'EPERM', ...step, errno: 1, hint: 'try' });
  const missing = Object.assign(new Error('ENOENT: no such file or directory'), {
    code: 'ENOENT',
    errno: -2,
    path: '/x',
  });
  t.same(detailsOf(new FileError('cannot read /x', { cause: missing }), undefined), {
    code: 'ENOENT',
    path: '/x',
    errno: 2,
  });
  t.same(detailsOf(new UsageError('x'), undefined), { code: 'ERR_USAGE' });
  t.same(detailsOf('no error', undefined), {});
});

t.test('a failure is one line of a JSON log, whatever else failed', async (t) => {
  let text = '';
  const caller = { pid: 1, print: () => undefined, writeFile: (_path: string, line: string) => void (text += line) };
  const log = (format: LogFormat) => new FileLog({ format, isDebug: false, path: '/log', caller });
  log('json').failure('the words', { code: 'EPERM' }, ['and that']);
  t.match(JSON.parse(text), { level: 'error', msg: 'the words', code: 'EPERM', notes: ['and that'] });
  text = '';
  log('text').failure('the words', { code: 'EPERM' }, ['and that']);
  t.match(text, /^time=\S+ level=error msg="the words"\ntime=\S+ level=warning msg="and that"\n$/);
});
