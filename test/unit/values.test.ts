// Values of config.json, at every place that the schema knows: ranges of integers, null, zero bytes, names that become part of a
// path.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseJson } from '../../src/oci/json.ts';
import { validate as matchesSchema } from '../../build/validators/config.mjs';
import type { Config } from '../../src/oci/types.ts';
import { validateConfig, validatePart } from '../../src/oci/validate.ts';

type Node = Record<string, any>;
// The limits of 64 bits would be rounded: they come as texts.
const schema = JSON.parse(
  readFileSync('schemas/config.schema.json', 'utf8').replace(/: (-?\d{16,})/g, ': "$1"'),
) as Node;

function resolve(node: Node): Node {
  const reference: string | undefined = node['$ref'] ?? node['allOf']?.[0]['$ref'];
  return reference === undefined ? node : resolve(schema['definitions'][reference.split('/').at(-1) ?? '']);
}

const TEXTS: Record<string, string> = {
  '/ociVersion': '1.3.0',
  '/linux/intelRdt/memBwSchema': 'MB:0=10',
  '/linux/resources/hugepageLimits/0/pageSize': '2MB',
  '/linux/resources/devices/0/access': 'rwm',
};

/** A document with everything in it, and the pointers of what it holds by the kind of it. */
function sample(given: Node, pointer: string, places: Map<string, Node>): unknown {
  const node = resolve(given);
  if (pointer !== '') places.set(pointer, node);
  if (node['enum'] !== undefined) return node['enum'][0];
  switch (node['type']) {
    case 'integer':
      return Math.max(1, Number(node['minimum']));
    case 'boolean':
      return true;
    case 'string':
      return (
        TEXTS[pointer] ?? (/cpu|mem|nodes|initial|final/i.test(pointer) ? '0' : pointer.includes('env') ? 'A=b' : '/x')
      );
    case 'array':
      return node['maxItems'] === 0 ? [] : [sample(node['items'], `${pointer}/0`, places)];
    default: {
      const members = Object.entries((node['properties'] ?? {}) as Record<string, Node>);
      const more = node['additionalProperties'];
      if (typeof more === 'object') members.push([pointer.endsWith('unified') ? 'memory.high' : 'key', more]);
      return Object.fromEntries(members.map(([key, child]) => [key, sample(child, `${pointer}/${key}`, places)]));
    }
  }
}

const PLACES = new Map<string, Node>();
const FULL = sample(schema, '', PLACES) as Node;
// What is /x elsewhere.
FULL['linux'].intelRdt.closID = 'x';
FULL['linux'].resources.network.priorities[0].name = 'eth0';
FULL['linux'].netDevices.key.name = 'eth0';
const faultsOf = (text: string) => {
  const document = parseJson(text, 'test');
  return validateConfig(document.value, document);
};

/** The text of the document with `literal` at the place: no number of JavaScript has a part in it. Undefined: without the place. */
function textWith(pointer: string, literal: string | undefined): string {
  const document = structuredClone(FULL);
  const steps = pointer.split('/').slice(1);
  const last = steps.pop() ?? '';
  const parent = steps.reduce((node, step) => node[step], document);
  if (literal === undefined) delete parent[last];
  else parent[last] = '@@';
  return JSON.stringify(document).replace('"@@"', literal ?? '');
}

t.test('the sample fits the schema', async (t) => {
  t.ok(matchesSchema(FULL));
  t.ok(PLACES.size > 200, `${PLACES.size} places`);
});

/** The places of a kind, one for each definition of the schema. */
function placesOf(type: string): [string, Node][] {
  const seen = new Map<Node, string>();
  for (const [pointer, node] of PLACES)
    if (node['type'] === type && node['enum'] === undefined && !seen.has(node)) seen.set(node, pointer);
  return [...seen].map(([node, pointer]) => [pointer, node]);
}

