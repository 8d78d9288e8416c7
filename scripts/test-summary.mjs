// Reads the TAP of a test run that is over: prints failures, reasons of skips, and the closing line.
import { readFileSync } from 'node:fs';
import { close, summarize } from './tap-summary.mjs';

const summary = summarize(readFileSync(process.argv[2] ?? '', 'utf8'));
for (const line of summary.failures) console.log(line);
process.exitCode = close(summary);
