// Paths by their own arithmetic, and the files of kernel parameters.
import t from 'tap';
import { sysctlPath } from '../../src/plan/create.ts';
import { cleanPath, isWithin, resolveFrom } from '../../src/plan/paths.ts';

t.test('paths', async (t) => {
  t.equal(cleanPath('a//b/../../../c/./d/'), '/c/d');
  t.equal(cleanPath('..'), '/');
  t.ok(isWithin('/a/b', '/a'));
  t.notOk(isWithin('/ab', '/a'));
  t.ok(isWithin('/x', '/'));
  t.equal(resolveFrom('/b', 'x/../y'), '/b/y');
  t.equal(resolveFrom('/b', '/z'), '/z');
});

t.test('kernel parameters in both spellings', async (t) => {
  t.equal(sysctlPath('net.ipv4.ip_forward'), 'sys/net/ipv4/ip_forward');
  t.equal(sysctlPath('net/ipv4/conf/eth0.100/forwarding'), 'sys/net/ipv4/conf/eth0.100/forwarding');
  t.equal(sysctlPath('net.ipv4.conf.eth0/100.forwarding'), 'sys/net/ipv4/conf/eth0.100/forwarding');
});
