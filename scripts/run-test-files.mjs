// Runs compiled test files, some at a time, and says what came of each as soon as it is over. A file whose source has a line
// "// Runs alone: REASON" shares the machine with no other. JOBS: how many at a time; as many as there are processors by default.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { close, summarize } from './tap-summary.mjs';

/** Seconds after which a file has failed: on a machine that is four times slower than ours still enough. */
const LIMIT = Number(process.env.TEST_TIMEOUT ?? 900);
const jobs = Number(process.env.JOBS ?? availableParallelism());
/** How long each file took the last time: the longest begin, so that nobody waits for them at the end. */
const TIMES = 'build/test-times.json';
const times = readTimes();
const total = { passed: 0, failed: 0, skips: new Set() };

function readTimes() {
  try {
    return JSON.parse(readFileSync(TIMES, 'utf8'));
  } catch {
    return {}; // the first run
  }
}

const nameOf = (file) => file.replace(/^build\/test\//, '').replace(/\.test\.mjs$/, '');
const runsAlone = (file) => /^\/\/ Runs alone: \S/m.test(readFileSync(`test/${nameOf(file)}.test.ts`, 'utf8'));

/** The TAP of one file, its exit status and what it said beside. A test that hangs ends with all that it has started. */
function run(file) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(LIMIT) },
    });
    const end = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), (LIMIT + 30) * 1000);
    let tap = '';
    let said = '';
    child.stdout.on('data', (data) => (tap += data));
    child.stderr.on('data', (data) => (said += data));
    child.on('close', (status, signal) => {
      clearTimeout(end);
      resolve({ tap, said, how: signal ?? status });
    });
  });
}

async function runAndTell(file) {
  const begin = Date.now();
  const { tap, said, how } = await run(file);
  const name = nameOf(file);
  const took = (Date.now() - begin) / 1000;
  const summary = summarize(`# Subtest: ${name}\n${tap.replace(/^/gm, '    ')}`);
  if (how !== 0 && summary.failed === 0) {
    summary.failed = 1;
    summary.failures.push(`not ok ${name}: ended with ${how}`, tap.slice(-2000), said.slice(-2000));
  }
  total.passed += summary.passed;
  total.failed += summary.failed;
  for (const skip of summary.skips) total.skips.add(skip);
  const mark = summary.failed > 0 ? 'FAIL' : 'ok';
  console.log(
    `  ${mark.padEnd(4)} ${name.padEnd(32)} ${String(summary.passed).padStart(5)} points ${took.toFixed(1).padStart(7)} s`,
  );
  for (const line of summary.failures) console.log(line);
  times[name] = took;
}

/** Runs `files` from the front of the list, so many at a time. */
async function runAll(files, atATime) {
  const waiting = [...files];
  const work = async () => {
    for (let file; (file = waiting.shift()) !== undefined;) await runAndTell(file);
  };
  await Promise.all(Array.from({ length: atATime }, work));
}

const files = process.argv.slice(2).sort((a, b) => (times[nameOf(b)] ?? 1e6) - (times[nameOf(a)] ?? 1e6));
const alone = files.filter(runsAlone);
await runAll(
  files.filter((file) => !alone.includes(file)),
  jobs,
);
await runAll(alone, 1);
writeFileSync(TIMES, JSON.stringify(times));
process.exitCode = close(total);
