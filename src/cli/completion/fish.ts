// Owns the completion script of fish, complete(1).
import { flagsOf, type CommandWords, type OptionWords, type ProgramWords, type Values } from './words.ts';

export function fish({ options, commands }: ProgramWords): string {
  const valued = [
    ...options.map((option) => valuedCase('', option)),
    ...commands.flatMap(({ name, options }) => options.map((option) => valuedCase(name, option))),
  ];
  return `# fish completion of tsrunc

# The command, and how many arguments it has before the cursor: "kill 1"; "" before the command.
function __tsrunc_place
    set -l command
    set -l count 0
    set -l is_value 0
    for word in (commandline -opc)[2..]
        if test $is_value = 1
            set is_value 0
        else if string match -q -- '-*' $word
            contains -- "$command $word" ${valued.join(' ')}; and set is_value 1
        else if test -z "$command"
            set command $word
        else
            set count (math $count + 1)
        end
    end
    test -n "$command"; and echo "$command $count"
end
function __tsrunc_at
    test (__tsrunc_place; or echo none) = "$argv"
end
function __tsrunc_before_command
    test -z (__tsrunc_place; or echo '')
end
function __tsrunc_in
    string match -q -- "$argv *" (__tsrunc_place)
end
function __tsrunc_ids
    set -l words (commandline -opc)
    set -l globals
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -r --root
                set globals --root $words[(math $i + 1)]
            case '--root=*'
                set globals $words[$i]
        end
    end
    $words[1] $globals list -q 2>/dev/null
end

complete -c tsrunc -f
${options.map((option) => optionLine('__tsrunc_before_command', option)).join('\n')}
${commands.flatMap(commandLines).join('\n')}
`;
}

function commandLines({ name, summary, options, args, passesThrough }: CommandWords): string[] {
  const condition = passesThrough ? `__tsrunc_at ${name} 0` : `__tsrunc_in ${name}`;
  return [
    `complete -c tsrunc -n __tsrunc_before_command -a ${name} -d ${quoted(summary)}`,
    ...args.flatMap((values, i) =>
      values === 'unknown' ? [] : [`complete -c tsrunc -n '__tsrunc_at ${name} ${i}' ${candidates(values)}`],
    ),
    ...options.map((option) => optionLine(condition, option)),
  ];
}

function optionLine(condition: string, { long, short, summary, values }: OptionWords): string {
  const flags = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`;
  const value = values === undefined ? '' : ` -r ${candidates(values)}`;
  return `complete -c tsrunc -n ${quoted(condition)} ${flags}${value} -d ${quoted(summary)}`;
}

function candidates(values: Values): string {
  if (typeof values !== 'string') return `-f -a ${quoted(values.join(' '))}`;
  return {
    ids: "-f -a '(__tsrunc_ids)'",
    files: '-F',
    directories: "-f -a '(__fish_complete_directories)'",
    unknown: '-f',
  }[values];
}

function valuedCase(command: string, option: OptionWords): string {
  return option.values === undefined
    ? ''
    : flagsOf(option)
        .map((flag) => quoted(`${command} ${flag}`))
        .join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
