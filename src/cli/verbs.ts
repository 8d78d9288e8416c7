// Owns the table of commands: names, arguments, options, and where the work is. program.ts makes commander's objects of it;
// man pages and completions are checked against it.
import { Option } from 'commander';
import { parsePreserveFds } from '../container/descriptors.ts';
import type { Context } from './context.ts';

export type Action = (context: Context, args: readonly string[], options: object) => Promise<number | undefined>;

export interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly args?: string;
  /** Made when the command is called: every option costs a start. */
  readonly options?: () => readonly Option[];
  /** What follows the arguments is for somebody else's parser: no option is taken from it. */
  readonly passesThrough?: boolean;
  /** Not for people: no help, manual or completion names it. */
  readonly isHidden?: boolean;
  readonly load: () => Promise<Action>;
}

const option = (flags: string, description: string) => new Option(flags, description);
const bundle = () => option('-b, --bundle <dir>', 'the bundle, a directory with config.json').default('.');
const format = (...choices: [string, ...string[]]) =>
  option('-f, --format <format>', choices.join(' or ')).choices(choices).default(choices[0]);
/** Options that belong together, under their own heading in the help. */
const group = (heading: string, ...options: Option[]) => options.map((option) => option.helpGroup(`${heading}:`));
/** An option that may come several times. */
const list = (flags: string, description: string) =>
  option(flags, description)
    .default([])
    .argParser((value: string, before: string[]) => [...before, value]);

// exec has other uses for the letters.
const PID_FILE = 'write the process id here';
const CONSOLE_SOCKET = 'a socket that gets the master of the terminal';
const pidFile = () => option('-p, --pid-file <file>', PID_FILE);
const consoleSocket = () => option('-c, --console-socket <path>', CONSOLE_SOCKET);
const pidfdSocket = () => option('--pidfd-socket <path>', 'a socket that gets a pidfd of the process');
const preserveFds = () =>
  option('--preserve-fds <n>', 'hand n more descriptors, from 3 on, to the container').argParser(parsePreserveFds);

const createOptions = () => [
  ...group('Bundle', bundle(), option('-f, --config <file>', 'the configuration, instead of the one of the bundle')),
  ...group('For the caller', pidFile(), consoleSocket(), pidfdSocket(), preserveFds()),
  ...group(
    'Start',
    option('--no-pivot', 'do not use pivot_root, for a rootfs on the initial ramdisk (insecure)'),
    option('--no-new-keyring', 'stay in the session keyring of the caller'),
  ),
];

