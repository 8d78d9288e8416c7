// Runs the validation programs of runtime-tools against a runtime, then against runc as the control, and prints both beside each
// other: node scripts/conformance.mjs PROGRAMS RUNTIME [CONTROL...]. Fails on a point that fails for the first runtime and is
// not listed with its reason in test/conformance/known.json, on a listed one that passes by now, and on a program that has
// fewer points than it once had.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Parser } from 'tap-parser';

const SECONDS = 60;
const [programs = '', ...runtimes] = process.argv.slice(2);
const work = open(mkdtempSync(join(tmpdir(), 'tsrunc-conformance-')));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const only = process.env.ONLY;

/** A user of a user namespace must get through to the rootfs. */
function open(directory) {
  chmodSync(directory, 0o711);
  return directory;
}

/** The runtime with a state directory of its own; crun only where the unified hierarchy is out of its sight. */
function wrap(runtime) {
  const root = `${work}/root-${basename(runtime)}`;
  const path = `${work}/${basename(runtime)}`;
  // The programs hand on nothing of our environment.
  const planner = process.env.TSRUNC_PLANNER ?? 'off';
  const command = `env TSRUNC_PLANNER=${planner} ${runtime} --root ${root} "$@"`;
  const view = `exec unshare -m --propagation private sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec ${runtime} --root ${root} "$@"' sh "$@"`;
  writeFileSync(path, `#!/bin/sh\n${basename(runtime) === 'crun' ? view : `exec ${command}`}\n`, { mode: 0o755 });
  mkdirSync(root);
  return { name: basename(runtime), path, root };
}

function cgroups() {
  const found = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return found.stdout.split('\n').filter(Boolean);
}

async function run(program, runtime) {
  const bundles = open(mkdtempSync(`${work}/bundles-`));
  const before = new Set(cgroups());
  const child = spawn(`${programs}/validation/${program}`, [], {
    cwd: programs,
    env: { PATH: process.env.PATH, RUNTIME: runtime.path, TMPDIR: bundles },
    detached: true, // a process group, to be ended as one
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    process.kill(-child.pid, 'SIGKILL');
  }, SECONDS * 1000);
  // Not the end of the streams: a container that was left running may hold them.
  const status = await new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
  clearTimeout(timer);
  await new Promise((done) => setTimeout(done, 20));
  child.stdout.destroy();
  child.stderr.destroy();
  cleanUp(runtime, bundles, before);
  return judge(out, err, status, isLate);
}

/** Nothing that a program has left may meet the next one. */
function cleanUp(runtime, bundles, before) {
  for (const id of readdirSync(runtime.root)) spawnSync(runtime.path, ['delete', '--force', id], { stdio: 'ignore' });
  spawnSync('sh', ['-c', `grep -o '${bundles}[^ ]*' /proc/self/mounts | sort -r | xargs -r -n1 umount -l`], {
    stdio: 'ignore',
  });
  rmSync(bundles, { recursive: true, force: true });
  for (const directory of cgroups().reverse())
    if (!before.has(directory)) {
      try {
        rmdirSync(directory);
      } catch {
        // somebody else's, with processes in it
      }
    }
}

function judge(out, err, status, isLate) {
  const points = Parser.parse(out).filter(([kind]) => kind === 'assert');
  const result = { passed: 0, skipped: 0, failed: [] };
  for (const [, point] of points) {
    if (point.skip || point.todo) result.skipped++;
    else if (point.ok) result.passed++;
    else result.failed.push({ name: point.name, sentence: sentenceOf(point) });
  }
  const said = err.trim().split('\n').at(-1) ?? '';
  if (isLate) result.failed.push({ name: `not done after ${SECONDS} s`, sentence: said });
  else if (status !== 0) result.failed.push({ name: `exit status ${status}`, sentence: said });
  // Some programs make no points: they are silent when they are content, and else say an error.
  else if (points.length === 0 && out.includes('"error"'))
    result.failed.push({
      name: 'an error without a point',
      sentence: out.slice(out.indexOf('"error"')).replaceAll(/\s+/g, ' '),
    });
  return result;
}

function sentenceOf({ diag }) {
  if (typeof diag !== 'object' || diag === null) return '';
  const { reference, error, stdout } = diag;
  const inside = typeof stdout === 'string' ? stdout.split('\n').filter((line) => /^not ok/.test(line)) : [];
  return [error, ...inside, reference]
    .filter((part) => typeof part === 'string' && part !== '')
    .join(' | ')
    .replaceAll(/\s+/g, ' ');
}

const listed = JSON.parse(readFileSync('test/conformance/known.json', 'utf8'));
const all = runtimes.map(wrap);
const names = readdirSync(`${programs}/validation`).filter(
  (name) => only === undefined || only.split(',').includes(name),
);
const results = {};
const column = (result) =>
  `${result.passed}/${result.passed + result.failed.length}${result.skipped ? ` (${result.skipped} skipped)` : ''}`;
console.log(['test'.padEnd(32), ...all.map(({ name }) => name.padEnd(18))].join(' '));
for (const program of names) {
  const row = (results[program] = {});
  for (const runtime of all) row[runtime.name] = await run(program, runtime);
  console.log([program.padEnd(32), ...all.map(({ name }) => column(row[name]).padEnd(18))].join(' '));
  for (const { name } of all)
    for (const failure of row[name].failed)
      console.log(
        `    ${name}: ${failure.name}${failure.sentence ? `\n        ${failure.sentence.slice(0, 400)}` : ''}`,
      );
}
mkdirSync('build', { recursive: true });
writeFileSync('build/conformance.json', `${JSON.stringify(results, null, 1)}\n`);

// --- the verdict on the first runtime ------------------------------------------------------------------------------------
const [{ name: judged }] = all;
let passed = 0;
let failed = 0;
let skipped = 0;
const fault = (text) => {
  failed++;
  console.log(`not ok ${text}`);
};
for (const [program, row] of Object.entries(results)) {
  const { points = 0, failures = {} } = (judged === 'tsrunc' ? listed[program] : undefined) ?? {};
  passed += row[judged].passed;
  skipped += row[judged].skipped;
  for (const failure of row[judged].failed) {
    const reason = failures[failure.name];
    if (reason === undefined) fault(`${program}: ${failure.name}`);
    else {
      skipped++;
      console.log(`skipped ${program}: ${failure.name}: ${reason}`);
    }
  }
  for (const name of Object.keys(failures))
    if (!row[judged].failed.some((failure) => failure.name === name))
      fault(`${program}: ${name}: it passes: take it off the list`);
  if (row[judged].passed < points) fault(`${program}: ${row[judged].passed} points passed, ${points} once did`);
}
for (const { name } of all) {
  const whole = Object.values(results).filter((row) => row[name].failed.length === 0).length;
  const points = Object.values(results).reduce((sum, row) => sum + row[name].passed, 0);
  console.log(`${name}: ${whole} of ${names.length} programs whole, ${points} points passed`);
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
