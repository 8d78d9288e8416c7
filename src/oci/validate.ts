// Owns the checking of configurations: the schema first, then the rules that a schema cannot say. Gives every fault at once.
import { validate as matchesSchema } from '../../build/validators/config.mjs';
import type { Fault } from '../errors.ts';
import { NO_LOSSES, type JsonDocument, type Losses } from './json.ts';
import { RULES } from './rules/index.ts';
import type { Config } from './types.ts';

/** Every fault of a configuration; none means that it may be run. */
export async function validateConfig(document: unknown, losses: Losses = NO_LOSSES): Promise<Fault[]> {
  const isSound = losses.doubtful.size === 0 && matchesSchema(document);
  const faults = isSound ? [] : (await import('./schema-faults.ts')).configSchemaFaults(document, losses);
  // Rules read the document as its types say. Where it has not even those, what they would say is noise, or a crash.
  if (faults.length > 0 && !tryRules(document)) return faults;
  return merge(
    faults,
    RULES.flatMap((rule) => rule(document as Config)),
  );
}

/** The parts of a configuration that come alone, too. */
export type Part = '/process' | '/linux/resources' | '/mounts';

/** Every fault of a document that stands for one part of `config`: it is checked in the place that it has there. */
export async function validatePart(config: Config, part: Part, document: JsonDocument): Promise<Fault[]> {
  const whole = placed(config, part.split('/').slice(1), document.value);
  const faults = await validateConfig(whole, {
    exact: below(part, document.exact),
    doubtful: below(part, document.doubtful),
  });
  return faults.filter(({ pointer }) => pointer.startsWith(part));
}

function placed(node: object | undefined, [step = '', ...rest]: readonly string[], value: unknown): object {
  const child = (node as Record<string, object | undefined> | undefined)?.[step];
  return { ...node, [step]: rest.length === 0 ? value : placed(child, rest, value) };
}

function below<T>(part: Part, places: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...places].map(([pointer, value]) => [part + pointer, value]));
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
