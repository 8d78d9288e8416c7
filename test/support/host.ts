// What tests look at and make on the host: processes, files, mounts. Real ones; each test takes its own away.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Result {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function execute(
  file: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Result {
  const { status, signal, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: 60_000,
    input: options.input ?? '',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
  });
  return { status, signal, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** A shell line that must work. */
export function sh(script: string): string {
  return execFileSync('bash', ['-ec', script], { encoding: 'utf8', timeout: 60_000 });
}

export function background(file: string, args: readonly string[], cwd: string): ChildProcess {
  return spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'tsrunc-test-'));
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Waits until `condition` holds; the time is generous because machines are slow, and bounded because tests must end. */
export async function eventually(what: string, condition: () => boolean, seconds = 15): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

const CGROUP = '/sys/fs/cgroup';

/** Every cgroup directory below the host's mounts whose name is `name`. */
export function cgroupsNamed(name: string): string[] {
  return sh(`find ${CGROUP} -type d -name '${name}' 2>/dev/null || true`).split('\n').filter(Boolean);
}

/** Lines of the host's mount table that mention `text`. */
export function hostMounts(text: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(text));
}

/** Pids of processes whose command line mentions `text`. */
export function processesNamed(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

export function isCgroup2(): boolean {
  return existsSync(`${CGROUP}/cgroup.controllers`);
}
