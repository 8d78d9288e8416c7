// The engines, each started privately (own root, socket, configuration) and stopped at the end, and what the same tests ask of
// all of them. Paths of programs come from the PATH; images are made from busybox.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Bundle, RUNTIME } from '../support/bundle.ts';
import {
  cgroupsNamed,
  eventually,
  execute,
  removeDirectory,
  sh,
  temporaryDirectory,
  type Result,
} from '../support/host.ts';

export const NAME = basename(RUNTIME);
const LIMITS = ['--ulimit', 'nofile=20000:20000', '--ulimit', 'nproc=1000:1000'];

export interface RunOptions {
  readonly name?: string;
  readonly detach?: boolean;
  readonly terminal?: boolean;
  readonly readOnly?: boolean;
  readonly volume?: string;
  /** Flags of this engine alone. */
  readonly flags?: readonly string[];
}

/** What docker and podman have in common; ctr has less and other words. */
export abstract class Engine {
  readonly directory = temporaryDirectory();
  readonly #before = new Set(parentCgroups());
  abstract readonly title: string;

  abstract start(): Promise<void>;
  abstract stop(): Promise<void>;
  abstract call(...args: string[]): Result;

  run(options: RunOptions, ...command: string[]): Result {
    return this.call('run', ...this.runFlags(options), 'busybox', ...command);
  }

  runFlags(options: RunOptions): string[] {
    return [
      ...(options.detach ? ['-d'] : ['--rm']),
      ...(options.terminal ? ['-t'] : []),
      ...(options.name === undefined ? [] : ['--name', options.name]),
      ...(options.readOnly ? ['--read-only'] : []),
      ...(options.volume === undefined ? [] : ['-v', options.volume]),
      '--network',
      'none',
      ...LIMITS,
      ...(options.flags ?? []),
    ];
  }

  protected makeImage(): string {
    const bundle = new Bundle();
    sh(`tar -C ${bundle.rootfs} -cf ${this.directory}/image.tar .`);
    bundle.remove();
    return `${this.directory}/image.tar`;
  }

  /** Nothing of the engine, its containers or their mounts is left. */
  protected cleanUp(): void {
    sh(`awk '{print $5}' /proc/self/mountinfo | grep '^${this.directory}' | sort -r | xargs -r -n1 umount -l`);
    for (const cgroup of parentCgroups().filter((path) => !this.#before.has(path)))
      sh(`find ${cgroup} -depth -type d -exec rmdir {} + || true`);
    removeDirectory(this.directory);
  }
}

/** The cgroups in which engines put those of their containers, and which they leave. */
function parentCgroups(): string[] {
  return ['docker', 'libpod_parent', 'default'].flatMap((name) => cgroupsNamed(name));
}

export class Podman extends Engine {
  readonly title = 'podman';

  async start(): Promise<void> {
    writeFileSync(
      `${this.directory}/containers.conf`,
      `[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\nruntime="${NAME}"\n[engine.runtimes]\n${NAME}=["${RUNTIME}"]\n` +
        '[containers]\nlog_driver="k8s-file"\n',
    );
    writeFileSync(
      `${this.directory}/storage.conf`,
      `[storage]\ndriver="vfs"\ngraphroot="${this.directory}/graph"\nrunroot="${this.directory}/run"\n`,
    );
    const made = this.call('import', this.makeImage(), 'busybox');
    if (made.status !== 0) throw new Error(made.stderr);
  }

  call(...args: string[]): Result {
    const env = {
      ...process.env,
      CONTAINERS_CONF: `${this.directory}/containers.conf`,
      CONTAINERS_STORAGE_CONF: `${this.directory}/storage.conf`,
    };
    return execute('podman', args, { env });
  }

  async stop(): Promise<void> {
    this.call('rm', '--force', '--all', '-t', '0');
    this.cleanUp();
  }
}

/** Starts a daemon and waits for its socket. */
async function daemon(file: string, args: readonly string[], socket: string, log: string): Promise<ChildProcess> {
  const child = spawn('bash', ['-c', `exec "$0" "$@" >${log} 2>&1`, file, ...args], { stdio: 'ignore' });
  await eventually(`${file} is there`, () => existsSync(socket) || child.exitCode !== null, 30);
  return child;
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  child.kill('SIGTERM');
  await eventually('the daemon has ended', () => child.exitCode !== null || child.signalCode !== null, 30);
}

export class Docker extends Engine {
  readonly title = 'docker';
  #daemon: ChildProcess | undefined;

  async start(): Promise<void> {
    const d = this.directory;
    const args =
      `--iptables=false --ip6tables=false --bridge=none --storage-driver vfs --data-root ${d}/data --exec-root ${d}/exec ` +
      `-p ${d}/pid -H unix://${d}/sock${NAME === 'runc' ? '' : ` --add-runtime ${NAME}=${RUNTIME}`}`;
    this.#daemon = await daemon('dockerd', args.split(' '), `${d}/sock`, `${d}/log`);
    await eventually('dockerd answers', () => this.call('version').status === 0, 30);
    const made = this.call('import', this.makeImage(), 'busybox');
    if (made.status !== 0) throw new Error(made.stderr);
  }

  call(...args: string[]): Result {
    const [verb = '', ...rest] = args;
    const runtime = verb === 'run' ? ['--runtime', NAME] : [];
    return execute('docker', ['-H', `unix://${this.directory}/sock`, verb, ...runtime, ...rest]);
  }

  async stop(): Promise<void> {
    const ids = this.call('ps', '-aq').stdout.split('\n').filter(Boolean);
    if (ids.length > 0) this.call('rm', '--force', ...ids);
    await end(this.#daemon);
    this.cleanUp();
  }
}

export class Containerd extends Engine {
  readonly title = 'containerd';
  #daemon: ChildProcess | undefined;

  async start(): Promise<void> {
    const d = this.directory;
    mkdirSync(`${d}/empty`);
    writeFileSync(
      `${d}/config.toml`,
      `version = 2\nroot = "${d}/root"\nstate = "${d}/state"\n[grpc]\n  address = "${d}/sock"\n`,
    );
    this.#daemon = await daemon('containerd', ['-c', `${d}/config.toml`], `${d}/sock`, `${d}/log`);
    await eventually('containerd answers', () => this.call('version').status === 0, 30);
    // ctr imports archives that an engine has saved.
    const podman = new Podman();
    try {
      await podman.start();
      podman.call('save', '--format', 'docker-archive', '-o', `${d}/archive.tar`, 'busybox');
    } finally {
      await podman.stop();
    }
    const made = this.call('image', 'import', `${d}/archive.tar`);
    if (made.status !== 0) throw new Error(made.stderr);
  }

  call(...args: string[]): Result {
    return execute('ctr', ['-a', `${this.directory}/sock`, ...args]);
  }

  override run(options: RunOptions, ...command: string[]): Result {
    const flags = [options.detach ? '-d' : '--rm', '--runc-binary', RUNTIME, ...(options.flags ?? [])];
    return this.call('run', ...flags, 'localhost/busybox:latest', options.name ?? 'once', ...command);
  }

  async stop(): Promise<void> {
    for (const id of this.call('task', 'ls', '-q').stdout.split('\n').filter(Boolean)) {
      this.call('task', 'kill', '-s', 'KILL', id);
      await new Promise((wake) => setTimeout(wake, 300));
      this.call('task', 'delete', id);
    }
    await end(this.#daemon);
    this.cleanUp();
  }
}
