// Owns the words for what a schema finds: each fault with the rule and the section that the schema carries beside it.
// Loaded only when there is a fault, or a text that values do not tell.
import type { ErrorObject } from 'ajv';
import { validate } from '../../build/validators/config-all.mjs';
import schema from '../../schemas/config.schema.json' with { type: 'json' };
import type { Fault } from '../errors.ts';
import type { Losses } from './json.ts';

const NOTHING = 'nothing';

/** Every fault of a document that the schema of config.json finds: in its values, and in what they do not say of its text. */
export function configSchemaFaults(document: unknown, losses: Losses): Fault[] {
  validate(document);
  const faults = (validate.errors ?? []).filter(isTelling).map((error) => toFault(error, document, losses));
  const places = new Set(faults.map(({ pointer }) => pointer));
  const judged = [...losses.doubtful].flatMap(([pointer, written]) => judge(pointer, written) ?? []);
  return [...faults, ...judged.filter(({ pointer }) => !places.has(pointer))];
}

/** `allOf`, `if`, `$ref` and `propertyNames` repeat what their parts have said. */
function isTelling(error: ErrorObject): boolean {
  return !['allOf', 'if', '$ref', 'propertyNames'].includes(error.keyword);
}

function toFault(error: ErrorObject, document: unknown, losses: Losses): Fault {
  const name = error.propertyName ?? (error.params as { missingProperty?: string }).missingProperty;
  const pointer = error.instancePath + (name === undefined ? '' : `/${escaped(name)}`);
  const place = error.propertyName === undefined ? placeOf(pointer) : nameOf(error.instancePath);
  const value = error.keyword === 'required' ? undefined : (error.propertyName ?? valueAt(document, pointer));
  const written = losses.doubtful.get(pointer) ?? losses.exact.get(pointer)?.toString();
  const rule = place.rule ?? error.message ?? 'is not valid';
  return {
    pointer,
    rule: typeof value === 'number' ? withRange(rule, place.node) : rule,
    section: place.section,
    found: cut(written ?? (value === undefined ? NOTHING : JSON.stringify(value))),
  };
}

/** What the place is refused for by its text; undefined where nothing is wrong, or the schema knows no such place. */
function judge(pointer: string, written: string): Fault | undefined {
  const { node, rule = 'is not valid', section } = placeOf(pointer);
  const fault = (words: string): Fault => ({ pointer, rule: words, section, found: cut(written) });
  if (node === undefined) return undefined;
  // Annotations are for other programs, and reach no system call.
  const isFree = pointer.startsWith('/annotations/');
  if (written.startsWith('"')) return isFree ? undefined : fault('a text or a name cannot hold a zero byte');
  if (node['type'] !== 'integer') return undefined;
  if (!/^-?\d+$/.test(written)) return fault(withRange('an integer has no point and no exponent', node));
  const [lowest, highest] = rangeOf(node);
  const integer = BigInt(written);
  return integer >= lowest && integer <= highest ? undefined : fault(withRange(rule, node));
}

/** The rule, and the numbers that it lets through, where its words do not say them. */
function withRange(rule: string, node: Node | undefined): string {
  if (node?.['type'] !== 'integer') return rule;
  const [lowest, highest] = rangeOf(node);
  return rule.includes(String(highest)) ? rule : `${rule} (${lowest} to ${highest})`;
}

function rangeOf(node: Node): [bigint, bigint] {
  const { minimum, maximum } = node as { minimum: number; maximum: number };
  // The schema's own limits of 64 bits are rounded up, as any reader of JSON does here.
  const isRounded = maximum === 2 ** 63 || maximum === 2 ** 64;
  return [BigInt(minimum), BigInt(maximum) - (isRounded ? 1n : 0n)];
}

type Node = Record<string, unknown>;

/** What the schema says of one place: the nearest description on the way to it, and the nearest section ($comment). */
interface Place {
  /** Undefined for a place that the schema does not know. */
  readonly node: Node | undefined;
  readonly rule: string | undefined;
  readonly section: string;
}

function placeOf(pointer: string): Place {
  // Along the document, since `$ref` cuts the schema's own path short.
  const steps = pointer.split('/').slice(1);
  let place = readPlace(schema as Node, { node: undefined, rule: undefined, section: 'config.md' });
  for (const step of steps) place = readPlace(childSchema(place.node, unescaped(step)), place);
  return place;
}

/** Of the names of an object's members. */
function nameOf(pointer: string): Place {
  const place = placeOf(pointer);
  return readPlace(place.node?.['propertyNames'] as Node | undefined, place);
}

function readPlace(node: Node | undefined, before: Place): Place {
  const { description, $comment } = (node ?? {}) as { description?: string; $comment?: string };
  return { node, rule: description ?? before.rule, section: $comment ?? before.section };
}

function resolve(node: Node): Node {
  let current = node;
  for (let hops = 0; hops < 8; hops++) {
    const all = current['allOf'];
    const reference = current['$ref'] ?? (Array.isArray(all) ? (all[0] as Node)['$ref'] : undefined);
    if (typeof reference !== 'string') return current;
    const name = reference.split('/').at(-1) ?? '';
    current = ((schema.definitions as Record<string, unknown>)[name] ?? {}) as Node;
  }
  return current;
}

function childSchema(parent: Node | undefined, step: string): Node | undefined {
  const resolved = resolve(parent ?? {});
  const properties = resolved['properties'] as Node | undefined;
  const child = properties?.[step] ?? resolved['items'] ?? resolved['additionalProperties'];
  if (typeof child !== 'object' || child === null) return undefined;
  // A definition brings its own words; its section is that of the place where it is used.
  return { ...resolve(child as Node), ...('$comment' in child ? { $comment: child.$comment } : {}) };
}

function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Node)[unescaped(step)];
  }
  return value;
}

function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}

function unescaped(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** As much of a value as a message shows. */
function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
