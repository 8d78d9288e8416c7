// The fuzz of every verb: documents that are valid and odd, or damaged, for configurations, processes, resources and states.
// Usage: main CASES SEED, inside the namespaces that scripts/fuzz makes. A case that fails is kept with what it was made of.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { enrich, type Schema } from './generate.ts';
import { judge } from './judge.ts';
import { bytesOf, damage } from './mutate.ts';
import { Chance } from './random.ts';
import { World, type Outcome } from './world.ts';

const [cases = 2000, seed = 1] = process.argv.slice(2).map(Number);
const FAILURES = 'build/fuzz-failures';
const schema: Schema = JSON.parse(readFileSync('schemas/config.schema.json', 'utf8'));
const world = new World();
const counts = { passed: 0, failed: 0, ran: 0, refused: 0 };

const base = (() => {
  world.call(['spec', '-b', world.bundle], { isWarm: false });
  const config = JSON.parse(readFileSync(`${world.bundle}/config.json`, 'utf8'));
  config.process.terminal = false;
  config.process.args = ['true'];
  return config;
})();

function copy(change: (config: any) => void = () => undefined): any {
  const config = structuredClone(base);
  change(config);
  return config;
}

const sleeping = JSON.stringify(copy((config) => (config.process.args = ['sleep', '1000000'])));
const LIVE = 'fuzz-live';
let liveState = '';

function freshLive(): void {
  writeFileSync(`${world.bundle}/config.json`, sleeping);
  world.live(LIVE);
  liveState = readFileSync(`${world.root}/${LIVE}/state.json`, 'utf8');
  world.remember();
}

/** Valid and odd; sometimes damaged, seldom beyond JSON. */
function document(chance: Chance, value: any, of: Schema): Buffer {
  for (let i = chance.below(4); i > 0; i--) enrich(chance, of, value);
  damage(chance, value, chance.isLikely(0.35) ? 1 + chance.below(3) : 0);
  return bytesOf(chance, value, { breaks: chance.isLikely(0.03) });
}

type Case = (chance: Chance, id: string, isWarm: boolean) => { given: Buffer; outcomes: Outcome[] };

const withConfig =
  (...verbs: ((id: string, chance: Chance) => string[])[]): Case =>
  (chance, id, isWarm) => {
    const given = document(chance, copy(), schema);
    writeFileSync(`${world.bundle}/config.json`, given);
    return { given, outcomes: verbs.map((verb) => world.call(verb(id, chance), { isWarm })) };
  };

const AFTER_CREATE = ['state', 'start', 'kill', 'delete', 'ps', 'pause', 'resume', 'events', 'list', 'exec', 'update'];
const WITH_ARGUMENTS: Readonly<Record<string, (id: string) => string[]>> = {
  kill: (id) => ['kill', id, 'KILL'],
  delete: (id) => ['delete', '--force', id],
  events: (id) => ['events', '--stats', id],
  list: () => ['list', '--format', 'json'],
  exec: (id) => ['exec', id, 'true'],
  update: (id) => ['update', '--pids-limit', '100', id],
  mounts: (id) => ['mounts', 'add', id, `${world.bundle}/config.json`],
};
const verbOn = (verb: string, id: string) => WITH_ARGUMENTS[verb]?.(id) ?? [verb, id];

const properties = schema['properties'];

