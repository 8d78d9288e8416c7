// Failures that people meet, each provoked for real: messages.test.ts compares the words, and docs/troubleshooting.md is written from
// here (scripts/troubleshooting.mjs). In what is said, {id}, {bundle} and {root} stand for the container's, and {} for whatever comes.
/* eslint max-lines: off -- a table */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { RUNTIME, type Bundle, type Json } from '../support/bundle.ts';
import { call, create, WAITING } from '../support/commands.ts';
import { execute, type Result } from '../support/host.ts';

export interface Row {
  /** What somebody has done. */
  readonly name: string;
  readonly provoke: (bundle: Bundle) => Result;
  /** The first line. */
  readonly says: string;
  /** The second. */
  readonly hint: string;
  readonly cause: string;
}

/** A configuration that runs, changed; the program is `true`. */
const changed =
  (change: (config: Json, bundle: Bundle) => void) =>
  (bundle: Bundle): Result => {
    bundle.config.process.args = ['true'];
    change(bundle.config, bundle);
    return bundle.runAsIs();
  };

/** A command line; the words {id} and {bundle} are filled in. */
const typed =
  (line: string) =>
  (bundle: Bundle): Result => {
    const words = line.split(' ').map((word) => word.replace('{id}', bundle.id).replace('{bundle}', bundle.directory));
    return execute(RUNTIME, words, { cwd: bundle.directory });
  };

/** A command on a container that waits to be started. */
const onCreated =
  (...words: string[]) =>
  (bundle: Bundle): Result => {
    bundle.config.process.args = WAITING;
    const made = create(bundle);
    if (made.status !== 0) throw new Error(made.stderr);
    return call(bundle, ...words.map((word) => word.replace('{id}', bundle.id)));
  };

const onRunning =
  (...words: string[]) =>
  (bundle: Bundle): Result => {
    onCreated('start', '{id}')(bundle);
    return call(bundle, ...words.map((word) => word.replace('{id}', bundle.id)));
  };

const mount = (given: object) => changed((config) => config.mounts.push(given));

