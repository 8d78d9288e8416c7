// tsrunc validate: every fault of a configuration at once.
import type { Fault } from '../../errors.ts';
import { readJson } from '../../oci/json.ts';
import { validateConfig } from '../../oci/validate.ts';
import type { Context } from '../context.ts';

export async function validate(context: Context, _args: readonly string[], options: object): Promise<number> {
  const { bundle, config, format } = options as { bundle: string; config?: string; format: 'text' | 'json' };
  const path = config ?? `${bundle}/config.json`;
  const document = readJson(context.caller.resolve(path), context.caller);
  const faults = await validateConfig(document.value, document);
  context.caller.print(
    1,
    format === 'json'
      ? `${JSON.stringify({ file: path, valid: faults.length === 0, faults }, null, 2)}\n`
      : text(path, faults),
  );
  return faults.length === 0 ? 0 : 1;
}

function text(path: string, faults: readonly Fault[]): string {
  if (faults.length === 0) return `${path}: valid\n`;
  const lines = faults.flatMap(({ pointer, rule, section, found }) => [
    pointer === '' ? '(the document)' : pointer,
    `  rule:  ${rule} (${section})`,
    `  found: ${found}`,
  ]);
  return `${path}: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}\n${lines.join('\n')}\n`;
}
