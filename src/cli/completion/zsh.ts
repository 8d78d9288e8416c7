// Owns the completion script of zsh, zshcompsys(1).
import { type CommandWords, type OptionWords, type ProgramWords, type Values } from './words.ts';

export function zsh({ options, commands }: ProgramWords): string {
  const names = commands.map(({ name, summary }) => quoted(`${name}:${escaped(summary)}`));
  return `#compdef tsrunc
# zsh completion of tsrunc
_tsrunc_ids() {
  local -a ids=(\${(f)"$(tsrunc $globals list -q 2>/dev/null)"})
  compadd -a ids
}
_tsrunc() {
  local context state line curcontext=$curcontext
  local -a globals
  typeset -A opt_args
  _arguments -C ${options.flatMap(optionSpecs).join(' ')} '1:command:->command' '*::argument:->argument'
  local root
  for root in -r --root; do (( $+opt_args[$root] )) && globals=(--root $opt_args[$root]); done
  case $state in
    command) local -a commands=(${names.join(' ')})
      _describe command commands ;;
    argument) case $line[1] in
${commands.map(commandCase).join('\n')}
    esac ;;
  esac
}
if [[ $funcstack[1] == _tsrunc ]]; then _tsrunc "$@"; else compdef _tsrunc tsrunc; fi
`;
}

function commandCase({ name, options, args, passesThrough }: CommandWords): string {
  const places = args.map((values, i) => quoted(`${i + 1}:${placeName(values)}:${action(values)}`));
  // -A "-*": no options after the first argument.
  const specs = [passesThrough ? "-S -A '-*'" : '-S', ...options.flatMap(optionSpecs), ...places];
  return `    ${name}) _arguments ${specs.join(' ')} ;;`;
}

function optionSpecs({ long, short, summary, values, repeats }: OptionWords): string[] {
  const value = values === undefined ? '' : `:${placeName(values)}:${action(values)}`;
  const text = `[${escaped(summary)}]${value}`;
  const equals = values === undefined ? '' : '=';
  if (short === undefined) return [quoted(`${repeats ? '*' : ''}${long}${equals}${text}`)];
  const both = repeats ? '*' : `(${short} ${long})`;
  return [quoted(`${both}${short}${text}`), quoted(`${both}${long}${equals}${text}`)];
}

function placeName(values: Values): string {
  return { ids: 'container', files: 'file', directories: 'directory' }[values as string] ?? 'value';
}

function action(values: Values): string {
  if (typeof values !== 'string') return `(${values.join(' ')})`;
  return { ids: '_tsrunc_ids', files: '_files', directories: '_files -/', unknown: ' ' }[values];
}

const escaped = (text: string): string => text.replaceAll(/[[\]:]/g, '\\$&');
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
