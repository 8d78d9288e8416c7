// The words of failures, each of which really happens: object, cause, and on the next line what to do.
import t from 'tap';
import { bundleFor, onlyTsrunc, type Bundle } from '../support/bundle.ts';
import { MESSAGES } from './message-table.ts';

/** What is told of engines by certain words: a hint with one of them would be taken for the failure itself. */
const MATCHED =
  /does not exist|not running|no such process|already finished|not found|no such file|denied|not permitted|not a directory|requires an argument|needs an argument/;

function asWritten(line: string, { id, directory, root }: Bundle): string {
  return line.replaceAll(root, '{root}').replaceAll(directory, '{bundle}').replaceAll(id, '{id}');
}

function matches(found: string, written: string): boolean {
  const escaped = written.split('{}').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(found);
}

for (const [section, rows] of Object.entries(MESSAGES))
  t.test(section, onlyTsrunc('has other words'), async (t) => {
    for (const row of rows) {
      const bundle = bundleFor(t);
      const { status, stderr } = row.provoke(bundle);
      const [message = '', ...rest] = stderr.split('\n').map((line) => asWritten(line, bundle));
      const hint = rest.find((line) => line.startsWith('hint: '))?.slice('hint: '.length) ?? '';
      t.ok(status === 1 || (status === 255 && message.startsWith('tsrunc: exec ')), `${row.name}: status ${status}`);
      t.ok(matches(message, row.says), `${row.name}: says\n${message}\n${row.says}`);
      t.ok(matches(hint, row.hint), `${row.name}: hint\n${hint}\n${row.hint}`);
      t.notMatch(row.hint, MATCHED, `${row.name}: no engine matches the hint`);
      bundle.remove();
    }
  });

t.test('the table', async (t) => {
  const all = Object.values(MESSAGES).flat();
  t.ok(all.length >= 60, `${all.length} failures`);
  t.equal(new Set(all.map(({ name }) => name)).size, all.length, 'each has a name of its own');
  for (const { name, hint, cause } of all) t.ok(hint !== '' && cause.endsWith('.'), `${name}: has a hint and a cause`);
});
