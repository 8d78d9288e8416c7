// What a command has made is taken back once, the last first, whatever fails on the way; the record itself only when all is gone.
import t from 'tap';
import { Made } from '../../src/container/made.ts';

t.test('the last made goes first, and the record last; once', async (t) => {
  const seen: string[] = [];
  const made = new Made(() => void seen.push('record'));
  for (const name of ['cgroup', 'mount', 'process']) made.note(async () => void seen.push(name));
  await made.takeBack();
  await made.takeBack();
  t.same(seen, ['process', 'mount', 'cgroup', 'record']);
});

t.test('a failure keeps the record and nothing else, and the first is told', async (t) => {
  for (const broken of ['cgroup', 'mount', 'process']) {
    const seen: string[] = [];
    const made = new Made(() => void seen.push('record'));
    for (const name of ['cgroup', 'mount', 'process'])
      made.note(() => {
        if (name === broken || name === 'cgroup') throw new Error(name);
        seen.push(name);
      });
    await t.rejects(made.takeBack(), { message: broken });
    t.same(
      seen,
      ['process', 'mount'].filter((name) => name !== broken),
    );
  }
});
