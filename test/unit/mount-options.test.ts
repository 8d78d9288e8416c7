import t from 'tap';
import * as f from '../../src/plan/flags.ts';
import { MOUNT_OPTION_NAMES, parseMountOptions } from '../../src/plan/mount-options.ts';

t.test('the flags of mount(2) that the log shows', async (t) => {
  t.equal(parseMountOptions(['nosuid', 'strictatime', 'mode=755', 'size=65536k']).msFlags, 16777218);
  t.equal(parseMountOptions(['nosuid', 'noexec', 'nodev', 'relatime', 'ro']).msFlags, 2097167);
  t.equal(parseMountOptions(['rbind']).msFlags, 20480);
  t.equal(parseMountOptions(['ro', 'rw']).msFlags, 0);
});

t.test("what is the filesystem's goes to it, in order", async (t) => {
  t.same(parseMountOptions(['mode=755', 'ro', 'size=1k', 'toString']).data, ['mode=755', 'size=1k', 'toString']);
  t.same(parseMountOptions(['size=1m,mode=700', 'lowerdir=a\\,b:c']).data, ['size=1m', 'mode=700', 'lowerdir=a\\,b:c']);
});

t.test('attributes: what options ask for, what they ask away, and what they are silent about', async (t) => {
  const none = parseMountOptions(['rbind', 'rprivate', 'rro']);
  t.same([none.set, none.clear, none.drop], [0, 0, 0], 'nothing is said of the mount itself');
  const both = parseMountOptions(['bind', 'ro', 'suid']);
  t.equal(both.set, f.MOUNT_ATTR_RDONLY);
  t.equal(both.clear, f.MOUNT_ATTR_NOSUID);
  t.equal(both.drop, f.union(f.MOUNT_ATTR_NODEV, f.MOUNT_ATTR_NOEXEC, f.MOUNT_ATTR_NOSYMFOLLOW));
  const undone = parseMountOptions(['nosuid', 'suid', 'ro', 'rw']);
  t.equal(undone.set, 0);
  t.equal(undone.clear, f.union(f.MOUNT_ATTR_NOSUID, f.MOUNT_ATTR_RDONLY));
});

t.test('access times are one field, and as mount(2) has them', async (t) => {
  const ALL = f.union(f.MOUNT_ATTR__ATIME, f.MOUNT_ATTR_NODIRATIME);
  const cases: [string[], number, number][] = [
    [['noatime', 'strictatime'], f.MOUNT_ATTR_STRICTATIME, ALL],
    [['relatime'], f.MOUNT_ATTR_RELATIME, ALL],
    [['noatime', 'nodiratime'], f.union(f.MOUNT_ATTR_NOATIME, f.MOUNT_ATTR_NODIRATIME), f.MOUNT_ATTR__ATIME],
    [['nodiratime'], f.MOUNT_ATTR_NODIRATIME, f.MOUNT_ATTR__ATIME],
    [['noatime', 'atime'], 0, 0],
    [['diratime', 'norelatime', 'nostrictatime'], 0, 0],
  ];
  for (const [options, set, clear] of cases) {
    const parsed = parseMountOptions(options);
    t.same([parsed.set, parsed.clear], [set, clear], options.join(','));
  }
});

t.test('propagation and recursive attributes', async (t) => {
  const options = parseMountOptions(['rbind', 'rslave', 'shared', 'rro', 'rnosuid', 'rexec']);
  t.same(options.propagation, [540672, 1048576]);
  t.equal(options.recursiveSet, f.union(f.MOUNT_ATTR_RDONLY, f.MOUNT_ATTR_NOSUID));
  t.equal(options.recursiveClear, f.MOUNT_ATTR_NOEXEC);
  t.equal(options.msFlags, 20480, 'they are no flags of mount(2)');
});

t.test('every option of the specification is known', async (t) => {
  const specified = (
    'async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec noiversion ' +
    'nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec ' +
    'rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave ' +
    'rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap'
  ).split(' ');
  t.same(
    specified.filter((name) => !MOUNT_OPTION_NAMES.includes(name)),
    [],
  );
});