const commandLine: Row[] = [
  {
    name: 'a command that is not there',
    provoke: typed('staet {id}'),
    says: 'tsrunc: unknown command "staet"',
    hint: 'did you mean start or state?',
    cause: 'The command is misspelt.',
  },
  {
    name: 'a global option that is not there',
    provoke: typed('--rooot x list'),
    says: 'tsrunc: unknown option --rooot',
    hint: 'did you mean --root?',
    cause: 'The option is misspelt.',
  },
  {
    name: "a command's option that is not there",
    provoke: typed('run --bundel . {id}'),
    says: 'tsrunc: run: unknown option --bundel',
    hint: 'did you mean --bundle?',
    cause: 'The option is misspelt.',
  },
  {
    name: 'a global option after the command',
    provoke: typed('list --root /x'),
    says: 'tsrunc: list: unknown option --root',
    hint: 'it stands before the command: tsrunc --root ... list',
    cause: 'Options for all commands stand before the command, the others after it.',
  },
  {
    name: 'an option without its value',
    provoke: typed('run {id} --bundle'),
    says: 'tsrunc: run: option --bundle has no value',
    hint: 'tsrunc help run explains it',
    cause: 'The value is missing at the end of the line.',
  },
  {
    name: 'a value that is none of the choices',
    provoke: typed('list --format xml'),
    says: 'tsrunc: list: option --format: "xml" is not one of table, json',
    hint: 'tsrunc help list explains it',
    cause: 'The option takes one of a few words.',
  },
  {
    name: 'no id',
    provoke: typed('run'),
    says: 'tsrunc: run: the id of a container is missing',
    hint: 'choose an id: tsrunc run -b DIR ID',
    cause: 'A container needs a name.',
  },
  {
    name: 'ps without an id',
    provoke: typed('ps'),
    says: 'tsrunc: ps: the id of a container is missing',
    hint: 'tsrunc list lists containers',
    cause: 'ps is about the processes of one container.',
  },
  {
    name: 'an image in place of a bundle',
    provoke: typed('run docker.io/library/alpine'),
    says: 'tsrunc: run docker.io/library/alpine: invalid container ID format: "docker.io/library/alpine"',
    hint: 'an id is a name of your choice, of letters, digits, "_", "+", "-" and "."; it is not the name of an image',
    cause: 'A runtime runs bundles; images are the work of engines.',
  },
  {
    name: 'a program after the id',
    provoke: typed('run {id} sh'),
    says: 'tsrunc: run: too many arguments: "sh"',
    hint: 'the program stands in config.json ("args" of process); tsrunc runs a bundle, not an image',
    cause: 'run takes one argument.',
  },
  {
    name: 'exec -it',
    provoke: typed('exec -it {id} sh'),
    says: 'tsrunc: exec: unknown option -it',
    hint: 'standard input is always connected; -t alone asks for a terminal: tsrunc exec -t ID sh',
    cause: 'There is no -i.',
  },
  {
    name: 'rm',
    provoke: typed('rm {id}'),
    says: 'tsrunc: unknown command "rm"',
    hint: 'tsrunc delete ID removes a container; with --force also one that runs',
    cause: 'The command of podman and docker has another name here.',
  },
  {
    name: 'checkpoint',
    provoke: typed('checkpoint {id}'),
    says: 'tsrunc: checkpoint is not implemented by this version of tsrunc',
    hint: 'tsrunc features says so to programs: org.opencontainers.runc.checkpoint.enabled is false',
    cause: 'Checkpoints are not there yet.',
  },
  {
    name: 'memory that is no number',
    provoke: onCreated('update', '--memory', 'lots', '{id}'),
    says: 'tsrunc: update {id}: --memory "lots": it must be bytes, with k, m or g, or -1',
    hint: 'for example --memory 64m; -1 is no limit',
    cause: 'The value is not a number of bytes.',
  },
  {
    name: 'a signal that does not exist',
    provoke: onCreated('kill', '{id}', 'NOSIG'),
    says: 'tsrunc: kill {id}: unknown signal "NOSIG"',
    hint: 'a name such as TERM, KILL or RTMIN+1, or a number up to 64; kill -l lists them',
    cause: 'The kernel has no signal of that name or number.',
  },
  {
    name: 'a pattern that is no regular expression',
    provoke: typed('--root {bundle}/state delete --regex ['),
    says: 'tsrunc: delete [: --regex "[" is no regular expression',
    hint: "for example '^web-' for all ids that begin with web-",
    cause: 'With --regex the id is a regular expression of JavaScript.',
  },
];

