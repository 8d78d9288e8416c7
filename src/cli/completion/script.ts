// Owns the choice of a shell: each script is of the same words.
import { bash } from './bash.ts';
import { fish } from './fish.ts';
import type { ProgramWords, Shell } from './words.ts';
import { zsh } from './zsh.ts';

/** The text of a script that the shell loads: `source <(tsrunc completion bash)`. */
export function completionScript(shell: Shell, words: ProgramWords): string {
  return { bash, zsh, fish }[shell](words);
}
