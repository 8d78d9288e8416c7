// docker drives the runtime, through its own containerd.
import t from 'tap';
import { testDockerLike } from './docker-like.ts';
import { Docker } from './engine.ts';

await t.test('docker', (t) => testDockerLike(t, new Docker()));
