// SPDX-License-Identifier: MIT
import t from 'tap';
import { parseControlGroup } from '../../src/host/control-group.ts';
import { Redactor } from '../../src/recording/pseudonyms.ts';
import { formatIpv6 } from '../../src/smc/ip-address.ts';
import { parseIpv6 } from '../../src/smc/parse-ipv6.ts';

t.test('texts', async (t) => {
  const redactor = new Redactor();
  redactor.hostName('Alpha.example.com');
  redactor.hostName('Alpha');
  redactor.eid('MY.EID-1');
  const cases: [string, string][] = [
    ['10.1.2.3', '240.1.0.1'],
    ['10.1.2.4/24 10.1.3.3:5201', '240.1.0.2/24 240.1.1.1:5201'],
    ['10.1.2.0 10.1.2.255', '240.1.0.0 240.1.0.255'],
    ['192.168.7.8', '240.2.0.1'],
    ['127.0.0.1 0.0.0.0 255.255.255.0 224.0.0.1', '127.0.0.1 0.0.0.0 255.255.255.0 224.0.0.1'],
    ['6.12.95.1-amd64 20.35.1012 1.2.3.4.5 300.1.1.1', '6.12.95.1-amd64 20.35.1012 1.2.3.4.5 300.1.1.1'],
    ['52:54:00:12:34:56', '0a:ed:fe:00:00:01'],
    ['ff:ff:ff:ff:ff:ff 00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff 00:00:00:00:00:00'],
    ['0000:01:00.0 12:34:56 15b3:1019', '0000:01:00.0 12:34:56 15b3:1019'],
    ['5054:00ff:fe12:3456', '0aed:feed:0000:0001'],
    ['fe80::5054:ff:fe12:3456', 'fe80::feed:0:feed:1'],
    ['fe80:0000:0000:0000:5054:00ff:fe12:3456', 'fe80:0000:0000:0000:feed:0000:feed:0001'],
    ['2a02:1:2:3::17/64 2a02:1:2:3::18', '2001:db8:0:1:feed:0:feed:2/64 2001:db8:0:1:feed:0:feed:3'],
    ['::1 :: ff02::1', '::1 :: ff02::1'],
    ['::ffff:10.1.2.3', '::ffff:240.1.0.1'],
    ['0000:0000:0000:0000:0000:ffff:0a01:0203', '0000:0000:0000:0000:0000:ffff:f001:0001'],
    ['alpha ALPHA.EXAMPLE.COM alphabet', 'host2 host1xxxxxxxxxxxx alphabet'],
    ['MY.EID-1 XMY.EID-1', 'EID1XXXX XMY.EID-1'],
  ];
  for (const [text, expected] of cases) t.equal(redactor.text(text), expected, text);
  for (const [text, expected] of cases) t.equal(redactor.text(expected), expected, `again: ${text}`);
});

t.test('words have their length, and differ', async (t) => {
  const redactor = new Redactor();
  const words = ['A', 'B', 'CD', 'X'.repeat(32), 'Y'.repeat(32)];
  const others = words.map(redactor.eid);
  t.strictSame(
    others.map((word) => word.length),
    words.map((word) => word.length),
  );
  t.equal(new Set(others).size, words.length);
  t.strictSame(words.map(redactor.eid), others, 'the same for the same');
  t.strictSame(others.map(redactor.eid), others, 'none for what is replaced');
  t.equal(redactor.hostName('localhost'), 'localhost');
  t.equal(redactor.hostName(''), '');
});

t.test('GIDs of ISM devices', async (t) => {
  const redactor = new Redactor();
  t.equal(redactor.gid(0n), 0n);
  const one = redactor.gid(0xffff_ffff_ffff_ffffn);
  t.equal(one.toString(16), 'feed000000000001');
  t.equal(redactor.gid(one), one);
  t.equal(redactor.gid(1n).toString(16), 'feed000000000002');
});

t.test('more networks than one byte can number', async (t) => {
  const redactor = new Redactor();
  const seen = new Set<string>();
  for (let a = 1; a < 8; a++)
    for (let b = 0; b < 256; b++) seen.add(redactor.address(Uint8Array.from([a, b, 1, 1])).join('.'));
  t.equal(seen.size, 7 * 256);
});

t.test('IPv6 addresses in all spellings', async (t) => {
  for (const text of ['::', '::1', '1::', 'fe80::1:2', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '2001:db8::'])
    t.equal(formatIpv6(parseIpv6(text)!), text);
  for (const text of ['', '1:2', 'fe80::1%eth0', '1::2::3', '10.0.0.1']) t.equal(parseIpv6(text), undefined);
});

t.test('units and containers', async (t) => {
  const redactor = new Redactor();
  const id = (digit: string): string => digit.repeat(64);
  const ours = (number: number): string => `feed0000000${number}`.padEnd(64, '0');
  const cases: [text: string, command: string, unit: string | undefined, container?: [string, string]][] = [
    ['0::/system.slice/nginx.service', 'nginx', 'nginx.service'],
    ['0::/system.slice/acme-payroll.service', 'java', 'unit1.service'],
    ['0::/system.slice/system-vpn.slice/vpn@acme.service/worker', 'vpn', 'unit2.service'],
    ['0::/system.slice/acme-payroll.service', 'sh', 'unit1.service'],
    ['0::/user.slice/user-1000.slice/session-2.scope', 'ssh', 'session-2.scope'],
    ['0::/user.slice/user-1000.slice/user@1000.service/init.scope', 'x', 'init.scope'],
    [`0::/system.slice/docker-${id('a')}.scope`, 'web', `docker-${ours(1)}.scope`, ['docker', ours(1)]],
    [`12:pids:/docker/${id('a')}`, 'web', undefined, ['docker', ours(1)]],
    [
      `0::/kubepods.slice/x.slice/cri-containerd-${id('b')}.scope`,
      'x',
      `cri-containerd-${ours(2)}.scope`,
      ['containerd', ours(2)],
    ],
    ['0::/lxc.payload.acme/system.slice/web.service', 'java', 'unit3.service', ['lxc', 'container3']],
    [
      '0::/machine.slice/systemd-nspawn@acme.service/payload',
      'x',
      'systemd-nspawn@container3.service',
      ['systemd-nspawn', 'container3'],
    ],
    [
      '0::/machine.slice/machine-a\\x20b.scope',
      'x',
      'machine-container4.scope',
      ['systemd-nspawn', 'container4'],
    ],
    ['0::/', 'x', undefined],
  ];
  for (const [text, command, unit, container] of cases) {
    const other = redactor.controlGroup(text, command);
    const expected = { unit, container: container && { runtime: container[0], id: container[1] } };
    t.strictSame(parseControlGroup(other), expected, text);
    t.notMatch(other, /acme|user-|slice/, text);
    t.equal(new Redactor().controlGroup(other, command), other, `again: ${text}`);
  }
});
