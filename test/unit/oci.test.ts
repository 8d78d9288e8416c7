// Checking of configurations: every fault at once, with pointer, rule and what was found.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Ajv } from 'ajv';
import t from 'tap';
import { LocalCaller } from '../../src/caller/local.ts';
import { defaultSpec } from '../../src/oci/default-spec.ts';
import { parseJson, readJson } from '../../src/oci/json.ts';
import { validateConfig } from '../../src/oci/validate.ts';

const good = () => defaultSpec({ cgroupVersion: 1 }) as Record<string, any>;

t.test('the default configurations are valid', async (t) => {
  t.same(await validateConfig(good()), []);
  t.same(await validateConfig(defaultSpec({ cgroupVersion: 2 })), []);
  t.same(await validateConfig(defaultSpec({ cgroupVersion: 2, rootless: { uid: 1000, gid: 1000 } })), []);
});

t.test('all faults come at once', async (t) => {
  const config = good();
  config['ociVersion'] = 'x';
  config['process'].cwd = 'relative';
  config['process'].rlimits = [{ type: 'RLIMIT_X', soft: 2, hard: 1 }];
  config['linux'].namespaces.push({ type: 'pid' });
  const faults = await validateConfig(config);
  t.same(
    faults.map((fault) => fault.pointer),
    ['/ociVersion', '/process/cwd', '/process/rlimits/0/type', '/process/rlimits/0/soft', '/linux/namespaces/5/type'],
  );
  for (const fault of faults) t.match(fault.section, /^config(-linux)?\.md/);
});

const WRONG: [string, (c: Record<string, any>) => void, string][] = [
  ['a number for text', (c) => (c['hostname'] = 5), '/hostname'],
  ['a missing destination', (c) => c['mounts'].push({ type: 'proc' }), '/mounts/7/destination'],
  ['a fraction', (c) => (c['process'].user.uid = 1.5), '/process/user/uid'],
  ['a negative uid', (c) => (c['process'].user.uid = -1), '/process/user/uid'],
  ['a uid of 33 bits', (c) => (c['process'].user.uid = 2 ** 32), '/process/user/uid'],
  ['a relative mask', (c) => c['linux'].maskedPaths.push('x'), '/linux/maskedPaths/10'],
  ['an unknown propagation', (c) => (c['linux'].rootfsPropagation = 'x'), '/linux/rootfsPropagation'],
  ['a hook with a relative path', (c) => (c['hooks'] = { poststop: [{ path: 'x' }] }), '/hooks/poststop/0/path'],
  [
    'a hook with a timeout of 0',
    (c) => (c['hooks'] = { poststop: [{ path: '/x', timeout: 0 }] }),
    '/hooks/poststop/0/timeout',
  ],
  ['an annotation that is no text', (c) => (c['annotations'] = { a: 1 }), '/annotations/a'],
  ['half of the mappings', (c) => (c['mounts'][0].uidMappings = []), '/mounts/0'],
  [
    'mappings without a user namespace',
    (c) => (c['linux'].uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]),
    '/linux/uidMappings',
  ],
  ['a user namespace without mappings', (c) => c['linux'].namespaces.push({ type: 'user' }), '/linux/uidMappings'],
  [
    'a parameter of the host',
    (c) => (c['linux'].sysctl = { 'vm.overcommit_memory': '1' }),
    '/linux/sysctl/vm.overcommit_memory',
  ],
  [
    'a parameter that climbs',
    (c) => (c['linux'].sysctl = { 'net/../kernel/panic': '1' }),
    '/linux/sysctl/net~1..~1kernel~1panic',
  ],
  [
    'a domain name twice',
    (c) => ((c['domainname'] = 'x'), (c['linux'].sysctl = { 'kernel.domainname': 'y' })),
    '/linux/sysctl/kernel.domainname',
  ],
  [
    'metadata without a listener',
    (c) => (c['linux'].seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' }),
    '/linux/seccomp/listenerMetadata',
  ],
  ['a burst above the quota', (c) => (c['linux'].resources.cpu = { quota: 5, burst: 6 }), '/linux/resources/cpu/burst'],
  ['a device without numbers', (c) => (c['linux'].devices = [{ type: 'c', path: '/dev/x' }]), '/linux/devices/0/major'],
  ['tmpcopyup on proc', (c) => (c['mounts'][0].options = ['tmpcopyup']), '/mounts/0/options'],
  ['a variable without a value', (c) => c['process'].env.push('NOEQ'), '/process/env/2'],
  ['a variable without a name', (c) => c['process'].env.push('=x'), '/process/env/2'],
  ['an empty variable', (c) => c['process'].env.push(''), '/process/env/2'],
  ['a zero byte in an argument', (c) => (c['process'].args = ['a\0b']), '/process/args/0'],
];

