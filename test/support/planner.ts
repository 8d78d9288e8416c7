// A planner of a test's own, and a runtime that asks it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import type { Test } from 'tap';
import { RUNTIME, type Bundle } from './bundle.ts';
import { eventually, execute, temporaryDirectory, removeDirectory, type Result } from './host.ts';

/** A way in which commands are planned. */
abstract class Way {
  abstract get environment(): NodeJS.ProcessEnv;

  /** For commands whose container keeps the streams: the exit status. */
  quietly(bundle: Bundle, ...args: string[]): number | null {
    const options = { cwd: bundle.directory, env: this.environment, stdio: 'ignore', timeout: 20_000 } as const;
    return spawnSync(RUNTIME, bundle.args(...args), options).status;
  }

  call(bundle: Bundle, ...args: string[]): Result {
    return execute(RUNTIME, bundle.args(...args), { cwd: bundle.directory, env: this.environment });
  }
}

/** By Node, for each command anew. */
export class Cold extends Way {
  readonly environment = { ...process.env, TSRUNC_PLANNER: 'off' };
}

export class Planner extends Way {
  readonly directory: string;
  readonly socket: string;
  readonly log: string;
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(...args: string[]) {
    super();
    this.directory = temporaryDirectory();
    this.socket = `${this.directory}/planner.sock`;
    this.log = `${this.directory}/log`;
    const line = ['--debug', '--log', this.log, 'planner', '--socket', this.socket, ...args];
    this.process = spawn(RUNTIME, line, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.ended = new Promise((resolve) => this.process.on('exit', resolve));
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, TSRUNC_PLANNER: this.socket };
  }

  /** Lines of its log that have this in them. */
  logged(text: string): number {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').split(text).length - 1 : 0;
  }

  /** Requests that it has answered itself. */
  get answered(): number {
    return this.logged('msg="pid ') - this.logged('msg="declined');
  }
}

export async function plannerFor(t: Test, ...args: string[]): Promise<Planner> {
  const planner = new Planner(...args);
  t.teardown(async () => {
    planner.process.kill('SIGKILL');
    await planner.ended;
    removeDirectory(planner.directory);
  });
  await eventually('the planner listens', () => existsSync(planner.socket));
  return planner;
}

/** A script as the container's program, in the foreground. */
export function run(way: Way, bundle: Bundle, script: string): Result {
  bundle.config.process.args = ['sh', '-c', script];
  bundle.save();
  return way.call(bundle, 'run', bundle.id);
}

export function background(way: Way, bundle: Bundle, script: string): ChildProcess {
  bundle.config.process.args = ['sh', '-c', script];
  bundle.save();
  return spawn(RUNTIME, bundle.args('run', bundle.id), {
    cwd: bundle.directory,
    env: way.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function stateOf(way: Way, bundle: Bundle): { pid: number; status: string } {
  const { stdout } = way.call(bundle, 'state', bundle.id);
  return stdout === '' ? { pid: 0, status: 'none' } : JSON.parse(stdout);
}

/** Processes whose parent it is. */
export function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

/** The children of a front that are Node, and neither the container nor on the way to be one. */
export function nodesOf(front: number | undefined): number[] {
  return childrenOf(front).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/exe`).endsWith('/node');
    } catch {
      return false; // it has ended
    }
  });
}

/** A field of /proc/PID/status. */
export function processField(pid: number | undefined, field: string): string {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}
