// Documents cannot lie about files: every path in backquotes in README and docs/ that looks like one of ours must exist. That every
// command and option is in the manual is held by test/integration/completion.test.ts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true })
    .filter((f) => f.endsWith('.md'))
    .map((f) => `docs/${f}`),
];
let lies = 0;
for (const document of documents) {
  if (!existsSync(document)) continue;
  for (const [, path] of readFileSync(document, 'utf8').matchAll(
    /`((?:src|addon|test|docs|man|schemas|scripts|completions|bench)\/[\w./-]*)`/g,
  )) {
    if (existsSync(path)) continue;
    console.log(`${document}: ${path} does not exist`);
    lies++;
  }
}

process.exitCode = lies > 0 ? 1 : 0;
