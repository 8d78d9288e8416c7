// Owns the words for what a schema finds: each fault with the rule and the section that the schema carries beside it.
// Loaded only when there is a fault.
import type { ErrorObject } from 'ajv';
import { validate } from '../../build/validators/config-all.mjs';
import schema from '../../schemas/config.schema.json' with { type: 'json' };
import type { Fault } from '../errors.ts';

const NOTHING = 'nothing';

/** Every fault of a document that the schema of config.json finds. */
export function configSchemaFaults(document: unknown): Fault[] {
  validate(document);
  return (validate.errors ?? []).filter(isTelling).map((error) => toFault(error, document));
}

/** `allOf`, `if` and `$ref` repeat what their parts have said. */
function isTelling(error: ErrorObject): boolean {
  return !['allOf', 'if', '$ref'].includes(error.keyword);
}

function toFault(error: ErrorObject, document: unknown): Fault {
  const missing =
    error.keyword === 'required' ? `/${(error.params as { missingProperty: string }).missingProperty}` : '';
  const { rule, section } = wordsFor(error);
  const value = missing === '' ? valueAt(document, error.instancePath) : undefined;
  return {
    pointer: error.instancePath + missing,
    rule: rule ?? error.message ?? 'is not valid',
    section,
    found: value === undefined ? NOTHING : shown(value),
  };
}

/** The nearest description on the way to the fault, and the nearest section ($comment). */
function wordsFor(error: ErrorObject): { rule: string | undefined; section: string } {
  let rule: string | undefined;
  let section = 'config.md';
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const words = node as { description?: unknown; $comment?: unknown };
    if (typeof words.description === 'string') rule = words.description;
    if (typeof words.$comment === 'string') section = words.$comment;
  };
  let node: unknown = schema;
  visit(node);
  // Along the document, since `$ref` cuts the schema's own path short.
  for (const step of error.instancePath.split('/').slice(1)) {
    node = childSchema(node, step);
    visit(node);
  }
  if (error.keyword === 'required')
    visit(childSchema(node, (error.params as { missingProperty: string }).missingProperty));
  return { rule, section };
}

type Node = Record<string, unknown>;

function resolve(node: unknown): Node {
  let current = (node ?? {}) as Node;
  for (let hops = 0; hops < 8; hops++) {
    const all = current['allOf'];
    const reference = current['$ref'] ?? (Array.isArray(all) ? (all[0] as Node)['$ref'] : undefined);
    if (typeof reference !== 'string') return current;
    const name = reference.split('/').at(-1) ?? '';
    current = ((schema.definitions as Record<string, unknown>)[name] ?? {}) as Node;
  }
  return current;
}

function childSchema(node: unknown, step: string): unknown {
  const parent = resolve(node);
  const properties = parent['properties'] as Node | undefined;
  const child = (properties?.[step] ?? parent['items'] ?? parent['additionalProperties'] ?? {}) as Node;
  // A definition brings its own words; its section is that of the place where it is used.
  return { ...resolve(child), ...('$comment' in child ? { $comment: child['$comment'] } : {}) };
}

function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Node)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}

/** A value as a message shows it: JSON, cut short. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