const bundleAndConfig: Row[] = [
  {
    name: 'no bundle here',
    provoke: (b) => execute(RUNTIME, ['run', b.id], { cwd: b.rootfs }),
    says: 'tsrunc: run {id}: cannot read {bundle}/rootfs/config.json: ENOENT: no such file or directory (open {bundle}/rootfs/config.json)',
    hint: '-b DIR names the bundle, a directory with config.json; tsrunc spec -b DIR writes a default one',
    cause: 'The working directory, which is the default bundle, has no config.json.',
  },
  {
    name: 'a bundle that is not there',
    provoke: typed('run -b {bundle}/nowhere {id}'),
    says: 'tsrunc: run {id}: cannot read {bundle}/nowhere/config.json: ENOENT: no such file or directory (open {bundle}/nowhere/config.json)',
    hint: '-b DIR names the bundle, a directory with config.json; tsrunc spec -b DIR writes a default one',
    cause: 'The directory does not exist, or has no config.json.',
  },
  {
    name: 'config.json that is no JSON',
    provoke: (b) => {
      writeFileSync(`${b.directory}/config.json`, '{\n  "root" {}\n}');
      return execute(RUNTIME, b.args('run', b.id), { cwd: b.directory });
    },
    says: 'tsrunc: run {id}: {bundle}/config.json is not JSON (line 2, column 10): "{" cannot stand here',
    hint: 'jq . FILE checks a file, too',
    cause: 'A mistake of syntax, at the line and column that is named.',
  },
  {
    name: 'several faults at once',
    provoke: changed((c) => {
      c.process.cwd = 'x';
      c.hostname = 5;
    }),
    says: 'tsrunc: run {id}: {bundle}/config.json: /process/cwd: cwd is required, and must be an absolute path: found "x" (and 1 more fault)',
    hint: 'tsrunc validate lists them all',
    cause: 'The configuration breaks the specification in more than one place.',
  },
  {
    name: 'no root',
    provoke: changed((c) => delete c.root),
    says: 'tsrunc: run {id}: {bundle}/config.json: /root: root is required on Linux: found nothing',
    hint: 'the rule is in the runtime specification: config.md, Root',
    cause: 'A property that the specification requires is absent.',
  },
  {
    name: 'no process',
    provoke: changed((c) => delete c.process),
    says: 'tsrunc: run {id}: /process: process is required to start a container',
    hint: 'tsrunc spec writes a configuration with one',
    cause: 'create takes a configuration without a process, run and start do not.',
  },
  {
    name: 'no arguments',
    provoke: changed((c) => (c.process.args = [])),
    says: 'tsrunc: run {id}: {bundle}/config.json: /process/args: args is an array with at least one entry: found []',
    hint: 'the rule is in the runtime specification: config.md, Process',
    cause: 'There is no program to run.',
  },
  {
    name: 'a relative working directory',
    provoke: changed((c) => (c.process.cwd = 'work')),
    says: 'tsrunc: run {id}: {bundle}/config.json: /process/cwd: cwd is required, and must be an absolute path: found "work"',
    hint: 'the rule is in the runtime specification: config.md, Process',
    cause: 'Paths in the container begin with /.',
  },
  {
    name: 'a namespace twice',
    provoke: changed((c) => c.linux.namespaces.push({ type: 'pid' })),
    says: 'tsrunc: run {id}: {bundle}/config.json: /linux/namespaces/{}/type: namespaces must not name a type twice: found "pid"',
    hint: 'the rule is in the runtime specification: config-linux.md, Namespaces',
    cause: 'Two entries of linux.namespaces have the same type.',
  },
  {
    name: 'a namespace of no known type',
    provoke: changed((c) => c.linux.namespaces.push({ type: 'moon' })),
    says: 'tsrunc: run {id}: {bundle}/config.json: /linux/namespaces/{}/type: type is one of pid, network, mount, ipc, uts, user, cgroup, time: found "moon"',
    hint: 'the rule is in the runtime specification: config-linux.md, Namespaces',
    cause: 'The type is misspelt: the mount namespace is "mount", the network namespace "network".',
  },
  {
    name: 'a hostname without a uts namespace',
    provoke: changed((c) => (c.linux.namespaces = [{ type: 'mount' }])),
    says: 'tsrunc: run {id}: {bundle}/config.json: /hostname: hostname needs a uts namespace, or it would be the host\'s: found "tsrunc"',
    hint: 'the rule is in the runtime specification: config.md, Hostname',
    cause: "Without a namespace it would change the host's.",
  },
  {
    name: 'a kernel parameter of the host',
    provoke: changed((c) => (c.linux.sysctl = { 'vm.swappiness': '1' })),
    says: 'tsrunc: run {id}: {bundle}/config.json: /linux/sysctl/vm.swappiness: this kernel parameter is in no namespace: it would change the host: found "vm.swappiness"',
    hint: 'the rule is in the runtime specification: config-linux.md, Sysctl',
    cause: 'The parameter belongs to no namespace.',
  },
  {
    name: 'limits that name a resource twice',
    provoke: changed((c) => c.process.rlimits.push(c.process.rlimits[0])),
    says: 'tsrunc: run {id}: {bundle}/config.json: /process/rlimits/1/type: rlimits must not name a resource twice: found "RLIMIT_NOFILE"',
    hint: 'the rule is in the runtime specification: config.md, POSIX process',
    cause: 'Two entries of process.rlimits have the same type.',
  },
  {
    name: 'a version of the specification that is to come',
    provoke: changed((c) => (c.ociVersion = '2.0.0')),
    says: 'tsrunc: run {id}: {bundle}/config.json: /ociVersion: tsrunc knows versions 1.x: found "2.0.0"',
    hint: 'the rule is in the runtime specification: config.md, Specification version',
    cause: 'tsrunc knows the specification up to 1.3.',
  },
  {
    name: 'what this version cannot do',
    provoke: changed((c) => (c.linux.memoryPolicy = { mode: 'MPOL_LOCAL' })),
    says: 'tsrunc: run {id}: {bundle}/config.json: /linux/memoryPolicy: is not supported by this version of tsrunc yet: found {"mode":"MPOL_LOCAL"}',
    hint: 'the rule is in the runtime specification: config-linux.md, Memory policy',
    cause: 'The specification knows it, tsrunc does not yet: it is refused rather than ignored.',
  },
  {
    name: 'an architecture that seccomp does not know',
    provoke: changed(
      (c) => (c.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_PDP11'] }),
    ),
    says: 'tsrunc: run {id}: {bundle}/config.json: /linux/seccomp/architectures/0: an architecture of libseccomp: found "SCMP_ARCH_PDP11"',
    hint: 'the rule is in the runtime specification: config-linux.md, Seccomp',
    cause: 'The name is not one of libseccomp.',
  },
];

const mounts: Row[] = [
  {
    name: 'a root filesystem that is not there',
    provoke: changed((c) => (c.root.path = 'nowhere')),
    says: 'tsrunc: run {id}: root.path {bundle}/nowhere: no such directory: ENOENT: no such file or directory (stat {bundle}/nowhere)',
    hint: 'unpack the root filesystem there, or change "path" of root in config.json; relative, it is below the bundle',
    cause: 'root.path names a directory that does not exist; relative, it is below the bundle.',
  },
  {
    name: 'a root filesystem that is a file',
    provoke: changed((c) => (c.root.path = 'config.json')),
    says: 'tsrunc: run {id}: root.path {bundle}/config.json is not a directory',
    hint: 'unpack the root filesystem there, or change "path" of root in config.json; relative, it is below the bundle',
    cause: 'root.path names a file, perhaps an archive that was not unpacked.',
  },
  {
    name: 'a filesystem that the kernel does not have',
    provoke: mount({ destination: '/x', type: 'nofs', source: 'x' }),
    says: 'tsrunc: run {id}: mount nofs on /x: ENODEV: no such device (fsopen)',
    hint: 'this kernel has no filesystem of type "nofs": /proc/filesystems lists those it has',
    cause: 'The type is misspelt, or its module is not loaded.',
  },
  {
    name: 'an option that the filesystem does not know',
    provoke: mount({ destination: '/x', type: 'tmpfs', source: 'x', options: ['size=moon'] }),
    says: "tsrunc: run {id}: mount tmpfs on /x with size=moon: EINVAL: invalid argument (fsconfig tmpfs: Bad value for 'size')",
    hint: 'the filesystem refuses an option, or misses one: "options" in "mounts" of config.json',
    cause: 'What is no flag is handed to the filesystem, which refuses it.',
  },
  {
    name: 'a bind source that is not there',
    provoke: mount({ destination: '/x', source: '/nowhere', options: ['bind'] }),
    says: 'tsrunc: run {id}: bind /nowhere on /x (bind): ENOENT: no such file or directory (open_tree /nowhere)',
    hint: 'the source /nowhere must exist on the host',
    cause: 'source names a path of the host.',
  },
  {
    name: 'a directory on a file',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/file`, '');
      c.mounts.push({ destination: '/file', source: b.rootfs, options: ['bind'] });
    }),
    says: 'tsrunc: run {id}: bind {bundle}/rootfs on /file (bind): ENOTDIR: not a directory (mount)',
    hint: 'one of {bundle}/rootfs and /file is a directory and the other is a file, or there is a file on the way',
    cause: 'A directory can be mounted on a directory alone, a file on a file.',
  },
  {
    name: 'a file on a directory',
    provoke: changed((c, b) =>
      c.mounts.push({ destination: '/tmp', source: `${b.directory}/config.json`, options: ['bind'] }),
    ),
    says: 'tsrunc: run {id}: bind {bundle}/config.json on /tmp (bind): ENOTDIR: not a directory (mount)',
    hint: 'one of {bundle}/config.json and /tmp is a directory and the other is a file, or there is a file on the way',
    cause: 'A directory can be mounted on a directory alone, a file on a file.',
  },
  {
    name: 'a tmpfs on a file',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/file`, '');
      c.mounts.push({ destination: '/file', type: 'tmpfs', source: 'x' });
    }),
    says: 'tsrunc: run {id}: mount tmpfs on /file: ENOTDIR: not a directory (mount)',
    hint: "/file, or what is above it, is a file in the container's root",
    cause: 'A filesystem can be mounted on a directory alone.',
  },
  {
    name: 'a mount below a file',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/file`, '');
      c.mounts.push({ destination: '/file/below', type: 'tmpfs', source: 'x' });
    }),
    says: 'tsrunc: run {id}: mount tmpfs on /file/below: ENOTDIR: not a directory (openat2)',
    hint: "/file/below, or what is above it, is a file in the container's root",
    cause: 'The image has a file where the mount needs a directory.',
  },
  {
    name: '/proc of the image is a link',
    provoke: changed((_, b) => {
      rmSync(`${b.rootfs}/proc`, { recursive: true });
      symlinkSync('/tmp', `${b.rootfs}/proc`);
    }),
    says: 'tsrunc: run {id}: mount proc on /proc: ELOOP: too many levels of symbolic links (openat2)',
    hint: '/proc of the rootfs is, or leads through, a symbolic link; it must be a directory',
    cause: 'An image must not lead /proc or /sys elsewhere.',
  },
  {
    name: 'overlay without its directories',
    provoke: mount({ destination: '/x', type: 'overlay', source: 'overlay' }),
    says: 'tsrunc: run {id}: mount overlay on /x: EINVAL: invalid argument (fsconfig)',
    hint: 'the filesystem refuses an option, or misses one: "options" in "mounts" of config.json',
    cause: 'An overlay needs lowerdir, and for writing upperdir and workdir.',
  },
  {
    name: 'a mount without a type',
    provoke: mount({ destination: '/x', source: 'x' }),
    says: 'tsrunc: run {id}: {bundle}/config.json: /mounts/{}/type: a mount that is no bind mount needs a type: found nothing',
    hint: 'the rule is in the runtime specification: config.md, Mounts',
    cause: 'Only bind mounts have no type.',
  },
  {
    name: 'a device with a letter for its number',
    provoke: changed((c) => (c.linux.devices = [{ path: '/dev/x', type: 'c', major: 'a', minor: 1 }])),
    says: 'tsrunc: run {id}: {bundle}/config.json: /linux/devices/0/major: a device\'s major number has 12 bits: found "a"',
    hint: 'the rule is in the runtime specification: config-linux.md, Devices',
    cause: 'Numbers of devices are integers.',
  },
];

const processes: Row[] = [
  {
    name: 'a program that is not in $PATH',
    provoke: changed((c) => (c.process.args = ['nothing'])),
    says: 'tsrunc: run {id}: exec: "nothing": executable file not found in $PATH: ENOENT: no such file or directory (execve)',
    hint: 'PATH in "env" of process lists the directories of the image in which it is looked for',
    cause: 'No directory of PATH (in process.env) has it in the root filesystem.',
  },
  {
    name: 'a program that is not there',
    provoke: changed((c) => (c.process.args = ['/bin/nothing'])),
    says: 'tsrunc: run {id}: exec: "/bin/nothing": ENOENT: no such file or directory (statx)',
    hint: '"args" of process names a program in the image',
    cause: 'The path is one in the root filesystem.',
  },
  {
    name: 'a directory for a program',
    provoke: changed((c) => (c.process.args = ['/etc'])),
    says: 'tsrunc: run {id}: exec: "/etc": EACCES: permission denied (execve)',
    hint: 'it must be a file that the user of process may execute: chmod +x in the image',
    cause: 'A directory cannot be executed.',
  },
  {
    name: 'a program without the permission to execute it',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/tool`, '#!/bin/sh\n');
      chmodSync(`${b.rootfs}/tool`, 0o644);
      c.process.args = ['/tool'];
    }),
    says: 'tsrunc: run {id}: exec: "/tool": EACCES: permission denied (faccessat2)',
    hint: 'it must be a file that the user of process may execute: chmod +x in the image',
    cause: 'The file has no x.',
  },
  {
    name: 'a script whose interpreter is missing',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/tool`, '#!/no/such\n');
      chmodSync(`${b.rootfs}/tool`, 0o755);
      c.process.args = ['/tool'];
    }),
    says: 'tsrunc: run {id}: exec: "/tool": its interpreter or loader is missing in the container: ENOENT: no such file or directory (execve /tool)',
    hint: 'a script needs the program of its #! line, a dynamic program its loader: both in the image',
    cause: 'The file is there; what its first line asks for, or the loader of a program that is not static, is not.',
  },
  {
    name: 'a file that is no program',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/tool`, 'text\n');
      chmodSync(`${b.rootfs}/tool`, 0o755);
      c.process.args = ['/tool'];
    }),
    says: 'tsrunc: run {id}: exec: "/tool": ENOEXEC: exec format error (execve /tool)',
    hint: 'it must be a program for this architecture, or a script with a #! line',
    cause: 'It has no #! line, or is made for another architecture.',
  },
  {
    name: 'a working directory that is a file',
    provoke: changed((c, b) => {
      writeFileSync(`${b.rootfs}/file`, '');
      c.process.cwd = '/file';
    }),
    says: 'tsrunc: run {id}: enter /file: ENOTDIR: not a directory (chdir)',
    hint: '"cwd" of process in config.json must be a directory of the image',
    cause: 'process.cwd names a file of the image. A directory that is missing is made.',
  },
  {
    name: 'a limit above the hard one',
    provoke: changed((c) => (c.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 9, hard: 8 }])),
    says: 'tsrunc: run {id}: {bundle}/config.json: /process/rlimits/0/soft: soft must not be above hard, getrlimit(2): found 9',
    hint: 'the rule is in the runtime specification: config.md, POSIX process',
    cause: 'The soft limit cannot be above the hard one.',
  },
  {
    name: 'a resource that has no limit',
    provoke: changed((c) => (c.process.rlimits = [{ type: 'RLIMIT_X', soft: 1, hard: 1 }])),
    says: 'tsrunc: run {id}: {bundle}/config.json: /process/rlimits/0/type: type must be a resource of getrlimit(2): found "RLIMIT_X"',
    hint: 'the rule is in the runtime specification: config.md, POSIX process',
    cause: 'The type is misspelt.',
  },
  {
    name: 'a namespace that is not there',
    provoke: changed(
      (c) => (c.linux.namespaces = [{ type: 'mount' }, { type: 'uts' }, { type: 'pid', path: '/nowhere' }]),
    ),
    says: 'tsrunc: run {id}: open the pid namespace /nowhere: ENOENT: no such file or directory (openat /nowhere)',
    hint: 'the process whose namespace it was has ended, perhaps: "path" in "namespaces" of linux, config.json',
    cause: 'The container whose namespace is to be joined has ended, perhaps.',
  },
  {
    name: 'a namespace of another type',
    provoke: changed(
      (c) =>
        (c.linux.namespaces = [{ type: 'mount' }, { type: 'uts' }, { type: 'network', path: '/proc/self/ns/uts' }]),
    ),
    says: 'tsrunc: run {id}: join the network namespace /proc/self/ns/uts: EINVAL: invalid argument (setns)',
    hint: '/proc/self/ns/uts is no namespace of that type',
    cause: 'type and path do not belong together.',
  },
  {
    name: 'a terminal for what is detached',
    provoke: (b) => {
      b.config.process.terminal = true;
      return b.runAsIs({ flags: ['--detach'] });
    },
    says: 'tsrunc: run {id}: cannot allocate tty if tsrunc will detach without setting console socket',
    hint: '"terminal": false in process of config.json, or --console-socket PATH where somebody listens',
    cause: 'process.terminal needs somebody at its other end.',
  },
  {
    name: 'a hook that is not there',
    provoke: changed((c) => (c.hooks = { createRuntime: [{ path: '/no/hook' }] })),
    says: 'tsrunc: run {id}: run the createRuntime hook /no/hook: ENOENT: no such file or directory (execve)',
    hint: 'look into the hook itself: config.json names it in "hooks"',
    cause: 'path of the hook does not exist (on the host, or for startContainer hooks in the container).',
  },
  {
    name: 'a hook that fails',
    provoke: changed(
      (c) => (c.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo no network >&2; exit 3'] }] }),
    ),
    says: 'tsrunc: run {id}: run the createRuntime hook /bin/sh: it ended with exit status 3, saying: no network',
    hint: 'look into the hook itself: config.json names it in "hooks"',
    cause: 'The hook ended with another status than 0; its last words are told.',
  },
  {
    name: 'a hook that takes too long',
    provoke: changed((c) => (c.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '9'], timeout: 1 }] })),
    says: 'tsrunc: run {id}: run the createRuntime hook /bin/sleep: it took longer than its timeout of 1 s',
    hint: 'look into the hook itself: config.json names it in "hooks"',
    cause: 'The hook was not done within its timeout.',
  },
];

