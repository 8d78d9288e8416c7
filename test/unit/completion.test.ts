// Every command and option has its place in the completion scripts and in the manual; the pages are pages.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { completionScript } from '../../src/cli/completion/script.ts';
import { wordsOf, type OptionWords } from '../../src/cli/completion/words.ts';
import { wholeProgram } from '../../src/cli/parser.ts';
import { VERBS } from '../../src/cli/verbs.ts';

const words = wordsOf(wholeProgram(), VERBS);
const commands = words.commands.filter(({ name }) => name !== 'help');
const scripts = {
  bash: completionScript('bash', words),
  zsh: completionScript('zsh', words),
  fish: completionScript('fish', words),
};

t.test('completion has every option', async (t) => {
  const has = (text: string, pattern: string, name: string) => t.ok(new RegExp(pattern).test(text), name);
  for (const { long } of words.options) {
    has(scripts.bash, `\\*\\) flags='[^']*${long}\\b`, `bash: ${long}`);
    has(scripts.zsh, `_arguments -C .*${long}[=[]`, `zsh: ${long}`);
    has(scripts.fish, `before_command' -l ${long.slice(2)}\\b`, `fish: ${long}`);
  }
  for (const { name, options } of commands)
    for (const { long } of options) {
      has(scripts.bash, `${name}\\) flags='[^']*${long}\\b`, `bash: ${name} ${long}`);
      has(scripts.zsh, ` ${name}\\) _arguments .*${long}[=[]`, `zsh: ${name} ${long}`);
      has(scripts.fish, `${name}( 0)?' -l ${long.slice(2)}\\b`, `fish: ${name} ${long}`);
    }
  for (const [shell, text] of Object.entries(scripts)) t.notMatch(text, /finish/, `${shell}: nothing that is internal`);
});

t.test('the manual has every command and option', async (t) => {
  const page = (name: string) => readFileSync(`man/${name}.8.md`, 'utf8');
  const mentions = (name: string, options: readonly OptionWords[]) => {
    for (const { long, short } of options.filter(({ long }) => long !== '--help'))
      for (const flag of short === undefined ? [long] : [short, long])
        t.ok(page(name).includes(`**${flag}**`), `${name}: ${flag}`);
  };
  mentions('tsrunc', words.options);
  for (const { name, options } of commands) {
    t.ok(new RegExp(`\\b${name}\\b`).test(page('tsrunc')), `tsrunc: ${name}`);
    mentions(`tsrunc-${name}`, options);
  }
  const pages = readdirSync('man').map((file) => /^tsrunc-(\w+)\.8\.md$/.exec(file)?.[1]);
  t.same(pages.filter((verb) => verb !== undefined).sort(), commands.map(({ name }) => name).sort());
});

t.test('each page has its parts; its title has date and version', async (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const env = { ...process.env, SOURCE_DATE_EPOCH: '86400' };
  const troff = execFileSync(process.execPath, ['scripts/man.mjs', 'man/tsrunc-kill.8.md'], { encoding: 'utf8', env });
  t.ok(troff.startsWith(`.TH "TSRUNC-KILL" "8" "1970-01-02" "tsrunc ${version}"`), troff);
  t.match(troff, /\.nf\n[^]*tsrunc kill box TERM\n[^]*\n\.fi\n/, 'an example as it stands');
  for (const file of readdirSync('man')) {
    const text = readFileSync(`man/${file}`, 'utf8');
    for (const heading of ['NAME', 'SYNOPSIS', 'EXAMPLES', 'SEE ALSO'])
      t.ok(text.includes(`# ${heading}\n`), `${file}: ${heading}`);
  }
});
