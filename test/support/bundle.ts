// A bundle with busybox in it, and the runtime that tests drive: RUNTIME, tsrunc by default.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Test } from 'tap';
import {
  background,
  cgroupsNamed,
  execute,
  hostMounts,
  processesNamed,
  removeDirectory,
  sh,
  temporaryDirectory,
  type Result,
} from './host.ts';

export const RUNTIME = process.env['RUNTIME'] ?? `${process.cwd()}/bin/tsrunc`;
export const isTsrunc = basename(RUNTIME) === 'tsrunc';

/** Skips what only tsrunc has, with the reason, when another runtime is tested. */
export function onlyTsrunc(reason: string): { skip?: string } {
  return isTsrunc ? {} : { skip: `${basename(RUNTIME)}: ${reason}` };
}

export type Json = any;

/** Enough to mount, to make devices and to write anywhere. */
const ROOT_CAPS = ['CAP_SYS_ADMIN', 'CAP_MKNOD', 'CAP_DAC_OVERRIDE', 'CAP_KILL', 'CAP_SYS_PTRACE'];
export const ROOT_CAPABILITIES = { bounding: ROOT_CAPS, permitted: ROOT_CAPS, effective: ROOT_CAPS };

let counter = 0;

export class Bundle {
  readonly directory: string;
  readonly rootfs: string;
  /** Where the runtime keeps its state for this bundle: of its own, so that what is left is seen. */
  readonly root: string;
  readonly id: string;
  config: Json;

  constructor() {
    this.directory = temporaryDirectory();
    this.rootfs = `${this.directory}/rootfs`;
    this.root = `${this.directory}/state`;
    this.id = `test-${process.pid}-${++counter}`;
    for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'root'])
      mkdirSync(`${this.rootfs}/${name}`, { recursive: true });
    cpSync('/bin/busybox', `${this.rootfs}/bin/busybox`);
    for (const applet of APPLETS) symlinkSync('busybox', `${this.rootfs}/bin/${applet}`);
    writeFileSync(`${this.rootfs}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n');
    this.config = defaultConfig();
  }

  save(): this {
    writeFileSync(`${this.directory}/config.json`, JSON.stringify(this.config, null, 1));
    return this;
  }

  /** The arguments of a runtime call, with our state directory. */
  args(...args: string[]): string[] {
    return ['--root', this.root, ...args];
  }

  /** Runs `script` with sh in the container, in the foreground. */
  run(script: string, options: { flags?: string[]; global?: string[]; input?: string } = {}): Result {
    this.config.process.args = ['sh', '-c', script];
    return this.runAsIs(options);
  }

  runAsIs(options: { flags?: string[]; global?: string[]; input?: string } = {}): Result {
    this.save();
    const args = [...(options.global ?? []), ...this.args('run', ...(options.flags ?? []), this.id)];
    return execute(RUNTIME, args, {
      cwd: this.directory,
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  }

  start(script: string) {
    this.config.process.args = ['sh', '-c', script];
    this.save();
    return background(RUNTIME, this.args('run', this.id), this.directory);
  }

  /** Begins a command that nobody reads from. */
  spawn(...args: string[]) {
    return spawn(RUNTIME, this.args(...args), { cwd: this.directory, stdio: 'ignore' });
  }

  /** Everything of the container that is still there. */
  leftovers(): string[] {
    const state = existsSync(`${this.root}/${this.id}`) ? [`state ${this.root}/${this.id}`] : [];
    return [
      ...state,
      ...cgroupsNamed(this.id).map((path) => `cgroup ${path}`),
      ...hostMounts(this.rootfs).map((line) => `mount ${line}`),
      ...processesNamed(this.id).map((pid) => `process ${pid}`),
    ];
  }

  remove(): void {
    for (const pid of cgroupsNamed(this.id).flatMap((path) => pidsIn(path))) killQuietly(pid);
    execute(RUNTIME, this.args('delete', '--force', this.id));
    sh(
      `for d in ${cgroupsNamed(this.id).join(' ')}; do for i in 1 2 3 4 5; do rmdir "$d" 2>/dev/null && break; sleep 0.1; done; done; true`,
    );
    removeDirectory(this.directory);
  }
}

/** A bundle for one test, gone when the test is over. */
export function bundleFor(t: Test): Bundle {
  const bundle = new Bundle();
  t.teardown(() => bundle.remove());
  return bundle;
}

function pidsIn(cgroup: string): number[] {
  try {
    return readFileSync(`${cgroup}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

const APPLETS = (
  'sh true false cat ls echo mount umount hostname id sleep env grep pwd stat mkdir touch rm ln readlink wc head cut tr ' +
  'test dd ps kill dmesg chown chmod stty tty od sed awk nproc df cp mknod ip date'
).split(' ');

function defaultConfig(): Json {
  const directory = temporaryDirectory();
  const made = execute(`${process.cwd()}/bin/tsrunc`, ['spec', '-b', directory]);
  if (made.status !== 0) throw new Error(made.stderr);
  const config = JSON.parse(readFileSync(`${directory}/config.json`, 'utf8'));
  removeDirectory(directory);
  config.process.terminal = false;
  // The newest version that every tested runtime takes.
  config.ociVersion = '1.0.2';
  return config;
}
