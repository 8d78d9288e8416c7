// Owns what people type who know podman or docker, and what they want then. For hints alone: nothing here is accepted. Pure.

const IMAGES =
  'tsrunc knows no images: it runs bundles, a root filesystem beside a config.json, which podman, docker and umoci make of them';
const HIGHER = 'tsrunc runs single containers from bundles; this is the work of podman, docker or containerd above it';

const words = (names: string, hint: string): [string, string][] => names.split(' ').map((name) => [name, hint]);

/** Commands that are not tsrunc's: what is meant by them here. */
export const FOREIGN_COMMANDS: ReadonlyMap<string, string> = new Map([
  ...words('rm remove', 'tsrunc delete ID removes a container; with --force also one that runs'),
  ...words('stop', 'tsrunc kill ID TERM asks a container to end, tsrunc delete ID removes what is left'),
  ...words('restart', 'tsrunc delete --force ID ends it, tsrunc run -b DIR ID makes it again'),
  ...words('ls', 'tsrunc list lists containers'),
  ...words('top', 'tsrunc ps ID lists the processes of a container'),
  ...words('stats', 'tsrunc events --stats ID prints statistics once, tsrunc events ID every 5 s'),
  ...words('unpause', 'tsrunc resume ID lets the processes of a paused container go on'),
  ...words('inspect', 'tsrunc state ID prints the state as JSON; the configuration is config.json of its bundle'),
  ...words('logs', 'tsrunc keeps no output: a container writes to the streams of the command that made it'),
  ...words('attach', 'a container has the streams of the command that made it; tsrunc exec -t ID sh is a shell in it'),
  ...words('wait', 'tsrunc run waits in the foreground; of a detached container tsrunc state ID tells the status'),
  ...words('cp diff mount', 'the root filesystem is a directory of the host: tsrunc state ID names it as rootfs'),
  ...words('port network volume pod compose kube play system machine container rename generate healthcheck', HIGHER),
  ...words('image images rmi pull push build load save import export commit tag search history login logout', IMAGES),
  ...words('version', 'tsrunc --version'),
  ...words('config init', 'tsrunc spec -b DIR writes a default config.json'),
]);

/** What the specification's runtimes can do and this one cannot: said in words, so that nobody looks for a slip. */
export const NOT_IMPLEMENTED: ReadonlySet<string> = new Set(['checkpoint', 'restore']);

const inConfig = (what: string) => `config.json has this, in ${what}; tsrunc spec writes a first one`;

const ALWAYS_CONNECTED = 'standard input is always connected';

const CREATE: [string, string][] = [
  ...words('i interactive', `${ALWAYS_CONNECTED}; config.json asks for a terminal, in "terminal" of process`),
  ...words('t tty', inConfig('"terminal" of process')),
  ...words('name', 'the id is the argument after the options: tsrunc run -b DIR ID'),
  ...words('v volume mount tmpfs', inConfig('"mounts"')),
  ...words('e env env-file', inConfig('"env" of process')),
  ...words('w workdir', inConfig('"cwd" of process')),
  ...words('u user group-add', inConfig('"user" of process')),
  ...words('entrypoint', inConfig('"args" of process')),
  ...words('cap-add cap-drop privileged', inConfig('"capabilities" of process')),
  ...words('security-opt', inConfig('"seccomp" of linux, "apparmorProfile" of process')),
  ...words('ulimit', inConfig('"rlimits" of process')),
  ...words('hostname', inConfig('"hostname"')),
  ...words('label annotation', inConfig('"annotations"')),
  ...words('read-only rootfs', inConfig('"root"')),
  ...words('device', inConfig('"devices" of linux')),
  ...words('sysctl', inConfig('"sysctl" of linux')),
  ...words('m memory cpus cpu-shares cpuset-cpus pids-limit', inConfig('"resources" of linux')),
  ...words('net network pid ipc uts userns', inConfig('"namespaces" of linux')),
  ...words('P publish publish-all dns add-host', 'tsrunc makes a network namespace, but no network in it'),
  ...words('restart init pull platform', HIGHER),
];

/** Options that are not the command's: what is meant by them there. */
const FOREIGN_OPTIONS: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  run: new Map([
    ...CREATE,
    ...words('rm', 'a container in the foreground is removed when it has ended; --keep keeps it'),
  ]),
  create: new Map([...CREATE, ...words('rm', 'tsrunc delete ID removes the container once it has ended')]),
  exec: new Map([
    ...words('i interactive', `${ALWAYS_CONNECTED}; -t alone asks for a terminal: tsrunc exec -t ID sh`),
    ...words('w workdir', '--cwd DIR'),
    ...words('privileged', '--cap CAP_NAME adds a capability'),
    ...words('env-file', '--env NAME=value adds a variable'),
  ]),
  start: new Map(
    words(
      'a attach i interactive',
      'a container has the streams of the command that made it; tsrunc run stays in the foreground',
    ),
  ),
  kill: new Map(words('s signal', 'the signal stands after the id: tsrunc kill ID KILL')),
  delete: new Map([
    ...words('a all', '--regex . means all containers'),
    ...words('i ignore', 'with --force nothing to delete is fine'),
    ...words('t time', 'tsrunc kill ID TERM first asks it to end'),
  ]),
  list: new Map([
    ...words('a all', 'those that have ended are listed, too'),
    ...words('n last l latest filter no-trunc', 'every container is listed, whole; --format json is for jq(1)'),
  ]),
  ps: new Map(
    words('a all q quiet filter', 'ps is about the processes of one container; tsrunc list lists containers'),
  ),
  state: new Map(words('f format', 'the state is always JSON, for jq(1)')),
  update: new Map(words('cpus', '--cpu-quota and --cpu-period: of 100000 us each 50000 are half a CPU')),
};

/** A hint for an option, or for the first letter in a cluster such as "-it" that has one. */
export function habitOf(command: string, flag: string): string | undefined {
  const known = FOREIGN_OPTIONS[command];
  const name = flag.replace(/=.*$/s, '');
  if (name.startsWith('--')) return known?.get(name.slice(2));
  return [...name.slice(1)].map((letter) => known?.get(letter)).find((hint) => hint !== undefined);
}

/** More arguments than the command has. */
export const TOO_MANY: Readonly<Record<string, string>> = {
  run: 'the program stands in config.json ("args" of process); tsrunc runs a bundle, not an image',
  create: 'the program stands in config.json ("args" of process); tsrunc runs a bundle, not an image',
  delete: 'one container at a time; --regex deletes all whose ids match',
  start: 'one container at a time',
};
