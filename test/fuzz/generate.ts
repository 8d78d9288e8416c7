// Owns the making of values that a schema allows, the odd ones before the usual: what gets behind validation.
import type { Chance } from './random.ts';

export type Schema = Readonly<Record<string, any>>;

/** Strings that are legal nearly everywhere, and that programs stumble over. */
export const WORDS = [
  '',
  'x',
  '/x',
  '/tmp',
  '../x',
  '/../../x',
  'a b',
  'ä€𝄞',
  'x'.repeat(300),
  '__proto__',
  'constructor',
  'toString',
  '%s%n',
  '-1',
  '0',
  '1',
  'null',
  '\n',
  '\u001b[31m',
  '/dev/null',
  '/proc/self/ns/net',
  '/bin/true',
  'PATH=/bin',
  'A=1',
  'ro',
  'rbind',
  'net.ipv4.ip_forward',
  '1.2.0',
];

/** By the end of a property's place: what a generator would not come to by itself. */
const KNOWN: readonly (readonly [RegExp, readonly unknown[]])[] = [
  [/\/linux\/cgroupsPath$/, ['/fuzz-a', 'fuzz-b', '']],
  [/\/root\/path$/, ['rootfs', './rootfs', 'rootfs/']],
  [/\/hooks\/\w+\/\d+\/path$/, ['/bin/true', '/bin/false', '/nosuch']],
  [/\/hooks\/\w+\/\d+\/timeout$/, [1, 2]],
  [/\/process\/args$/, [['true'], ['/bin/true'], ['sh', '-c', 'exit 3'], ['nosuch'], ['']]],
  [/\/process\/cwd$/, ['/', '/tmp', '/nosuch/deep', '/bin/sh', '/proc/self/fd/7']],
  [
    /\/mounts\/\d+\/destination$/,
    ['/', '/mnt', '/mnt/a/b', '/proc', '/dev', '/bin/sh', '/proc/self', '/sys/x', 'mnt', '/..'],
  ],
  [/\/mounts\/\d+\/source$/, ['rootfs', 'config.json', 'tmpfs', 'none', '/nosuch', '/dev/null']],
  [/\/mounts\/\d+\/type$/, ['tmpfs', 'bind', 'proc', 'none', 'nosuchfs', 'mqueue']],
  [
    /\/mounts\/\d+\/options$/,
    [['bind'], ['rbind', 'ro'], ['ro', 'rw', 'size=1m'], ['mode=999'], ['rro'], ['x=y'], ['']],
  ],
  [
    /\/sysctl$/,
    [{ 'net.ipv4.ip_forward': '1' }, { 'kernel.shm_rmid_forced': '0' }, { 'vm.nosuch': '1' }, { 'net.nosuch': '' }],
  ],
  [
    /\/linux\/(maskedPaths|readonlyPaths)$/,
    [['/proc/kcore'], ['/nosuch'], ['/'], ['/bin/sh', '/bin/sh'], ['/proc/..']],
  ],
  [
    /\/linux\/namespaces$/,
    [[], [{ type: 'mount' }], [{ type: 'mount' }, { type: 'pid' }], [{ type: 'user' }, { type: 'mount' }]],
  ],
  [
    /\/uidMappings|\/gidMappings$/,
    [[{ containerID: 0, hostID: 100000, size: 65536 }], [{ containerID: 5, hostID: 0, size: 1 }]],
  ],
];

/** A value for the place `pointer` that the schema allows, as far as it says what it allows. */
export function generate(chance: Chance, root: Schema, schema: Schema, pointer: string, depth = 0): unknown {
  const known = KNOWN.find(([where]) => where.test(pointer));
  if (known !== undefined && chance.isLikely(0.9)) return structuredClone(chance.pick(known[1]));
  if (typeof schema['$ref'] === 'string') {
    const target = schema['$ref']
      .replace(/^#\//, '')
      .split('/')
      .reduce((at: Schema, name: string) => at[name], root);
    return generate(chance, root, target, pointer, depth);
  }
  if (Array.isArray(schema['allOf'])) return generate(chance, root, { ...schema['allOf'][0] }, pointer, depth);
  if (Array.isArray(schema['enum'])) return chance.pick(schema['enum']);
  const type = Array.isArray(schema['type']) ? chance.pick(schema['type'] as string[]) : schema['type'];
  switch (type) {
    case 'boolean':
      return chance.isLikely(0.5);
    case 'integer':
    case 'number':
      return integer(chance, schema);
    case 'array':
      return Array.from({ length: Math.max(schema['minItems'] ?? 0, chance.below(depth > 5 ? 1 : 3)) }, (_, i) =>
        generate(chance, root, schema['items'] ?? {}, `${pointer}/${i}`, depth + 1),
      );
    case 'object':
      return object(chance, root, schema, pointer, depth);
    case 'null':
      return null;
    default:
      return chance.pick(WORDS);
  }
}

function integer(chance: Chance, schema: Schema): number {
  const low = schema['minimum'] ?? -(2 ** 31);
  const high = schema['maximum'] ?? 2 ** 53;
  return chance.pick([low, high, low + 1, high - 1, Math.min(high, Math.max(low, chance.below(2000)))]);
}

function object(chance: Chance, root: Schema, schema: Schema, pointer: string, depth: number): object {
  const properties: Schema = schema['properties'] ?? {};
  const required: readonly string[] = schema['required'] ?? [];
  const made: Record<string, unknown> = {};
  for (const [name, of] of Object.entries(properties)) {
    const isWanted = required.includes(name) || chance.isLikely(depth > 3 ? 0.2 : 0.35);
    if (isWanted) made[name] = generate(chance, root, of as Schema, `${pointer}/${name}`, depth + 1);
  }
  if (typeof schema['additionalProperties'] === 'object' && chance.isLikely(0.5))
    made[chance.pick(WORDS) || 'x'] = generate(chance, root, schema['additionalProperties'], `${pointer}/*`, depth + 1);
  return made;
}

/** Puts a generated value at one property of `document` that the schema knows, at any depth. */
export function enrich(chance: Chance, root: Schema, document: any): void {
  let schema: Schema = root;
  let at = document;
  let pointer = '';
  for (;;) {
    const names = Object.keys(schema['properties'] ?? {});
    if (names.length === 0) return;
    const name = chance.pick(names);
    let next: Schema = schema['properties'][name];
    if (typeof next['$ref'] === 'string')
      next = next['$ref']
        .replace(/^#\//, '')
        .split('/')
        .reduce((found: Schema, part: string) => found[part], root);
    pointer += `/${name}`;
    const isContainer = next['type'] === 'object' && typeof at[name] === 'object' && at[name] !== null;
    if (!isContainer || chance.isLikely(0.15)) {
      at[name] = generate(chance, root, next, pointer);
      return;
    }
    at = at[name];
    schema = next;
  }
}
