// What is removed of cgroups, and where nothing is ever done. Plain directories stand for cgroups: mkdir and rmdir are the same there.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import t from 'tap';
import { MadeCgroups } from '../../src/cgroup/made.ts';
import { openCgroup } from '../../src/cgroup/open.ts';
import { signalProcesses } from '../../src/native/signal.ts';
import { planCgroupPlaces } from '../../src/plan/cgroup-places.ts';
import type { Facts, Hierarchy } from '../../src/plan/facts.ts';

const top = mkdtempSync(`${tmpdir()}/tsrunc-made-`);
t.teardown(() => rmSync(top, { recursive: true }));
const nobody = () => false;

t.test('only what was made goes', async (t) => {
  mkdirSync(`${top}/a/found`, { recursive: true });
  const made = new MadeCgroups();
  t.notOk(made.ensure(`${top}/a/found`));
  t.ok(made.ensure(`${top}/a/b/c/own`));
  t.same(made.found, [`${top}/a/found`]);
  mkdirSync(`${top}/a/b/c/own/below`);
  mkdirSync(`${top}/a/b/neighbour`);
  t.same(await made.takeBack(nobody), []);
  t.notOk(existsSync(`${top}/a/b/c`));
  t.ok(existsSync(`${top}/a/b/neighbour`), 'a cgroup above that somebody has begun to use stays');
  t.ok(existsSync(`${top}/a/found`));
  mkdirSync(`${top}/a/b/c/own`, { recursive: true });
  t.same(await made.takeBack(nobody), []);
  t.ok(existsSync(`${top}/a/b/c/own`), 'once');
});

t.test('values of a cgroup that was there before come back', async (t) => {
  mkdirSync(`${top}/v`);
  writeFileSync(`${top}/v/pids.max`, '17');
  const made = new MadeCgroups();
  made.ensure(`${top}/v`);
  made.write(`${top}/v/pids.max`, '99');
  await made.takeBack(nobody);
  t.equal(await import('node:fs').then((fs) => fs.readFileSync(`${top}/v/pids.max`, 'utf8')), '17');
});

const hierarchy = (version: 1 | 2, ownPath: string): Hierarchy => ({
  version,
  controllers: version === 1 ? ['pids', 'freezer'] : [],
  mountpoint: top,
  ownPath,
});

t.test("a hierarchy's root is nobody's", async (t) => {
  for (const version of [1, 2] as const)
    for (const [own, path] of [
      ['/', '/'],
      ['/', '//x/../.'],
      ['/a', '/../..'],
      ['/', '.'],
    ] as const) {
      const facts = { cgroupVersion: version, hierarchies: [hierarchy(version, own)] } as unknown as Facts;
      t.throws(() => planCgroupPlaces(facts, 'c', path), /root of a cgroup hierarchy/, `v${version} ${own} ${path}`);
    }
  writeFileSync(`${top}/cgroup.procs`, `${process.pid}\n`);
  writeFileSync(`${top}/freezer.state`, 'FROZEN');
  for (const version of [1, 2] as const)
    for (const directory of [top, `${top}/`]) {
      const cgroup = openCgroup([{ hierarchy: hierarchy(version, '/'), directory }]);
      t.same(await cgroup.remove({ isOurs: () => true, found: [] }), []);
      t.same(cgroup.ownProcesses(), []);
      t.notOk(cgroup.isFrozen());
      await t.rejects(cgroup.freeze());
    }
});

t.test('no process group is ever signalled, nor this process', async (t) => {
  const asked: number[] = [];
  const meant = { has: (pid: number) => asked.push(pid) > 0 };
  signalProcesses([0, -1, -process.pid, NaN, process.pid], 0, () => meant);
  t.same(asked, []);
});
