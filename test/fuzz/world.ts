// Owns where a fuzz happens: a rootfs, a planner, containers that live, and the look at what is left. All of it is inside
// namespaces of its own (scripts/fuzz): whatever goes wrong cannot reach a process, a mount or a host name outside of them.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';

export const RUNTIME = `${process.cwd()}/bin/tsrunc`;
const LIMIT_MS = Number(process.env['FUZZ_LIMIT_MS'] ?? 20_000);

export interface Outcome {
  readonly args: readonly string[];
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class World {
  readonly directory = mkdtempSync('/tmp/fuzz-');
  readonly bundle = `${this.directory}/bundle`;
  readonly root = `${this.directory}/state`;
  readonly #planner: ChildProcess;
  readonly #socket = `${this.directory}/planner.sock`;
  readonly #cgroups: readonly string[];
  #processes: ReadonlySet<string> = new Set();

  constructor() {
    this.freshRootfs();
    this.#planner = spawn(RUNTIME, ['planner', '--socket', this.#socket], { stdio: 'ignore' });
    while (!existsSync(this.#socket)) spawnSync('sleep', ['0.02']);
    this.#cgroups = ownCgroups();
  }

  freshRootfs(): void {
    const rootfs = `${this.bundle}/rootfs`;
    rmSync(rootfs, { recursive: true, force: true });
    for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(`${rootfs}/${name}`, { recursive: true });
    cpSync('/bin/busybox', `${rootfs}/bin/busybox`);
    for (const applet of ['sh', 'true', 'false', 'sleep']) symlinkSync('busybox', `${rootfs}/bin/${applet}`);
  }

  /** Runs the runtime; what a container may hold open goes to files. */
  call(args: readonly string[], how: { isWarm: boolean; input?: Buffer }): Outcome {
    const files = ['out', 'err'].map((name) => `${this.directory}/${name}`) as [string, string];
    const [out, err] = files.map((file) => openSync(file, 'w')) as [number, number];
    const { status, signal } = spawnSync(RUNTIME, ['--root', this.root, ...args], {
      cwd: this.bundle,
      env: { PATH: process.env['PATH'], TSRUNC_PLANNER: how.isWarm ? this.#socket : 'off' },
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      ...(how.input === undefined ? { stdio: ['ignore', out, err] } : { stdio: ['pipe', out, err], input: how.input }),
    });
    closeSync(out);
    closeSync(err);
    const [stdout, stderr] = files.map((file) => readFileSync(file, 'latin1')) as [string, string];
    return { args, status, signal, stdout, stderr };
  }

  /** A container that stays, with its state and cgroups among what is known from then on. */
  live(id: string): void {
    if (existsSync(`${this.root}/${id}`)) this.call(['delete', '--force', id], { isWarm: true });
    const made = this.call(['run', '-d', '-b', this.bundle, id], { isWarm: true });
    if (made.status !== 0) throw new Error(`the container ${id} that is to stay: ${made.stderr}`);
  }

  /** What is there now counts as known. */
  remember(): void {
    this.#processes = new Set(processes().keys());
  }

  /** What containers of these ids have left. Processes may take a moment to end. */
  leftovers(ids: readonly string[]): string[] {
    const left = ids.flatMap((id) => [
      ...(existsSync(`${this.root}/${id}`) ? [`state of ${id}`] : []),
      ...this.#cgroups.map((cgroup) => `${cgroup}/${id}`).filter((path) => existsSync(path)),
    ]);
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.directory));
    return [...left, ...mounts, ...this.#strangers()];
  }

  #strangers(): string[] {
    let found: string[] = [];
    for (let tries = 0; tries < 100; tries++) {
      found = [...processes()]
        .filter(([pid]) => !this.#processes.has(pid))
        .map(([pid, name]) => `process ${pid} ${name}`);
      if (found.length === 0) break;
      spawnSync('sleep', ['0.02']);
    }
    return found;
  }

  get isPlannerAlive(): boolean {
    return this.#planner.exitCode === null && this.#planner.signalCode === null;
  }

  close(): void {
    this.#planner.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  write(name: string, bytes: Buffer | string): string {
    const path = `${this.directory}/${name}`;
    writeFileSync(path, bytes);
    return path;
  }
}

/** Where containers without a cgroupsPath have theirs, in every hierarchy, and where those of generate.ts are. */
function ownCgroups(): string[] {
  return readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const [, controllers = '', path = ''] = line.split(':');
      const name = controllers === '' ? 'unified' : controllers.replace(/^name=/, '');
      const top = existsSync(`/sys/fs/cgroup/${name}`) ? `/sys/fs/cgroup/${name}` : '/sys/fs/cgroup';
      return [top, `${top}${path === '/' ? '' : path}`];
    });
}

/** Pid and name of each process that has not ended. */
function processes(): Map<string, string> {
  const found = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      if (!/\) [ZX] /.test(stat)) found.set(pid, stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1));
    } catch {
      // it has ended
    }
  }
  return found;
}