export const VERBS: readonly Verb[] = [
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    args: '[shell]',
    options: () => [option('--shell <shell>', 'bash, zsh or fish, as the argument')],
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'create',
    summary: 'create a container; start lets its program run',
    args: '<id>',
    options: createOptions,
    load: async () => (await import('./commands/create.ts')).create,
  },
  {
    name: 'delete',
    summary: 'remove what is left of a container',
    args: '<id>',
    options: () => [
      option('-f, --force', 'kill what runs; nothing to delete is fine'),
      option('-r, --regex', 'every container whose id matches'),
    ],
    load: async () => (await import('./commands/delete.ts')).deleteCommand,
  },
  {
    name: 'events',
    summary: 'print statistics and out-of-memory events as JSON lines',
    args: '<id>',
    options: () => [
      option('--interval <duration>', 'time between statistics').default('5s'),
      option('--stats', 'print statistics once'),
    ],
    load: async () => (await import('./commands/events.ts')).events,
  },
  {
    name: 'exec',
    summary: 'run another process in a running container',
    args: '<id> [command...]',
    passesThrough: true,
    options: () => [
      ...group(
        'Process',
        option('-p, --process <file>', 'the process as JSON, instead of command and options'),
        list('-e, --env <variable>', 'add NAME=value to the environment'),
        option('--cwd <directory>', 'working directory in the container'),
        option('-t, --tty', 'with a terminal'),
        option('-d, --detach', 'leave the process running in the background'),
      ),
      ...group(
        'Privileges',
        option('-u, --user <uid[:gid]>', 'user and group, in digits'),
        list('-g, --additional-gids <gid>', 'add a group'),
        list('-c, --cap <capability>', 'add a capability; never inheritable'),
        option('--no-new-privs', 'set no_new_privs'),
        option('--apparmor <profile>', 'the AppArmor profile'),
        option('--process-label <label>', 'the SELinux label'),
      ),
      ...group(
        'For the caller',
        option('--pid-file <file>', PID_FILE),
        option('--console-socket <path>', CONSOLE_SOCKET),
        pidfdSocket(),
        preserveFds(),
      ),
      ...group(
        'Start',
        list('--cgroup <cgroup>', "a cgroup below the container's, on v1 as CONTROLLER:PATH"),
        option('--ignore-paused', 'also where the container is paused'),
        option('--exec-wait-fifo <path>', 'start the program only when this fifo has been written to'),
      ),
    ],
    load: async () => (await import('./commands/exec.ts')).exec,
  },
  {
    name: 'features',
    summary: 'print what this runtime can do, as JSON',
    load: async () => (await import('./commands/features.ts')).features,
  },
  {
    name: 'finish',
    summary: 'end and remove a container whose front has lost its planner, or has waited for its end',
    args: '<id> <created>',
    isHidden: true,
    load: async () => (await import('./commands/finish.ts')).finish,
  },
  {
    name: 'info',
    summary: 'print what the host gives to containers',
    options: () => [format('text', 'json')],
    load: async () => (await import('./commands/info.ts')).info,
  },
  {
    name: 'kill',
    summary: 'send a signal to a container',
    args: '<id> [signal]',
    passesThrough: true,
    options: () => [
      option('-a, --all', 'to every process of the container'),
      option('-r, --regex', 'to every container whose id matches'),
    ],
    load: async () => (await import('./commands/kill.ts')).kill,
  },
  {
    name: 'list',
    summary: 'list containers',
    options: () => [format('table', 'json'), option('-q, --quiet', 'only ids')],
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    name: 'mounts',
    summary: 'add or remove bind mounts of a running container',
    args: '<action> <id> <file>',
    load: async () => (await import('./commands/mounts.ts')).mounts,
  },
  {
    name: 'pause',
    summary: 'stop every process of a container where it stands',
    args: '<id>',
    load: async () => (await import('./commands/pause.ts')).pause,
  },
  {
    name: 'plan',
    summary: 'show what run would do, without doing it',
    args: '[id]',
    options: () => [bundle(), option('--no-pivot', 'plan without pivot_root'), format('text', 'json')],
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  {
    name: 'planner',
    summary: 'stay, and do for later commands what costs them the start of Node',
    options: () => [
      option('--socket <path>', 'listen here instead of /run/tsrunc-planner.sock'),
      option('--idle-timeout <duration>', 'end when nobody has asked for so long, such as 10m'),
    ],
    load: async () => (await import('./commands/planner.ts')).planner,
  },
  {
    name: 'ps',
    summary: 'list the processes of a container',
    args: '<id> [ps-options...]',
    passesThrough: true,
    options: () => [format('table', 'json')],
    load: async () => (await import('./commands/ps.ts')).ps,
  },
  {
    name: 'resume',
    summary: 'let the processes of a paused container go on',
    args: '<id>',
    load: async () => (await import('./commands/resume.ts')).resume,
  },
  {
    name: 'run',
    summary: 'create a container, start it, and wait for its end',
    args: '<id>',
    options: () => [
      ...createOptions(),
      ...group(
        'Start',
        option('-d, --detach', 'leave the container running in the background'),
        option('--keep', 'keep the state of the container when it has ended'),
        option('--no-subreaper', 'do not adopt orphaned processes of the container'),
      ),
    ],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'spec',
    summary: 'write a default config.json',
    options: () => [
      bundle(),
      option('-f, --file <file>', 'write to this file instead of config.json in the bundle'),
      option('--rootless', 'for an unprivileged user'),
    ],
    load: async () => (await import('./commands/spec.ts')).spec,
  },
  {
    name: 'start',
    summary: 'let the program of a created container run',
    args: '<id>',
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    name: 'state',
    summary: 'print the state of a container as JSON',
    args: '<id>',
    load: async () => (await import('./commands/state.ts')).state,
  },
  {
    name: 'update',
    summary: 'change the limits of a container',
    args: '<id>',
    options: () => [
      option('-r, --resources <file>', 'linux.resources as JSON, - for standard input; other options are then ignored'),
      ...group(
        'CPU',
        option('--cpu-period <us>', 'period of the CPU quota, microseconds'),
        option('--cpu-quota <us>', 'CPU time in a period, microseconds'),
        option('--cpu-burst <us>', 'CPU time that may be saved up, microseconds'),
        option('--cpu-share <n>', 'relative CPU weight, 2 to 262144'),
        option('--cpu-idle <n>', '1: only when nobody else wants the CPU'),
        option('--cpu-rt-period <us>', 'realtime period, microseconds'),
        option('--cpu-rt-runtime <us>', 'realtime CPU time in a period, microseconds'),
        option('--cpuset-cpus <list>', 'CPUs such as 0-3,7'),
        option('--cpuset-mems <list>', 'memory nodes such as 0-1'),
      ),
      ...group(
        'Memory',
        option('--memory <bytes>', 'memory limit, with k, m, g; -1 for none'),
        option('--memory-reservation <bytes>', 'memory to keep where others need it'),
        option('--memory-swap <bytes>', 'limit of memory and swap together'),
      ),
      ...group(
        'I/O and tasks',
        option('--blkio-weight <n>', 'relative I/O weight, 10 to 1000'),
        option('--pids-limit <n>', 'number of tasks; -1 for no limit'),
      ),
      option('--l3-cache-schema <schema>', 'not supported').hideHelp(),
      option('--mem-bw-schema <schema>', 'not supported').hideHelp(),
      option('--kernel-memory <bytes>', 'ignored').hideHelp(),
      option('--kernel-memory-tcp <bytes>', 'ignored').hideHelp(),
    ],
    load: async () => (await import('./commands/update.ts')).update,
  },
  {
    name: 'validate',
    summary: 'check a configuration and list every fault',
    options: () => [
      bundle(),
      option('--config <file>', 'check this file instead of the one of the bundle'),
      format('text', 'json'),
    ],
    load: async () => (await import('./commands/validate.ts')).validate,
  },
];