t.test('one fault each', async (t) => {
  for (const [name, change, pointer] of WRONG) {
    const config = good();
    change(config);
    const document = parseJson(JSON.stringify(config), name);
    const faults = await validateConfig(document.value, document);
    t.ok(
      faults.some((fault) => fault.pointer === pointer),
      `${name}: ${JSON.stringify(faults)}`,
    );
  }
});

t.test('what is optional: the minimal documents of config.md', async (t) => {
  const root = { path: 'rootfs' };
  t.same(await validateConfig({ ociVersion: '1.0.0', root }), []);
  t.same(await validateConfig({ ociVersion: '1.0.0', root, process: { cwd: '/', args: ['sh'] } }), []);
  t.same(await validateConfig({ ociVersion: '1.0.0', root, process: { cwd: '/', args: ['sh'], user: {} } }), []);
  t.same(await validateConfig({ ociVersion: '1.0.0', root, linux: {} }), []);
  t.same(
    (await validateConfig({ ociVersion: '1.0.0' })).map(({ pointer }) => pointer),
    ['/root'],
    'root is REQUIRED on Linux',
  );
});

t.test('documents that are nothing like a configuration', async (t) => {
  for (const document of [
    null,
    5,
    'x',
    [],
    {},
    { ociVersion: '1.0.0', linux: 3 },
    { ociVersion: '1.0.0', process: [] },
  ])
    t.not((await validateConfig(document)).length, 0, JSON.stringify(document));
});

t.test('the schemas are schemas', async (t) => {
  for (const name of ['config', 'state', 'features']) {
    const schema = JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8')) as object;
    t.doesNotThrow(() => new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema), name);
  }
});

t.test('integers beyond 2^53 are kept exactly, wherever they are', async (t) => {
  const { value, exact } = parseJson(
    '{"a":[1,{"b/c":18446744073709551615}],"d":"12345678901234567890","e":-9223372036854775808,"f":1e3}',
    'x',
  );
  t.same(
    [...exact],
    [
      ['/a/1/b~1c', 18446744073709551615n],
      ['/e', -9223372036854775808n],
    ],
  );
  t.equal((value as { f: number }).f, 1000);
  t.equal(parseJson('{"a":1}', 'x').exact.size, 0);
});

t.test('where JSON is broken', async (t) => {
  const place = (text: string) => {
    try {
      parseJson(text, 'f');
      return 'fine';
    } catch (error) {
      return /\((.*?)\)/.exec((error as Error).message)?.[1];
    }
  };
  t.equal(place('{"a": 1,}'), 'line 1, column 9');
  t.equal(place('{\n  "a": tru,\n}'), 'line 2, column 11');
  t.equal(place('{\n\n'), 'line 3, column 1');
  t.throws(() => readJson('/nowhere/at/all', new LocalCaller(undefined, 0)), /cannot read \/nowhere\/at\/all/);
  const directory = mkdtempSync(`${tmpdir()}/tsrunc-`);
  writeFileSync(`${directory}/x`, '{}');
  t.same(readJson(`${directory}/x`, new LocalCaller(undefined, 0)).value, {});
  rmSync(directory, { recursive: true });
});
