// A page of man/ as troff, for man(1): node scripts/man.mjs man/tsrunc.8.md. Knows what our pages use: headings, paragraphs, terms
// with ": " below them, lists, code blocks, **bold**, _italic_ and `code`. man(7).
import { readFileSync } from 'node:fs';
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

const out = [`.TH "${name.toUpperCase()}" "${section}" "" "tsrunc" "System administration"`, '.nh'];
const lines = readFileSync(path, 'utf8').split('\n');
let isCode = false;
lines.forEach((line, i) => {
  if (/^```/.test(line)) {
    isCode = !isCode;
    out.push(isCode ? '.PP\n.nf' : '.fi');
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