const states: Row[] = [
  {
    name: 'a container that does not exist',
    provoke: (b) => call(b, 'state', 'nobody'),
    says: 'tsrunc: state nobody: container does not exist: nobody',
    hint: 'tsrunc list lists the containers in {root}; --root DIR looks into another place',
    cause: 'It was deleted, has another name, or is kept below another --root.',
  },
  {
    name: 'an id that is taken',
    provoke: onCreated('run', '-b', '.', '{id}'),
    says: 'tsrunc: run {id}: container with given ID already exists: {id}',
    hint: 'tsrunc delete {id} removes it once it has stopped',
    cause: 'A container of that id is there, perhaps one that has ended.',
  },
  {
    name: 'to start a container that runs',
    provoke: onRunning('start', '{id}'),
    says: 'tsrunc: start {id}: cannot start an already running container',
    hint: '{id} is running: tsrunc exec runs another process in it, tsrunc kill ends it',
    cause: 'It has been started before.',
  },
  {
    name: 'to delete a container that runs',
    provoke: onRunning('delete', '{id}'),
    says: 'tsrunc: delete {id}: cannot delete container {id} that is not stopped: running',
    hint: '{id} is running: tsrunc exec runs another process in it, tsrunc kill ends it',
    cause: 'Only what has ended, or has not begun, is deleted.',
  },
  {
    name: 'to resume a container that is not paused',
    provoke: onRunning('resume', '{id}'),
    says: 'tsrunc: resume {id}: container not paused',
    hint: '{id} is running: tsrunc exec runs another process in it, tsrunc kill ends it',
    cause: 'It runs already.',
  },
  {
    name: 'exec in a container that is paused',
    provoke: (b) => {
      onRunning('pause', '{id}')(b);
      const result = call(b, 'exec', b.id, 'true');
      call(b, 'resume', b.id);
      return result;
    },
    says: 'tsrunc: exec {id}: cannot exec in a paused container (use --ignore-paused to override)',
    hint: '{id} is paused: tsrunc resume lets it go on',
    cause: 'A process could not run there before the container is resumed.',
  },
  {
    name: 'exec without a command',
    provoke: onRunning('exec', '{id}'),
    says: 'tsrunc: exec {id}: exec args cannot be empty',
    hint: 'tsrunc exec ID COMMAND, or --process FILE',
    cause: 'There is nothing to run.',
  },
  {
    name: 'exec of a program that is not there',
    provoke: onRunning('exec', '{id}', 'nothing'),
    says: 'tsrunc: exec {id}: exec: "nothing": executable file not found in $PATH: ENOENT: no such file or directory (execve)',
    hint: 'PATH in "env" of process lists the directories of the image in which it is looked for',
    cause: 'No directory of PATH has it in the container.',
  },
  {
    name: 'exec as a user by name',
    provoke: onRunning('exec', '--user', 'nobody', '{id}', 'true'),
    says: 'tsrunc: exec {id}: --user "nobody": it has the form UID or UID:GID, in digits',
    hint: '/etc/passwd of the image has the numbers',
    cause: 'A runtime knows numbers alone; names are in the image.',
  },
  {
    name: 'exec into a cgroup outside of the container',
    provoke: onRunning('exec', '--cgroup', '../x', '{id}', 'true'),
    says: "tsrunc: exec {id}: --cgroup ../x: not below the container's cgroup",
    hint: 'the path is one below the cgroup of the container, without ..',
    cause: 'An exec may go into cgroups below that of the container.',
  },
  {
    name: 'limits that are no JSON',
    provoke: (b) => {
      onRunning('state', '{id}')(b);
      writeFileSync(`${b.directory}/limits`, '{');
      return call(b, 'update', '--resources', 'limits', b.id);
    },
    says: 'tsrunc: update {id}: {bundle}/limits is not JSON (line 1, column 2): it ends too early',
    hint: 'jq . FILE checks a file, too',
    cause: 'The file given with --resources is cut short, or is something else.',
  },
  {
    name: 'a limit that is no number',
    provoke: (b) => {
      onRunning('state', '{id}')(b);
      writeFileSync(`${b.directory}/limits`, '{"pids":{"limit":"x"}}');
      return call(b, 'update', '--resources', 'limits', b.id);
    },
    says: 'tsrunc: update {id}: limits: /linux/resources/pids/limit: limit is a number, -1 for none: found "x"',
    hint: 'the rule is in the runtime specification: config-linux.md, PIDs',
    cause: 'The file breaks the rules for linux.resources.',
  },
  {
    name: 'mounts that are to be nothing known',
    provoke: onRunning('mounts', 'change', '{id}', 'x'),
    says: 'tsrunc: mounts change: the action is add or remove',
    hint: 'tsrunc mounts add ID FILE',
    cause: 'There are two things to do with mounts.',
  },
  {
    name: 'a state file that is damaged',
    provoke: (b) => {
      mkdirSync(`${b.root}/${b.id}`, { recursive: true });
      writeFileSync(`${b.root}/${b.id}/state.json`, '{');
      return call(b, 'state', b.id);
    },
    says: 'tsrunc: state {id}: the state file {root}/{id}/state.json is damaged: it is not whole JSON',
    hint: 'tsrunc delete --force removes the container, if the file still says which process it is',
    cause: 'Something other than tsrunc has written to the file, or the disk was full.',
  },
];

