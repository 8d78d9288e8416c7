// Owns the completion scripts of shells, made from the same commander objects that parse the command line. Pure.
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Words {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly long: string; readonly short?: string; readonly summary: string }[];
  /** Whether the first argument is the id of a container. */
  readonly takesId: boolean;
}

/** The text of a script that the shell loads: `source <(tsrunc completion bash)`. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.filter((command) => command.name() !== 'help').map(wordsOf);
  return { bash, zsh, fish }[shell](wordsOf(program), commands);
}

function wordsOf(command: Command): Words {
  return {
    name: command.name(),
    summary: command.description(),
    options: command.options
      .filter((option) => !option.hidden && option.long !== undefined && option.long !== null)
      .map((option) => ({
        long: option.long ?? '',
        ...(option.short ? { short: option.short } : {}),
        summary: option.description,
      })),
    takesId: command.registeredArguments[0]?.name() === 'id',
  };
}

const flagsOf = (words: Words): string => words.options.map(({ long }) => long).join(' ');

function bash(program: Words, commands: readonly Words[]): string {
  const cases = commands.map((words) => {
    // create and run take an id that is not there yet.
    const completesId = words.takesId && words.name !== 'create' && words.name !== 'run';
    return `    ${words.name}) flags="${flagsOf(words)}" ids=${completesId ? 1 : 0} ;;`;
  });
  return `# bash completion of tsrunc
_tsrunc() {
  local current=\${COMP_WORDS[COMP_CWORD]} command= flags= ids=0 i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case " ${commands.map(({ name }) => name).join(' ')} " in *" \${COMP_WORDS[i]} "*) command=\${COMP_WORDS[i]}; break ;; esac
  done
  case $command in
${cases.join('\n')}
    *) flags="${flagsOf(program)}" ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$current"))
  elif [[ $ids == 1 ]]; then
    COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" list -q 2>/dev/null)" -- "$current"))
  fi
}
complete -o default -F _tsrunc tsrunc
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(program: Words, commands: readonly Words[]): string {
  const escaped = (text: string) => text.replaceAll(/[[\]:]/g, '\\$&');
  const specs = (words: Words) => words.options.map(({ long, summary }) => quoted(`${long}[${escaped(summary)}]`));
  const cases = commands.map((words) => {
    const id = words.takesId ? ` '1:container:_tsrunc_ids'` : '';
    return `    ${words.name}) _arguments -S ${specs(words).join(' ')}${id} '*:file:_files' ;;`;
  });
  return `#compdef tsrunc
# zsh completion of tsrunc
_tsrunc_ids() { local -a ids=($(tsrunc list -q 2>/dev/null)); compadd -a ids }
_tsrunc() {
  local context state line
  _arguments -C ${specs(program).join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
    command) local -a commands=(${commands.map(({ name, summary }) => quoted(`${name}:${escaped(summary)}`)).join(' ')})
      _describe command commands ;;
    argument) case $line[1] in
${cases.join('\n')}
    esac ;;
  esac
}
if [[ $funcstack[1] == _tsrunc ]]; then _tsrunc "$@"; else compdef _tsrunc tsrunc; fi
`;
}

function fish(program: Words, commands: readonly Words[]): string {
  const lines = ['# fish completion of tsrunc'];
  const option = (condition: string, { long, short, summary }: Words['options'][number]) =>
    `complete -c tsrunc -n ${quoted(condition)} -l ${long.slice(2)}${short ? ` -s ${short.slice(1)}` : ''} -d ${quoted(summary)}`;
  for (const words of program.options) lines.push(option('__fish_use_subcommand', words));
  for (const words of commands) {
    const condition = `__fish_seen_subcommand_from ${words.name}`;
    lines.push(`complete -c tsrunc -f -n __fish_use_subcommand -a ${words.name} -d ${quoted(words.summary)}`);
    if (words.takesId) lines.push(`complete -c tsrunc -f -n ${quoted(condition)} -a '(tsrunc list -q 2>/dev/null)'`);
    for (const entry of words.options) lines.push(option(condition, entry));
  }
  return `${lines.join('\n')}\n`;
}
