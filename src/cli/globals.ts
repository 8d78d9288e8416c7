// Owns the options that come before the command, and where they end. Knows no command.
import { Option } from 'commander';

const LOG_LEVELS = ['debug', 'info', 'warning', 'warn', 'error'];
const CGROUP_MANAGERS = ['cgroupfs', 'systemd', 'disabled'];

const LOG = 'Log:';
const HOST = 'Containers and cgroups:';

function makeGlobalOptions(): readonly Option[] {
  const option = (flags: string, description: string) => new Option(flags, description);
  return [
    option('-v, --version', 'print the version'),
    option('-V', 'print the version').hideHelp(),
    option('-r, --root <dir>', 'keep the state of containers here').helpGroup(HOST),
    option('-s, --systemd-cgroup', 'make cgroups through systemd').helpGroup(HOST),
    option('--cgroup-manager <name>', 'who makes cgroups').choices(CGROUP_MANAGERS).helpGroup(HOST),
    option('--rootless <value>', 'accepted; tsrunc sees for itself').choices(['true', 'false', 'auto']).helpGroup(HOST),
    option('--criu <path>', 'ignored').hideHelp(),
    option('-l, --log <file>', 'log to this file, not to standard error; also file:, syslog:, journald:').helpGroup(
      LOG,
    ),
    // Its choices are checked with the other words of the log, and runc's message is kept.
    option('--log-format <text|json>', 'text or json').default('text').helpGroup(LOG),
    option('--log-level <level>', 'debug, or less').choices(LOG_LEVELS).helpGroup(LOG),
    option('--debug', 'log what is done').helpGroup(LOG),
    option('--systemd-log', 'log to the journal, as --log journald:tsrunc').helpGroup(LOG),
  ];
}

let made: readonly Option[] | undefined;

export function globalOptions(): readonly Option[] {
  return (made ??= makeGlobalOptions());
}

export interface Globals {
  /** How many arguments come before the command: global options and their values. */
  readonly count: number;
  /** The first of them that is not an option of ours. */
  readonly unknown?: string;
}

export function readGlobals(argv: readonly string[]): Globals {
  let unknown: string | undefined;
  const result = (count: number): Globals => (unknown === undefined ? { count } : { count, unknown });
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (!argument.startsWith('-')) return result(i);
    const option = findOption(argument);
    if (option === undefined && !ALWAYS_KNOWN.has(argument)) unknown ??= argument;
    if (option?.required === true && takesNext(argument)) i++;
  }
  return result(argv.length);
}

export const countGlobals = (argv: readonly string[]): number => readGlobals(argv).count;

const ALWAYS_KNOWN: ReadonlySet<string> = new Set(['-', '--', '-h', '--help', '-help']);

/** "--root", "-root" (Go's way), "-r", and each with "=value"; "-r/run/x", but "-rooot" is a slip and no value "ooot". */
function findOption(argument: string): Option | undefined {
  const name = argument.replace(/=.*$/s, '').replace(/^--?/, '');
  const isLetter = !argument.startsWith('--') && (name.length === 1 || /^\w[^\w=-]/.test(name));
  return globalOptions().find(({ long, short }) =>
    isLetter ? short === `-${name.charAt(0)}` : name.length > 1 && long === `--${name}`,
  );
}

/** Whether the value is an argument of its own. */
function takesNext(argument: string): boolean {
  return !argument.includes('=') && !/^-\w[^\w-]/.test(argument);
}
