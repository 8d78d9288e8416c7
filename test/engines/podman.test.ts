// podman drives the runtime.
import t from 'tap';
import { testDockerLike } from './docker-like.ts';
import { Podman } from './engine.ts';

const engine = new Podman();
await t.test('podman', async (t) => {
  await testDockerLike(t, engine);
  await t.test('a user namespace', async (t) => {
    const result = engine.run(
      { flags: ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'] },
      'sh',
      '-c',
      'id -u; cat /proc/self/uid_map',
    );
    t.match(result.stdout, /^0\n\s+0\s+100000\s+65536\n/, result.stderr);
  });
});
