// Reads the TAP of a test run: prints failures, reasons of skips, and the closing line.
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2] ?? '', 'utf8').split('\n');
let passed = 0;
let failed = 0;
const skips = new Map();
const path = [];
for (let i = 0; i < lines.length; i++) {
  const line = lines[i];
  const subtest = /^( *)# Subtest: (.*)/.exec(line);
  if (subtest) path[subtest[1].length / 4] = subtest[2];
  const point = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (.*))?(?: \{)?$/.exec(line);
  if (!point) continue;
  const [, indent, not, name = '', directive = ''] = point;
  const depth = indent.length / 4;
  if (/^SKIP/i.test(directive)) {
    const reason = `${path.slice(1, depth).join(' > ')}${depth > 1 ? ' > ' : ''}${name}: ${directive.slice(5)}`;
    skips.set(reason, true);
    continue;
  }
  // A point that closes a subtest repeats what is inside it; only assertions count.
  if (/^time=/.test(directive)) {
    if (not && depth === 0) console.log(`not ok ${name}`);
    continue;
  }
  if (not) {
    failed++;
    console.log(
      `not ok ${path
        .slice(0, depth + 1)
        .filter(Boolean)
        .join(' > ')}: ${name}`,
    );
    for (let j = i + 1; j < lines.length && j < i + 40 && lines[j].startsWith(`${indent}  `); j++)
      console.log(lines[j]);
  } else passed++;
}
for (const skip of skips.keys()) console.log(`skipped ${skip}`);
console.log(`${passed} passed, ${failed} failed, ${skips.size} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
