// The commands that make no container: spec, validate, plan, features, version, help.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import t from 'tap';
import { bundleFor, onlyTsrunc, RUNTIME } from '../support/bundle.ts';
import { call, create, WAITING } from '../support/commands.ts';
import { execute, removeDirectory, temporaryDirectory } from '../support/host.ts';

function matchesSchema(name: string, document: unknown): unknown {
  const schema = JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8')) as object;
  const ajv = new Ajv({ allowUnionTypes: true });
  return ajv.validate(schema, document) ? [] : ajv.errors;
}

t.test('spec writes a configuration that runs, and never over one', async (t) => {
  const directory = temporaryDirectory();
  t.teardown(() => removeDirectory(directory));
  t.equal(execute(RUNTIME, ['spec', '-b', directory]).status, 0);
  const before = readFileSync(`${directory}/config.json`, 'utf8');
  t.same(matchesSchema('config', JSON.parse(before)), []);
  const again = execute(RUNTIME, ['spec', '-b', directory]);
  t.equal(again.status, 1);
  t.match(again.stderr, /config\.json exists\. Remove it first/);
  t.equal(readFileSync(`${directory}/config.json`, 'utf8'), before);
  mkdirSync(`${directory}/rootless`);
  t.equal(execute(RUNTIME, ['spec', '--rootless', '-b', `${directory}/rootless`]).status, 0);
  const rootless = JSON.parse(readFileSync(`${directory}/rootless/config.json`, 'utf8'));
  t.ok(rootless.linux.namespaces.some((n: { type: string }) => n.type === 'user'));
});

t.test('validate', onlyTsrunc('does not have it'), async (t) => {
  const bundle = bundleFor(t);
  bundle.save();
  t.equal(execute(RUNTIME, ['validate', '-b', bundle.directory]).status, 0);
  writeFileSync(`${bundle.directory}/bad.json`, '{"ociVersion":"1.0.0","process":{"cwd":"x","args":["a"]},"linux":{}}');
  const text = execute(RUNTIME, ['validate', '--config', `${bundle.directory}/bad.json`]);
  t.equal(text.status, 1);
  t.match(text.stdout, /\/process\/cwd\n {2}rule: .*\(config\.md, Process\)\n {2}found: "x"/);
  const json = JSON.parse(
    execute(RUNTIME, ['validate', '--format', 'json', '--config', `${bundle.directory}/bad.json`]).stdout,
  );
  t.match(json, { valid: false, faults: [{ pointer: '/process/cwd' }] });
});

t.test('plan changes nothing and needs no root', onlyTsrunc('does not have it'), async (t) => {
  const bundle = bundleFor(t);
  bundle.save();
  for (const path of [bundle.directory, bundle.rootfs]) chmodSync(path, 0o755);
  const result = execute('setpriv', [
    '--reuid',
    '65534',
    '--regid',
    '65534',
    '--clear-groups',
    RUNTIME,
    'plan',
    '-b',
    bundle.directory,
    bundle.id,
  ]);
  t.equal(result.status, 0, result.stderr);
  t.match(result.stdout, /spawnInit +clone init into new namespaces: ipc, uts, network, pid, mount\n/);
  t.match(result.stdout, /mountFs +mount tmpfs on \/dev \(nosuid,strictatime\) with mode=755,size=65536k\n/);
  t.same(bundle.leftovers(), []);
  const json = JSON.parse(execute(RUNTIME, ['plan', '-b', bundle.directory, '--format', 'json']).stdout) as {
    kind: string;
  }[];
  t.equal(json.length, result.stdout.trim().split('\n').length, 'an object for each line');
  const run = execute('setpriv', [
    '--reuid',
    '65534',
    '--regid',
    '65534',
    '--clear-groups',
    RUNTIME,
    'run',
    '-b',
    bundle.directory,
    bundle.id,
  ]);
  t.equal(run.status, 1, 'to run it, privilege is needed');
  t.match(run.stderr, /EACCES: permission denied|EPERM: operation not permitted/);
});

t.test('state and features are what the specification says', onlyTsrunc('its own affair'), async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = WAITING;
  create(bundle);
  t.same(matchesSchema('state', JSON.parse(call(bundle, 'state', bundle.id).stdout)), []);
  t.same(matchesSchema('features', JSON.parse(execute(RUNTIME, ['features']).stdout)), []);
});

t.test('LISTEN_FDS are handed on when they are meant for us', async (t) => {
  const bundle = bundleFor(t);
  bundle.config.process.args = ['sh', '-c', 'cat <&3; echo $LISTEN_FDS $LISTEN_PID'];
  bundle.save();
  writeFileSync(`${bundle.directory}/three`, 'three ');
  const line = (pid: string) =>
    `cd ${bundle.directory}; exec 3<three; export LISTEN_FDS=1 LISTEN_PID=${pid}; exec ${RUNTIME} ${bundle.args('run', bundle.id).join(' ')} 2>/dev/null`;
  t.equal(execute('bash', ['-c', line('$$')]).stdout, 'three 1 1\n');
  t.equal(execute('bash', ['-c', line('1')]).stdout.trim(), '', 'meant for somebody else');
});

t.test('version, features, help', onlyTsrunc('has its own'), async (t) => {
  t.match(
    execute(RUNTIME, ['--version']).stdout,
    /^tsrunc version \S+\ncommit: \S+\nspec: 1\.3\.0\nlibseccomp: \S+\nnode: \S+\n$/,
  );
  const features = JSON.parse(execute(RUNTIME, ['features']).stdout);
  t.match(features, {
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.3.0',
    linux: { cgroup: { v1: true }, seccomp: { enabled: true } },
  });
  t.equal(execute(RUNTIME, ['checkpoint', '--help']).status, 1, 'what is not there is not claimed');
});

t.test('info', onlyTsrunc('does not have it'), async (t) => {
  const info = JSON.parse(execute(RUNTIME, ['info', '--format', 'json']).stdout);
  t.match(info, { spec: '1.3.0', kernel: execute('uname', ['-r']).stdout.trim(), seccomp: true });
  t.match(execute(RUNTIME, ['info']).stdout, /^cgroups +(v1|v2|hybrid)$/m);
});

t.test('the log: file:, and the services of the system', onlyTsrunc('does not have them'), async (t) => {
  const directory = temporaryDirectory();
  t.teardown(() => removeDirectory(directory));
  execute(RUNTIME, ['--log', `file:${directory}/log`, '--log-format', 'json', 'state', 'nix']);
  t.match(JSON.parse(readFileSync(`${directory}/log`, 'utf8')), { level: 'error', msg: /does not exist/ });
  // No journal here: standard error has the failure all the same, and says that the log has not.
  const journal = execute(RUNTIME, ['--log', 'journald:x', 'state', 'nix']);
  t.match(journal, { status: 1, stderr: /container does not exist: nix/ });
  t.notOk(existsSync('journald:x'), 'it is no file');
  if (!existsSync('/run/systemd/journal/socket')) t.match(journal.stderr, /the log cannot be written: ENOENT.*journal/);
});
