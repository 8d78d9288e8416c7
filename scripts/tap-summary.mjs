// Reads TAP: how many assertions passed and failed, the words of those that failed, and the reasons of skips. Runs nothing.

/** `text` is the TAP of any number of test files, one after the other. */
export function summarize(text) {
  const lines = text.split('\n');
  const result = { passed: 0, failed: 0, skips: new Set(), failures: [] };
  const path = [];
  for (const [i, line] of lines.entries()) {
    const subtest = /^( *)# Subtest: (.*)/.exec(line);
    if (subtest) path[subtest[1].length / 4] = subtest[2];
    const point = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (.*))?(?: \{)?$/.exec(line);
    if (!point) continue;
    const [, indent, not, name = '', directive = ''] = point;
    const depth = indent.length / 4;
    const inside = path.slice(0, depth).filter(Boolean);
    if (/^SKIP/i.test(directive)) {
      result.skips.add(`${[...inside.slice(1), name].join(' > ')}: ${directive.slice(5)}`);
      continue;
    }
    // A point that closes a subtest repeats what is inside it; only assertions count.
    if (/^time=/.test(directive)) continue;
    if (!not) {
      result.passed++;
      continue;
    }
    result.failed++;
    const words = lines.slice(i + 1, i + 40);
    const end = words.findIndex((word) => !word.startsWith(`${indent}  `));
    result.failures.push(`not ok ${inside.join(' > ')}: ${name}`, ...words.slice(0, end < 0 ? words.length : end));
  }
  return result;
}

/** What a run ends with. The exit status: whether something ran, and nothing failed. */
export function close({ passed, failed, skips }) {
  for (const skip of skips) console.log(`skipped ${skip}`);
  console.log(`${passed} passed, ${failed} failed, ${skips.size} skipped`);
  return failed > 0 || passed === 0 ? 1 : 0;
}