const CASES: readonly (readonly [number, Case])[] = [
  [40, withConfig((id) => ['run', id])],
  [
    15,
    withConfig(
      (id) => ['create', id],
      (id, chance) => verbOn(chance.pick(AFTER_CREATE), id),
      (id, chance) => verbOn(chance.pick(AFTER_CREATE), id),
    ),
  ],
  [5, withConfig(() => ['validate'])],
  [5, withConfig(() => ['plan'])],
  [
    12,
    (chance, _, isWarm) => {
      const of = { ...schema, properties: properties.process.properties };
      const given = document(chance, copy().process, of);
      return {
        given,
        outcomes: [world.call(['exec', '--process', world.write('process.json', given), LIVE], { isWarm })],
      };
    },
  ],
  [
    8,
    (chance, _, isWarm) => {
      const of = { ...schema, properties: properties.linux.properties.resources.properties };
      const given = document(chance, { pids: { limit: 100 }, cpu: { shares: 512 } }, of);
      const args = chance.isLikely(0.5)
        ? world.call(['update', '--resources', world.write('resources.json', given), LIVE], { isWarm })
        : world.call(['update', '--resources', '-', LIVE], { isWarm, input: given });
      return { given, outcomes: [args] };
    },
  ],
  [
    15,
    // The state of a container that lives, damaged, under another id: as if a disk, or somebody, had done it.
    (chance, id, isWarm) => {
      const state = JSON.parse(liveState);
      state.id = id;
      damage(chance, state, 1 + chance.below(3));
      const given = bytesOf(chance, state, { breaks: chance.isLikely(0.1) });
      mkdirSync(`${world.root}/${id}`, { recursive: true });
      writeFileSync(`${world.root}/${id}/state.json`, given);
      const verb = chance.pick([...AFTER_CREATE, 'mounts']);
      const outcomes = [world.call(verbOn(verb, id), { isWarm })];
      if (existsSync(`${world.root}/${id}`)) outcomes.push(world.call(['delete', '--force', id], { isWarm }));
      rmSync(`${world.root}/${id}`, { recursive: true, force: true }); // what delete --force may keep: the last word is the disk's
      return { given, outcomes };
    },
  ],
];
const WEIGHTS = CASES.reduce((sum, [weight]) => sum + weight, 0);

function pickCase(chance: Chance): Case {
  let at = chance.below(WEIGHTS);
  return (CASES.find(([weight]) => (at -= weight) < 0) ?? CASES[0]!)[1];
}

function fail(n: number, why: string, given: Buffer, outcomes: readonly Outcome[]): void {
  counts.failed++;
  const directory = `${FAILURES}/${seed}-${n}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/given.json`, given);
  writeFileSync(`${directory}/outcomes.json`, JSON.stringify({ why, outcomes }, null, 2));
  if (counts.failed <= 30) {
    console.log(`not ok case ${n}: ${why} (${directory})`);
    for (const { args, status, stderr } of outcomes)
      console.log(`  ${args.join(' ')}: ${status} ${stderr.slice(0, 300)}`);
  }
}

function isLiveWell(): boolean {
  return existsSync(`${world.root}/${LIVE}`) && /"running"/.test(world.call(['state', LIVE], { isWarm: true }).stdout);
}

function runCase(n: number): void {
  const chance = new Chance(seed * 1_000_003 + n);
  const id = `fuzz-${n}`;
  const isWarm = !chance.isLikely(0.1);
  const { given, outcomes } = pickCase(chance)(chance, id, isWarm);
  const text = given.toString('latin1');
  for (const { status } of outcomes) counts[status === 0 ? 'ran' : 'refused']++;
  let why = outcomes.map((outcome) => judge(outcome, text)).find((verdict) => verdict !== undefined);
  if (existsSync(`${world.root}/${id}`)) {
    const removed = world.call(['delete', '--force', id], { isWarm });
    why ??= judge(removed, text) ?? (removed.status === 0 ? undefined : `delete --force fails: ${removed.stderr}`);
    outcomes.push(removed);
  }
  if (!isLiveWell()) freshLive();
  const left = world.leftovers([id, 'fuzz-a', 'fuzz-b']);
  if (left.length > 0) why ??= `left: ${left.join('; ')}`;
  if (!world.isPlannerAlive) why ??= 'the planner has ended';
  if (why === undefined) counts.passed++;
  else {
    fail(n, why, given, outcomes);
    world.remember(); // told once
  }
  if (n % 200 === 199) world.freshRootfs();
  if (n % 500 === 499)
    console.log(`  ${n + 1} cases: ${counts.ran} commands did what they were asked, ${counts.refused} refused`);
}

rmSync(FAILURES, { recursive: true, force: true });
cpSync(`${world.bundle}/config.json`, `${world.directory}/base.json`);
freshLive();
try {
  for (let n = 0; n < cases && counts.failed < 100 && world.isPlannerAlive; n++) runCase(n);
} finally {
  world.call(['delete', '--force', LIVE], { isWarm: false });
  world.close();
}
console.log(`seed ${seed}: ${counts.ran} commands did what they were asked, ${counts.refused} refused`);
console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