t.test('every integer has a range, and what is beyond it is named with the range and as it is written', async (t) => {
  const integers = placesOf('integer');
  for (const [pointer, node] of integers) {
    const [lowest, highest] = [BigInt(node['minimum']), BigInt(node['maximum'])];
    const at = async (literal: bigint | string) =>
      (await faultsOf(textWith(pointer, String(literal)))).find((fault) => fault.pointer === pointer);
    const beyond = [lowest - 1n, highest + 1n, 2n ** 64n + 384n, 18446744073709552000n, 10n ** 30n];
    const faults = await Promise.all(beyond.map(at));
    t.same(
      faults.map((fault) => [fault?.rule.includes(String(highest)), fault?.found]),
      beyond.map((wrong) => [true, String(wrong)]),
      pointer,
    );
    for (const right of [lowest, highest])
      t.notMatch(await at(right), { rule: / to \d+\)/, found: String(right) }, `${pointer}: ${right} is inside`);
    for (const notation of ['1e0', '1.0'])
      t.match(await at(notation), { rule: /no point and no exponent/, found: notation }, `${pointer}: as Go`);
  }
  t.ok(integers.length > 40, `${integers.length} integers`);
});

t.test('null is as absent, everywhere', async (t) => {
  const places = [...PLACES.keys()].filter((pointer) => !/\/\d+$/.test(pointer)); // an element of a list is no property
  const different = [];
  for (const pointer of places) {
    const [withNull, without] = await Promise.all(
      [null, undefined].map((is) => faultsOf(textWith(pointer, is === null ? 'null' : is))),
    );
    if (JSON.stringify(withNull) !== JSON.stringify(without)) different.push({ pointer, withNull, without });
  }
  t.same(different, []);
  t.ok(places.length > 150, `${places.length} properties`);
  t.match(await faultsOf(textWith('/process/args/0', 'null')), [{ pointer: '/process/args/0' }], 'not in a list');
});

t.test('no text holds a zero byte but annotations, which no system call gets', async (t) => {
  for (const [pointer] of placesOf('string')) {
    const faults = await faultsOf(textWith(pointer, '"/\\u0000"'));
    t.equal(
      faults.some((fault) => fault.pointer === pointer),
      !pointer.startsWith('/annotations'),
      pointer,
    );
  }
  const named = (await faultsOf('{"ociVersion":"1.0.0","linux":{"sysctl":{"net.\\u0000":"1"}}}')).map(
    ({ rule }) => rule,
  );
  t.match(named, [/zero byte/]);
  t.notMatch(await faultsOf('{"ociVersion":"1.0.0","new":"\\u0000"}'), [{ rule: /zero byte/ }], 'unknown: passed over');
});

t.test('what becomes part of a path or of a line is one name', async (t) => {
  const wrong: [string, unknown, string][] = [
    ['unified', { '../pids.max': '1' }, '/linux/resources/unified/..~1pids.max'],
    ['unified', { '../../../tmp/x': '1' }, '/linux/resources/unified/..~1..~1..~1tmp~1x'],
    ['unified', { '..': '1' }, '/linux/resources/unified/..'],
    ['unified', { 'a/b.c': '1' }, '/linux/resources/unified/a~1b.c'],
    ['unified', { '': '1' }, '/linux/resources/unified/'],
    ['hugepageLimits', [{ pageSize: '../../x', limit: 1 }], '/linux/resources/hugepageLimits/0/pageSize'],
    ['hugepageLimits', [{ pageSize: '2MB/../x', limit: 1 }], '/linux/resources/hugepageLimits/0/pageSize'],
    ['rdma', { '../x': { hcaHandles: 1 } }, '/linux/resources/rdma/..~1x'],
    ['rdma', { 'a hca_handle=9\nb': { hcaHandles: 1 } }, '/linux/resources/rdma/a hca_handle=9\nb'],
    ['network', { priorities: [{ name: 'a b', priority: 1 }] }, '/linux/resources/network/priorities/0/name'],
  ];
  for (const [member, value, pointer] of wrong) {
    const config = { ociVersion: '1.0.0' } as Config;
    const document = parseJson(JSON.stringify({ [member]: value }), 'test');
    const faults = await validatePart(config, '/linux/resources', document);
    t.match(faults, [{ pointer, rule: /name|form/ }], `${member} ${JSON.stringify(value)}`);
  }
  t.match(
    await validatePart(
      { ociVersion: '1.0.0' } as Config,
      '/linux/resources',
      parseJson('{"unified":{"memory.high":"1"}}', ''),
    ),
    [],
  );
});
