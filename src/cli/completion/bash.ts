// Owns the completion script of bash. Needs nothing of the package bash-completion.
import { flagsOf, type OptionWords, type ProgramWords, type Values } from './words.ts';

export function bash({ options, commands }: ProgramWords): string {
  const kinds = [
    ...options.map((option) => kindCase('', option)),
    ...commands.flatMap(({ name, options }) => options.map((option) => kindCase(name, option))),
  ];
  const positions = commands.flatMap(({ name, args }) =>
    args.map((values, i) => (values === 'unknown' ? '' : `    '${name} ${i}') kind=${kindOf(values)} ;;\n`)),
  );
  const flags = commands.map(
    ({ name, options }) => `    ${name}) flags='${options.map(({ long }) => long).join(' ')}' ;;\n`,
  );
  const passing = commands.filter(({ passesThrough }) => passesThrough).map(({ name }) => name);
  return `# bash completion of tsrunc

# What the value of an option is; nothing where it has none.
_tsrunc_value() { # command option
  kind=
  case "$1 $2" in
${kinds.join('')}  esac
}

# What stands at a place: after a command so many arguments.
_tsrunc_argument() { # command count
  kind=
  case "$1 $2" in
${positions.join('')}  esac
}

_tsrunc_flags() { # command
  case $1 in
${flags.join('')}    *) flags='${options.map(({ long }) => long).join(' ')}' ;;
  esac
}

_tsrunc() {
  local current=$2 command= option= count=0 kind= flags= word i
  local -a words=() globals=()
  # bash takes "--format=json" for three words.
  for ((i = 1; i < COMP_CWORD; i++)); do [[ \${COMP_WORDS[i]} == = ]] || words+=("\${COMP_WORDS[i]}"); done
  [[ $current != = ]] || current=
  for word in "\${words[@]}"; do
    if [[ -n $option ]]; then
      [[ -n $command ]] || globals+=("$option" "$word")
      option=
    elif [[ $word == -* ]]; then
      [[ $word != -[!-]?* ]] || word=-$word
      _tsrunc_value "$command" "$word"
      [[ -z $kind ]] || option=$word
    elif [[ -z $command ]]; then
      command=$word
    else
      ((++count))
    fi
  done
  if [[ -n $option ]]; then
    _tsrunc_value "$command" "$option"
  elif [[ $current == -* ]]; then
    case " ${passing.join(' ')} " in *" $command "*) ((count == 0)) || return ;; esac
    _tsrunc_flags "$command"
    kind="words $flags"
  elif [[ -z $command ]]; then
    kind='words ${commands.map(({ name }) => name).join(' ')}'
  else
    _tsrunc_argument "$command" "$count"
  fi
  case $kind in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    ids) mapfile -t COMPREPLY < <(compgen -W "$("\${COMP_WORDS[0]}" "\${globals[@]}" list -q 2>/dev/null)" -- "$current") ;;
    words*) mapfile -t COMPREPLY < <(compgen -W "\${kind#words }" -- "$current") ;;
  esac
}
complete -F _tsrunc tsrunc
`;
}

function kindCase(command: string, option: OptionWords): string {
  if (option.values === undefined) return '';
  const patterns = flagsOf(option).map((flag) => `'${command} ${flag}'`);
  return `    ${patterns.join(' | ')}) kind=${kindOf(option.values)} ;;\n`;
}

function kindOf(values: Values): string {
  return typeof values === 'string' ? values : `'words ${values.join(' ')}'`;
}
