// Neighbours on the host: processes that no runtime has started, in cgroups with limits, and what they look like.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { eventually, isCgroup2 } from './host.ts';

/** Files whose values are not to change; those that a hierarchy lacks are left out. */
const VALUES = [
  'cgroup.procs',
  'cgroup.freeze',
  'cpu.shares',
  'cpu.weight',
  'cpuset.cpus',
  'cpuset.mems',
  'devices.list',
  'freezer.state',
  'memory.limit_in_bytes',
  'memory.max',
  'pids.max',
];

const HOST = ['/proc/sys/kernel/hostname', '/proc/sys/kernel/domainname', '/proc/sys/kernel/msgmax'];

let counter = 0;

/** The mount points of the hierarchies that containers are put into. */
function hierarchies(): string[] {
  if (isCgroup2()) return ['/sys/fs/cgroup'];
  return readdirSync('/sys/fs/cgroup')
    .map((name) => `/sys/fs/cgroup/${name}`)
    .filter((path) => existsSync(`${path}/cgroup.procs`) && !existsSync(`${path}/cgroup.controllers`));
}

export class Neighbourhood {
  /** Of the cgroup above all of them, in every hierarchy. */
  readonly path = `/neighbours-${process.pid}-${++counter}`;
  readonly #processes: ChildProcess[] = [];

  /** busy: a process. ice: frozen, with a process. empty: nothing but limits. */
  async settle(): Promise<void> {
    for (const directory of this.#directories('empty')) {
      writeIfThere(`${directory}/pids.max`, '1234');
      writeIfThere(`${directory}/memory.limit_in_bytes`, String(123 << 20));
      writeIfThere(`${directory}/memory.max`, String(123 << 20));
    }
    this.processIn('busy');
    this.processIn('ice');
    for (const directory of this.#directories('ice')) {
      writeIfThere(`${directory}/freezer.state`, 'FROZEN');
      writeIfThere(`${directory}/cgroup.freeze`, '1');
      await eventually('it is frozen', () => !/FREEZING/.test(readIfThere(`${directory}/freezer.state`) ?? ''));
    }
  }

  processIn(name: string): number {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    this.#processes.push(child);
    for (const directory of this.#directories(name)) writeFileSync(`${directory}/cgroup.procs`, String(child.pid));
    return child.pid ?? 0;
  }

  isAlive(pid: number): boolean {
    return /^State:\s+[^ZX]/m.test(readIfThere(`/proc/${pid}/status`) ?? '');
  }

  processesIn(name: string): string[] {
    return hierarchies()
      .map((top) => readIfThere(`${top}${this.path}/${name}/cgroup.procs`) ?? '')
      .filter(Boolean);
  }

  /** Everything of them and of the host that must stay: a line for each. */
  look(): string[] {
    const cgroups = hierarchies().flatMap((top) => cgroupsBelow(`${top}${this.path}`));
    const values = cgroups.sort().flatMap((directory) => VALUES.map((name) => `${directory}/${name}`));
    const processes = this.#processes.map(({ pid }) => `${pid} ${this.isAlive(pid ?? 0) ? 'lives' : 'is dead'}`);
    return [...processes, ...[...values, ...HOST].flatMap((path) => lineOf(path))];
  }

  #directories(name: string): string[] {
    if (isCgroup2()) for (const part of ['', this.path]) enableControllers(`/sys/fs/cgroup${part}`);
    return hierarchies().map((top) => {
      const directory = `${top}${this.path}/${name}`;
      mkdirSync(directory, { recursive: true });
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        for (const below of isCgroup2() ? [] : partsOf(`${this.path}/${name}`).map((part) => `${top}${part}`))
          if (readIfThere(`${below}/${file}`) === '') writeFileSync(`${below}/${file}`, readFileSync(`${top}/${file}`));
      return directory;
    });
  }

  async leave(): Promise<void> {
    for (const directory of hierarchies().flatMap((top) => cgroupsBelow(`${top}${this.path}`))) {
      writeIfThere(`${directory}/freezer.state`, 'THAWED');
      writeIfThere(`${directory}/cgroup.freeze`, '0');
    }
    for (const child of this.#processes) child.kill('SIGKILL');
    for (const top of hierarchies())
      await eventually('their cgroups are removed', () => {
        cgroupsBelow(`${top}${this.path}`).reverse().forEach(removeIfEmpty);
        return !existsSync(`${top}${this.path}`);
      });
  }
}

export async function neighbourhoodFor(t: Test): Promise<Neighbourhood> {
  const neighbourhood = new Neighbourhood();
  t.teardown(() => neighbourhood.leave());
  await neighbourhood.settle();
  return neighbourhood;
}

/** A cgroup and those below it, parents first. */
function cgroupsBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [directory, ...below.flatMap(({ name }) => cgroupsBelow(`${directory}/${name}`))];
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // a process in it is just ending
  }
}

/** "/a/b": "/a" and "/a/b". */
function partsOf(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

function enableControllers(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ['memory', 'pids', 'cpu', 'cpuset'])
    try {
      writeFileSync(`${directory}/cgroup.subtree_control`, `+${name}`);
    } catch {
      // not in this kernel
    }
}

function lineOf(path: string): string[] {
  const value = readIfThere(path);
  return value === undefined ? [] : [`${path} ${value.replaceAll('\n', ' ')}`];
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function writeIfThere(path: string, value: string): void {
  if (existsSync(path)) writeFileSync(path, value);
}
