// Writes docs/troubleshooting.md from the table of failures that test/integration/messages.test.ts provokes. --check: fails where it is
// not current.
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import prettier from 'prettier';

const DOCUMENT = 'docs/troubleshooting.md';
const { outputFiles } = await build({
  entryPoints: ['test/integration/message-table.ts'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  write: false,
});
const { MESSAGES } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);

/** Placeholders as people read them. */
const shown = (text) =>
  text.replaceAll('{id}', 'ID').replaceAll('{bundle}', 'BUNDLE').replaceAll('{root}', 'ROOT').replaceAll('{}', '...');

const parts = [
  '# Troubleshooting',
  `What tsrunc says when something fails, why, and what to do. A message names the command and the container, then the object, then the
cause down to the kernel's word; the hint on the next line says what to change. Every message here is provoked by a test, so the
words are those of this version. ID, BUNDLE and ROOT stand for a container, its bundle, and the directory of its state.`,
  `More: \`tsrunc validate -b BUNDLE\` lists all faults of a configuration, \`tsrunc plan -b BUNDLE\` shows what would be done,
\`tsrunc --debug --log FILE run ...\` tells each step, \`TSRUNC_TRACE=1\` shows where in tsrunc a failure was raised, and
\`--log-format json\` has what is known in keys (\`docs/engines.md\`).`,
];
for (const [section, rows] of Object.entries(MESSAGES)) {
  parts.push(`## ${section}`);
  for (const { name, says, hint, cause } of rows)
    parts.push(
      `### ${name[0].toUpperCase()}${name.slice(1)}`,
      `    ${shown(says)}`,
      `${cause}`,
      `What to do: ${escape(shown(hint))}`,
    );
}

/** Text that Markdown would take for marks. */
function escape(text) {
  return text.replaceAll(/[\\`*_<>[\]]/g, '\\$&');
}

const options = { ...(await prettier.resolveConfig(DOCUMENT)), parser: 'markdown' };
const text = await prettier.format(`${parts.join('\n\n')}\n`, options);
if (!process.argv.includes('--check')) writeFileSync(DOCUMENT, text);
else if (readFileSync(DOCUMENT, 'utf8') !== text) {
  console.log(`${DOCUMENT} is not current: node scripts/troubleshooting.mjs`);
  process.exitCode = 1;
}
