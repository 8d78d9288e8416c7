// Owns the checking of configurations: the schema first, then the rules that a schema cannot say. Gives every fault at once.
import { validate as matchesSchema } from '../../build/validators/config.mjs';
import type { Fault } from '../errors.ts';
import { RULES } from './rules/index.ts';
import type { Config } from './types.ts';

/** Every fault of a configuration; none means that it may be run. */
export async function validateConfig(document: unknown): Promise<Fault[]> {
  const faults = matchesSchema(document) ? [] : (await import('./schema-faults.ts')).configSchemaFaults(document);
  // Rules read the document as its types say. Where it has not even those, what they would say is noise, or a crash.
  if (faults.length > 0 && !tryRules(document)) return faults;
  return merge(
    faults,
    RULES.flatMap((rule) => rule(document as Config)),
  );
}

function tryRules(document: unknown): boolean {
  try {
    for (const rule of RULES) rule(document as Config);
    return true;
  } catch {
    return false;
  }
}

/** A rule that says again what the schema has said of the same place adds nothing. */
function merge(schema: readonly Fault[], rules: readonly Fault[]): Fault[] {
  const places = new Set(schema.map((fault) => fault.pointer));
  return [...schema, ...rules.filter((fault) => !places.has(fault.pointer))];
}
