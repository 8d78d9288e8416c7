// The schema of config.json against the types that its readers go by: what one requires the other must not leave out.
import { readFileSync } from 'node:fs';
import t from 'tap';
import ts from 'typescript';

type Node = Record<string, any>;
const schema = JSON.parse(readFileSync('schemas/config.schema.json', 'utf8')) as Node;

function resolve(node: Node): Node {
  const reference: string | undefined = node['$ref'] ?? node['allOf']?.[0]['$ref'];
  return reference === undefined ? node : resolve(schema['definitions'][reference.split('/').at(-1) ?? '']);
}

/** What the schema takes and no reader wants: other systems, and what config.md gives to Windows. */
const UNREAD = /^\/(solaris|windows|vm|zos|freebsd|process\/(commandLine|user\/username))$/;

t.test('schema and types name the same properties, and require the same', async (t) => {
  const program = ts.createProgram(['src/oci/types.ts'], {
    strict: true,
    noEmit: true,
    lib: ['lib.es5.d.ts'],
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile('src/oci/types.ts');
  if (source === undefined) throw new Error('no types.ts');
  const symbol = checker
    .getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol)
    .find((s) => s.name === 'Config');
  let count = 0;
  const compare = (given: Node, type: ts.Type, pointer: string): void => {
    const node = resolve(given);
    count++;
    const kind = node['type'];
    if (kind === 'integer') return void t.ok(type.flags & ts.TypeFlags.Number, `${pointer} is a number`);
    if (kind === 'boolean')
      return void t.ok(type.flags & (ts.TypeFlags.Boolean | ts.TypeFlags.Union), `${pointer} is a boolean`);
    if (kind === 'string')
      return void t.equal(checker.getTypeArguments(type as ts.TypeReference).length, 0, `${pointer} is a text`);
    if (kind === 'array')
      return compare(node['items'], checker.getIndexTypeOfType(type, ts.IndexKind.Number) as ts.Type, `${pointer}/0`);
    const properties = (node['properties'] ?? {}) as Record<string, Node>;
    const indexed = checker.getIndexTypeOfType(type, ts.IndexKind.String);
    if (typeof node['additionalProperties'] === 'object')
      return compare(node['additionalProperties'], indexed as ts.Type, `${pointer}/*`);
    const members = new Map(checker.getPropertiesOfType(type).map((member) => [member.name, member]));
    if (indexed !== undefined) {
      for (const [name, child] of Object.entries(properties)) compare(child, indexed, `${pointer}/${name}`);
      return;
    }
    const names = Object.keys(properties).filter((name) => !UNREAD.test(`${pointer}/${name}`));
    t.same([...members.keys()].sort(), names.sort(), `${pointer}: the same properties`);
    for (const [name, member] of members) {
      const isOptional = (member.flags & ts.SymbolFlags.Optional) !== 0;
      t.equal(!isOptional, (node['required'] ?? []).includes(name), `${pointer}/${name}: the same requirement`);
      const memberType = checker.getNonNullableType(checker.getTypeOfSymbol(member));
      compare(properties[name] ?? {}, memberType, `${pointer}/${name}`);
    }
  };
  compare(schema, checker.getDeclaredTypeOfSymbol(symbol as ts.Symbol), '');
  t.ok(count > 200, `${count} places`);
});
