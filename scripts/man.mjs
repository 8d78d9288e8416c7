// A page of man/ as troff: node scripts/man.mjs man/tsrunc.8.md | man -l -. Its title has the version, and the date of the page's
// last change: SOURCE_DATE_EPOCH, else git's, else the file's. Knows what our pages use: headings, paragraphs, terms
// with ": " below them, lists, code blocks, **bold**, _italic_ and `code`. man(7).
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';

const path = process.argv[2] ?? '';
const [name, section] = basename(path, '.md').split('.');

const escape = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');

function inline(text) {
  return escape(text)
    .replaceAll(/\*\*(.+?)\*\*/g, '\\fB$1\\fR')
    .replaceAll(/(^|[^\w])_([^_]+)_(?!\w)/g, '$1\\fI$2\\fR')
    .replaceAll(/`([^`]+)`/g, '\\fB$1\\fR');
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const title = [name.toUpperCase(), section, dateOf(path), `tsrunc ${version}`, 'System administration'];

function dateOf(page) {
  const given = process.env.SOURCE_DATE_EPOCH;
  const date = given ? new Date(Number(given) * 1000) : (committed(page) ?? statSync(page).mtime);
  return date.toISOString().slice(0, 10);
}

function committed(page) {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'];
    const seconds = execFileSync('git', ['log', '-1', '--format=%ct', '--', page], { encoding: 'utf8', stdio }).trim();
    return seconds === '' ? undefined : new Date(Number(seconds) * 1000);
  } catch {
    return undefined; // not a clone
  }
}

const out = [`.TH ${title.map((word) => `"${word}"`).join(' ')}`, '.nh'];
const lines = readFileSync(path, 'utf8').split('\n');
let isCode = false;
lines.forEach((line, i) => {
  if (/^```/.test(line)) {
    isCode = !isCode;
    out.push(isCode ? '.PP\n.RS 4\n.nf' : '.fi\n.RE');
  } else if (isCode) out.push(escape(line));
  else if (/^# /.test(line)) out.push(`.SH ${line.slice(2)}`);
  else if (/^## /.test(line)) out.push(`.SS ${line.slice(3)}`);
  else if (line === '') {
    if (!/^#/.test(lines[i + 1] ?? '') && lines[i + 2]?.startsWith(': ') !== true) out.push('.PP');
  } else if (lines[i + 1]?.startsWith(': ')) out.push('.TP', inline(line));
  else if (line.startsWith(': ')) out.push(inline(line.slice(2)));
  else if (/^[-*] /.test(line)) out.push('.IP - 2', inline(line.slice(2)));
  else out.push(inline(line.trimStart()));
});
process.stdout.write(`${out.join('\n')}\n`);
