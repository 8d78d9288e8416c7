// Compiles schemas/*.schema.json into build/validators/: validators without ajv at run time (standalone code).
//   <name>.mjs      says yes or no, and stops at the first fault: what every start runs, so it is small
//   <name>-all.mjs  lists every fault: loaded once there is one
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import Ajv from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

const KINDS = {
  '': { allErrors: false, messages: false, inlineRefs: false },
  '-all': { allErrors: true, messages: true, inlineRefs: true },
};

/** The words are for people; the code that says yes or no does without. */
function withoutWords(node) {
  if (Array.isArray(node)) return node.map(withoutWords);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).filter(
    ([key, value]) => !(/^(description|title|\$comment)$/.test(key) && typeof value === 'string'),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutWords(value)]));
}

/**
 * Every object of its own that the schema describes becomes a definition, and so a function: one that a document has no use
 * for is never compiled.
 */
function withDefinitions(schema) {
  const definitions = {};
  const visit = (node, isRoot) => {
    if (Array.isArray(node)) return node.map((item) => visit(item, false));
    if (typeof node !== 'object' || node === null) return node;
    const visited = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value, false)]));
    if (isRoot || visited.type !== 'object' || visited.properties === undefined) return visited;
    const name = `part${Object.keys(definitions).length}`;
    definitions[name] = visited;
    return { $ref: `#/definitions/${name}` };
  };
  const root = visit(schema, true);
  return { ...root, definitions: { ...root.definitions, ...definitions } };
}

/**
 * Nor does it need the objects that would describe a fault: half of its size, and with it of what a start must load. That
 * there is one is still said, because a validator asks the one it calls how many it has found.
 */
function withoutErrors(code) {
  return code.replace(/(validate\d+\.errors) = \[\{instancePath.*?\}\];return false;/g, '$1 = [0];return false;');
}

mkdirSync('build/validators', { recursive: true });
for (const name of ['config', 'state', 'features']) {
  const schema = JSON.parse(readFileSync(new URL(`../schemas/${name}.schema.json`, import.meta.url), 'utf8'));
  for (const [suffix, options] of Object.entries(KINDS)) {
    const ajv = new Ajv({ ...options, allowUnionTypes: true, code: { source: true, esm: true, optimize: 2 } });
    // The code asks for one helper by require(); esbuild resolves it when it bundles.
    const isShort = suffix === '';
    const code = standaloneCode(ajv, ajv.compile(isShort ? withDefinitions(withoutWords(schema)) : schema));
    writeFileSync(`build/validators/${name}${suffix}.mjs`, isShort ? withoutErrors(code) : code);
    writeFileSync(
      `build/validators/${name}${suffix}.d.mts`,
      "import type { ValidateFunction } from 'ajv';\nexport const validate: ValidateFunction;\nexport default validate;\n",
    );
  }
}
