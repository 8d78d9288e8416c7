// Documents cannot lie about files: every path in backquotes in README and docs/ that looks like one of ours must exist, and
// every command and option must be in its man page.
import { execFileSync } from 'node:child_process';
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

// The program's own help is the list of what must be in the manual.
const help = (...args) => execFileSync('bin/tsrunc', [...args, '--help'], { encoding: 'utf8' });
const commands = [...help().matchAll(/^ {2}([a-z]+)(?: |$)/gm)]
  .map((match) => match[1])
  .filter((name) => name !== 'help');
for (const command of commands) {
  const page = `man/tsrunc-${command}.8.md`;
  const text = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const options = [...help(command).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)]
    .map((match) => match[1])
    .filter((o) => o !== '--help');
  for (const option of ['# NAME', ...options]) {
    if (text.includes(option)) continue;
    console.log(`${page}: does not mention ${option}`);
    lies++;
  }
}
process.exitCode = lies > 0 ? 1 : 0;
