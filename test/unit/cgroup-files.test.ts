// The files of a cgroup: their paths, and the writing to them.
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import t from 'tap';
import { cgroupFile, writeCgroupFile } from '../../src/cgroup/files.ts';
import { validateConfig } from '../../src/oci/validate.ts';
import { defaultSpec } from '../../src/oci/default-spec.ts';

t.test('the name of a file never leads out of its cgroup', async (t) => {
  t.equal(cgroupFile('/sys/fs/cgroup/a', 'memory.high'), '/sys/fs/cgroup/a/memory.high');
  for (const name of ['../pids.max', '..', '.', '', 'a/b', '/etc/passwd', 'pids.max\0'])
    t.throws(() => cgroupFile('/sys/fs/cgroup/a', name), /must be a file name/, name);
  const config = defaultSpec({ cgroupVersion: 2 }) as { linux: { resources: object } };
  const faults = (unified: object) => validateConfig({ ...config, linux: { ...config.linux, resources: { unified } } });
  t.same(await faults({ 'memory.high': '1', 'hugetlb.2MB.max': '0', nonsense: '' }), []);
  for (const name of ['../pids.max', '..', '/etc/passwd', ''])
    t.match((await faults({ [name]: '1' }))[0], { pointer: '/linux/resources/unified', rule: /file name/ }, name);
});

t.test('a write makes no file and follows no link', async (t) => {
  const directory = mkdtempSync(`${tmpdir()}/tsrunc-files-`);
  t.teardown(() => rmSync(directory, { recursive: true }));
  t.throws(() => writeCgroupFile(`${directory}/none`, '1'), { cause: { code: 'ENOENT' } });
  t.notOk(existsSync(`${directory}/none`));
  writeFileSync(`${directory}/outside`, 'old');
  symlinkSync('outside', `${directory}/link`);
  t.throws(() => writeCgroupFile(`${directory}/link`, 'new'), { cause: { code: 'ELOOP' } });
  t.equal(readFileSync(`${directory}/outside`, 'utf8'), 'old');
});
