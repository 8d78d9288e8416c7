// Who owns a descriptor: its number is nobody's once it is closed. And an execution whose end has come.
import { fstatSync, openSync, closeSync, readSync } from 'node:fs';
import t from 'tap';
import type { Caller } from '../../src/caller/caller.ts';
import { Executor } from '../../src/container/executor.ts';
import { InternalError } from '../../src/errors.ts';
import { native } from '../../src/native/binding.ts';
import { Descriptor } from '../../src/native/descriptor.ts';

const log = { isDebug: false, debug: () => undefined, warn: () => undefined };

/** A caller that only waits for reports. */
function callerOf(): Caller {
  const receive = async (sync: Descriptor) => native().receiveNow(sync.number) ?? null;
  return { receive } as unknown as Caller;
}

t.test('a descriptor after its close', async (t) => {
  const file = Descriptor.open('/dev/null', 'r');
  const { number } = file;
  t.ok(fstatSync(number).isCharacterDevice());
  file.close();
  t.notOk(file.isOpen);
  t.throws(() => file.number, InternalError);
  const others = openSync('/dev/zero', 'r');
  t.equal(others, number, 'the kernel has given its number away');
  file.close();
  t.ok(fstatSync(others).isCharacterDevice(), 'a second close is nothing');
  closeSync(others);
});

t.test('what the addon opens has an owner', async (t) => {
  const [ours, theirs] = native().socketPair();
  t.ok(ours instanceof Descriptor && theirs instanceof Descriptor);
  const lock = await native().lockDirectory('/tmp');
  t.ok(lock instanceof Descriptor);
  const pidfd = native().openPidfd(process.pid);
  for (const descriptor of [ours, theirs, lock, pidfd]) descriptor.close();
  t.throws(() => native().connectTo('/nowhere', 'stream'), { code: 'ENOENT' });
});

t.test('an execution that was closed does not write to the descriptor of somebody else', async (t) => {
  const [ours, theirs] = native().socketPair();
  const { number } = ours;
  const executor = Executor.join([], { caller: callerOf(), log }, ours, { pid: 0, startTime: 0 });
  executor.close();
  theirs.close();
  const [others, reader] = native().socketPair();
  t.equal(others.number, number, 'as a planner has it: the number is another connection by now');
  t.throws(() => executor.proceed(), /its execution has ended/);
  others.close();
  t.equal(readSync(reader.number, Buffer.alloc(1)), 0, 'which has heard nothing');
  reader.close();
});

t.test('the end of an execution', async (t) => {
  const await_ = (point: number) => {
    const report = Buffer.alloc(32);
    report.writeUInt32LE(3, 0); // kAwait
    report.writeBigInt64LE(BigInt(point), 24);
    return report;
  };
  const begin = () => {
    const [ours, theirs] = native().socketPair();
    return { executor: Executor.join([], { caller: callerOf(), log }, ours, { pid: 0, startTime: 0 }), theirs };
  };
  const done = begin();
  native().sendMessage(done.theirs.number, await_(2), []);
  await done.executor.next();
  done.executor.proceed();
  done.theirs.close();
  t.same(await done.executor.next(), { at: 'exec' }, 'after the go-ahead: the program');
  t.throws(() => done.executor.proceed(), /its execution has ended/);

  const lost = begin();
  native().sendMessage(lost.theirs.number, await_(2), []);
  await lost.executor.next();
  lost.theirs.close();
  lost.executor.proceed(); // nobody is there: what init has said last is still to be read
  await t.rejects(lost.executor.next(), /init ended while it waited/);
});
