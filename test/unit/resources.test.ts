// linux.resources in the files of cgroups: what each version cannot do, other names of files, whose a cgroup is.
import t from 'tap';
import { requireV2, resourceWarnings } from '../../src/cgroup/convertible.ts';
import { planCgroupOwner } from '../../src/cgroup/delegation.ts';
import { planResourcesV1, planUpdateV1 } from '../../src/cgroup/resources-v1.ts';
import { planResourcesV2 } from '../../src/cgroup/resources-v2.ts';
import type { Config, Resources } from '../../src/oci/types.ts';

t.test('what a version cannot do is refused, and what asks for nothing is not', async (t) => {
  const weightDevice = [{ major: 8, minor: 0, leafWeight: 10 }];
  for (const resources of [
    { memory: { kernel: 1 } },
    { memory: { kernelTCP: 1 } },
    { memory: { swappiness: 0 } },
    { memory: { disableOOMKiller: true } },
    { cpu: { realtimeRuntime: 1 } },
    { cpu: { realtimePeriod: 1 } },
    { blockIO: { leafWeight: 10 } },
    { blockIO: { weightDevice } },
    { network: { classID: 1 } },
    { network: { priorities: [{ name: 'lo', priority: 1 }] } },
  ] satisfies Resources[]) {
    const [[topic, values]] = Object.entries(resources) as [[string, object]];
    t.throws(() => planResourcesV2(resources), {
      message: `/linux/resources/${topic}/${Object.keys(values)[0]}: cgroup v2 has nothing for it`,
    });
  }
  const nothing: Resources = {
    memory: { kernel: -1, kernelTCP: 0, disableOOMKiller: false, useHierarchy: true },
    cpu: { realtimeRuntime: 0, realtimePeriod: 0 },
    blockIO: { leafWeight: 0 },
    network: { classID: 0, priorities: [] },
  };
  requireV2(nothing);
  t.same(resourceWarnings(nothing, 1), []);
  t.throws(() => planResourcesV1({ unified: { nonsense: '1' } }), /cannot use unified on cgroup v1/);
  t.throws(() => planUpdateV1({ unified: { 'memory.high': '1' } }), /cannot use unified on cgroup v1/);
  t.same(planUpdateV1({ unified: {} }), []);
  t.match(resourceWarnings({ memory: { kernel: 5, useHierarchy: false } }, 1), [/memory\/kernel/, /useHierarchy/]);
});

t.test('swap of v2 is what is between two limits', async (t) => {
  t.throws(() => planResourcesV2({ memory: { swap: 5 } }), /unable to set swap limit without memory limit/);
  t.throws(() => planResourcesV2({ memory: { limit: -1, swap: 5 } }), /unable to set swap limit without memory limit/);
  t.throws(() => planResourcesV2({ memory: { limit: 6, swap: 5 } }), /memory\+swap limit should be >= memory limit/);
  t.same(planResourcesV2({ memory: { limit: 5, swap: 5 } })[0], {
    controller: 'memory',
    file: 'memory.swap.max',
    value: '0',
  });
  t.match(planResourcesV2({ memory: { swap: -1 } }), [{ file: 'memory.swap.max', value: 'max' }]);
});

t.test('files that go by another name', async (t) => {
  const blockIO = { weight: 100, weightDevice: [{ major: 8, minor: 0, weight: 1000 }] };
  t.same(planUpdateV1({ blockIO }), [
    { controller: 'blkio', file: 'blkio.weight', value: '100', otherwise: { file: 'blkio.bfq.weight', value: '100' } },
    {
      controller: 'blkio',
      file: 'blkio.weight_device',
      value: '8:0 1000',
      otherwise: { file: 'blkio.bfq.weight_device', value: '8:0 1000' },
    },
  ]);
  t.same(planResourcesV2({ blockIO }), [
    { controller: 'io', file: 'io.bfq.weight', value: '100', otherwise: { file: 'io.weight', value: 'default 910' } },
    {
      controller: 'io',
      file: 'io.bfq.weight',
      value: '8:0 1000',
      otherwise: { file: 'io.weight', value: '8:0 10000' },
    },
  ]);
  const hugepageLimits = [{ pageSize: '2MB', limit: 0 }];
  t.match(planUpdateV1({ hugepageLimits }), [
    { file: 'hugetlb.2MB.limit_in_bytes' },
    { file: 'hugetlb.2MB.rsvd.limit_in_bytes', otherwise: 'nothing' },
  ]);
  t.match(planResourcesV2({ hugepageLimits }), [
    { file: 'hugetlb.2MB.max', value: '0' },
    { file: 'hugetlb.2MB.rsvd.max', value: '0', otherwise: 'nothing' },
  ]);
});

t.test('whose the cgroup is', async (t) => {
  const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] };
  const config = {
    process: { user: { uid: 5, gid: 0 } },
    mounts: [mount],
    linux: {
      namespaces: [{ type: 'cgroup' }, { type: 'user' }],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
    },
  } as unknown as Config;
  const owner = (change: object, linux: object = {}) =>
    planCgroupOwner({ ...config, linux: { ...config.linux, ...linux }, ...change } as Config);
  t.equal(owner({}), 1005);
  t.equal(owner({ process: undefined }), 1000, 'root');
  t.equal(owner({ process: { user: { uid: 10, gid: 0 } } }), undefined, 'a user that the host does not have');
  t.equal(owner({}, { namespaces: [{ type: 'cgroup' }] }), 5, 'who the user is without a user namespace');
  t.equal(owner({}, { namespaces: [{ type: 'user' }] }), undefined, 'without a cgroup namespace of its own');
  t.equal(owner({}, { namespaces: [{ type: 'cgroup', path: '/x' }] }), undefined);
  t.equal(owner({ mounts: [{ ...mount, options: ['ro'] }] }), undefined);
  t.equal(owner({ mounts: [] }), undefined);
});
