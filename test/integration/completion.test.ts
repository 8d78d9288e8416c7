// Completion, in a bash that somebody types into. test/unit/completion.test.ts holds that nothing is missing.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { execute, removeDirectory, temporaryDirectory } from '../support/host.ts';

const script = (shell: string) => execute(RUNTIME, ['completion', shell]).stdout;

/** Types lines at a terminal, TAB where it says ~; gives the arguments that arrive, in brackets, one line a call. */
function typed(directory: string, lines: readonly string[]): string[] {
  const bin = `${directory}/bin`;
  mkdirSync(bin);
  writeFileSync(`${bin}/completion`, script('bash'));
  // `list -q` is what the script itself asks for.
  const stub = `#!/bin/sh\nfor a; do [ "$a" = -q ] && exec ${RUNTIME} "$@"; done\nprintf 'GOT '; printf '[%s]' "$@"; echo\n`;
  writeFileSync(`${bin}/tsrunc`, stub);
  chmodSync(`${bin}/tsrunc`, 0o755);
  const input = ['PS1=', `PATH=${bin}:$PATH`, `source ${bin}/completion`, ...lines, 'exit', ''].join('\n');
  const args = ['-qec', 'bash --norc --noprofile -i', '/dev/null'];
  const { stdout } = execute('script', args, { cwd: directory, input: input.replaceAll('~', '\t') });
  return [...stdout.matchAll(/GOT (.*?)\r?$/gm)].map(([, words = '']) => words);
}

t.test('bash completes what is typed', onlyTsrunc('has its own'), async (t) => {
  const directory = temporaryDirectory();
  t.teardown(() => removeDirectory(directory));
  for (const id of ['boxes', 'other']) mkdirSync(`${directory}/root/${id}`, { recursive: true });
  mkdirSync(`${directory}/a dir`);
  writeFileSync(`${directory}/my.json`, '{}');
  const cases: [string, string][] = [
    ['tsrunc kil~x', '[kill][x]'],
    ['tsrunc fini~', '[fini]'], // not for people
    ['tsrunc run --kee~x', '[run][--keep][x]'],
    ['tsrunc run -b a~ x', '[run][-b][a dir/][x]'],
    ['tsrunc run --bundle a~ x', '[run][--bundle][a dir/][x]'],
    ['tsrunc run -f m~x', '[run][-f][my.json][x]'],
    ['tsrunc run o~', '[run][o]'], // the id is a new one
    ['tsrunc list --format=js~', '[list][--format=json]'],
    ['tsrunc list -f ta~', '[list][-f][table]'],
    ['tsrunc --log-format te~list', '[--log-format][text][list]'],
    ['tsrunc --log-level deb~list', '[--log-level][debug][list]'],
    ['tsrunc --cgroup-manager sy~list', '[--cgroup-manager][systemd][list]'],
    ['tsrunc --rootless au~list', '[--rootless][auto][list]'],
    ['tsrunc --root root kill b~TER~', '[--root][root][kill][boxes][TERM]'],
    ['tsrunc -root=root kill b~SIGTER~', '[-root=root][kill][boxes][SIGTERM]'],
    ['tsrunc -r root mounts ad~oth~m~', '[-r][root][mounts][add][other][my.json]'],
    ['tsrunc -r root state oth~', '[-r][root][state][other]'],
    ['tsrunc -r root exec --cap CAP_SYS_BO~oth~m~', '[-r][root][exec][--cap][CAP_SYS_BOOT][other][m]'],
    ['tsrunc exec x --deta~', '[exec][x][--deta]'], // the command's own
    ['tsrunc help upd~', '[help][update]'],
    ['tsrunc completion fi~', '[completion][fish]'],
  ];
  const found = typed(
    directory,
    cases.map(([line]) => line),
  );
  for (const [i, [line, words]] of cases.entries()) t.equal(found[i], words, line);
});

t.test('shells read the scripts', onlyTsrunc('has its own'), async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    if (execute('sh', ['-c', `command -v ${shell}`]).status !== 0) continue; // one that is not here
    t.match(execute(shell, ['-n'], { input: script(shell) }), { status: 0, stderr: '' }, shell);
  }
  t.match(execute(RUNTIME, ['completion', 'csh']), { status: 1, stderr: /it is bash, zsh, fish/ });
});