const files: Row[] = [
  {
    name: 'a config.json where spec is to write one',
    provoke: (b) => {
      b.save();
      return execute(RUNTIME, ['spec'], { cwd: b.directory });
    },
    says: 'tsrunc: spec: file {bundle}/config.json exists. Remove it first',
    hint: 'or --file FILE writes to another',
    cause: 'spec never writes over a file.',
  },
  {
    name: 'spec into a directory that is not there',
    provoke: typed('spec -b {bundle}/nowhere'),
    says: 'tsrunc: spec: write {bundle}/nowhere/config.json: ENOENT: no such file or directory (open {bundle}/nowhere/config.json)',
    hint: 'the directory must be there, and writable',
    cause: 'spec makes no directories.',
  },
  {
    name: 'a pid file in a directory that is not there',
    provoke: (b) => {
      b.config.process.args = ['true'];
      return b.runAsIs({ flags: ['--pid-file', `${b.directory}/nowhere/pid`] });
    },
    says: 'tsrunc: run {id}: write the pid file {bundle}/nowhere/pid: ENOENT: no such file or directory (open {bundle}/nowhere/.pid.{})',
    hint: 'its directory must be there, and writable',
    cause: 'The directory of the file does not exist; the container was taken back.',
  },
  {
    name: 'a process of exec from a file that is not there',
    provoke: onRunning('exec', '--process', 'nowhere.json', '{id}'),
    says: 'tsrunc: exec {id}: cannot read {bundle}/nowhere.json: ENOENT: no such file or directory (open {bundle}/nowhere.json)',
    hint: 'paths are relative to the working directory',
    cause: '--process names a file of the host.',
  },
];

/** By the headings of the document. */
export const MESSAGES: Readonly<Record<string, readonly Row[]>> = {
  'The command line': commandLine,
  'The bundle and config.json': bundleAndConfig,
  'The root filesystem and mounts': mounts,
  'Programs, namespaces and hooks': processes,
  'Containers and their states': states,
  Files: files,
};
