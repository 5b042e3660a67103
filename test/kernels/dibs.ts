// SPDX-License-Identifier: MIT
// SMC-D over the loopback device of dibs, which SMC has since Linux 6.18: data, /sys/class/dibs in every command, the PNET
// table, bundles.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { smcPnet } from '../../src/commands/smc_pnet/command.ts';
import { smcRnics } from '../../src/commands/smc_rnics/command.ts';
import { smcd } from '../../src/commands/smcd/command.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';
import type { CommandResult } from '../vm/guest.ts';
import { setUpSmcR } from '../vm/guest.ts';
import { addUeid, batch, bootWithSuite, echoPair, on, sockets } from '../vm/suite.ts';

const guest = await bootWithSuite({ kernel: '7.x-smcd' });
t.teardown(() => guest.close());
await addUeid(guest);

// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field
const parse = ({ stdout }: CommandResult): any => JSON.parse(stdout);
const [gidText = '', fabricText = ''] = (
  await guest.run('cat /sys/class/dibs/lo/gid /sys/class/dibs/lo/fabric_id', { check: true })
).stdout.split('\n');
/** The two halves of the GID, as SMC has them. */
const [gid, extGid] = gidText.replaceAll('-', '').match(/.{16}/g) ?? [];

/** What a connection over lo becomes, at both ends. */
async function modes(port: number): Promise<(string | null)[]> {
  const pair = await echoPair(guest, { port });
  const found = on(port, await sockets(guest));
  await pair.stop();
  return found.map(({ mode }) => mode);
}

t.test('the class dibs is what every command shows', async (t) => {
  t.match(gidText, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID');
  t.equal(Number(fabricText), 0xffff);
  const [adapters, byName, devices, info, checks] = await batch(guest, [
    'smc_rnics -j',
    'smc_rnics -j lo',
    'smcd -j device',
    'smcd -j info',
    'smc_chk -j',
  ]);
  const same = { dibs_name: 'lo', gid, fabric_id: 'ffff' };
  t.match(parse(adapters!).devices, [{ name: 'loopback-ism', ...same, ext_gid: extGid }]);
  t.match(parse(byName!).devices, [same], 'by its name there');
  t.strictSame(parse(devices!).devices, [], 'not in the list of the kernel');
  t.equal(parse(info!).info.loopback_ism, true);
  const check = parse(checks!).checks.find(({ id }: { id: string }) => id === 'ism-device');
  t.match(check, { subject: 'loopback-ism', status: 'pass', facts: { present: true, ...same } });
  t.match((await guest.run('smc_rnics -I')).stdout, `lo: GID ${gid}:${extGid}, fabric ffff`);
});

t.test('data over SMC-D, with the addresses of the class', async (t) => {
  for (const [port, address] of [
    [7401, '127.0.0.1'],
    [7402, '::1'],
  ] as const) {
    const pair = await echoPair(guest, { port, address });
    t.match(pair.verdict, /^same /, 'data came back unchanged');
    const found = on(port, await sockets(guest));
    t.strictSame(
      found.map(({ mode, family }) => [mode, family]),
      Array(2).fill(['SMCD', address === '::1' ? 'ipv6' : 'ipv4']),
    );
    for (const { dmb } of found) t.match(dmb, { gid, peer_gid: gid, ext_gid: extGid, peer_ext_gid: extGid });
    const [groups] = await batch(guest, ['smcd -j linkgroup']);
    for (const group of parse(groups!).link_groups) t.match(group, { gid, ext_gid: extGid, chid: 'ffff' });
    await pair.stop();
  }
});

t.test('beside soft-RoCE, SMC-D comes first', async (t) => {
  await setUpSmcR(guest);
  t.strictSame(await modes(7403), ['SMCD', 'SMCD']);
  const [adapters] = await batch(guest, ['smc_rnics -j']);
  t.strictSame(
    parse(adapters!).devices.map(({ name }: { name: string }) => name),
    ['rxelo', 'loopback-ism'],
  );
});

t.test('the PNET table knows it as lo', async (t) => {
  const [old, added, table] = await batch(guest, [
    'smc_pnet -a NETL -D loopback-ism',
    'smc_pnet -a NETD -D lo',
    'smc_pnet',
  ]);
  t.match(old, {
    status: 0,
    stderr: /^smc_pnet: there is no device loopback-ism yet; .*; since Linux 6\.18 it is called lo\n$/,
  });
  t.strictSame(added, { status: 0, stdout: '', stderr: '' });
  t.equal(table?.stdout, 'NETL n/a loopback-ism 1\nNETD n/a lo 1\n');
  const [checked] = await batch(guest, ['smc_chk -j']);
  const find = (id: string, subject?: string) =>
    parse(checked!).checks.find(
      (check: { id: string; subject: string }) =>
        check.id === id && (subject === undefined || check.subject === subject),
    );
  t.match(find('ism-device'), {
    status: 'fail',
    finding: 'PNET ID NETD is set for it, which disables it',
    facts: { pnet_id: 'NETD' },
  });
  t.match(find('kernel-fault', 'loopback-name'), { finding: /which is called lo since Linux 6\.18$/ });
  t.strictSame(await modes(7404), ['SMCR', 'SMCR'], 'it is true');
  await guest.run('smc_pnet -f', { check: true });
  t.strictSame(await modes(7405), ['SMCD', 'SMCD']);
});

t.test('a bundle has the class', async (t) => {
  await guest.run('smc_pnet -a NETD -D lo; smc_dbg -o /tmp/bundle.tgz', { check: true });
  const file = join(ownDirectory(t), 'bundle.tgz');
  writeFileSync(file, await guest.readBytes('/tmp/bundle.tgz'));
  const lines = {
    'smc_rnics -aI': smcRnics,
    'smc_rnics -aj': smcRnics,
    'smcd -j device': smcd,
    'smc_pnet -j': smcPnet,
  };
  const there = await batch(guest, Object.keys(lines));
  for (const [index, [line, command]] of Object.entries(lines).entries())
    t.strictSame(
      await runCommand(command, [...line.split(' ').slice(1), '--from', file]),
      there[index],
      line,
    );
  await guest.run('smc_pnet -f', { check: true });
});

t.test('the log of the kernel', async (t) => {
  const { stdout } = await guest.run('dmesg');
  t.match(stdout, /adding smcd device lo\b/);
  const [checked] = await batch(guest, ['smc_chk -j']);
  t.match(
    parse(checked!).checks.find(({ id }: { id: string }) => id === 'kernel-log'),
    { status: 'pass' },
  );
});

t.test('without SMC, the option that it depends on is named', async (t) => {
  const bare = await bootWithSuite({ kernel: '7.x', modules: 'absent' });
  t.teardown(() => bare.close());
  const { status, stdout } = await bare.run('smc_chk');
  t.equal(status, 3);
  t.match(
    stdout,
    /^FAIL module smc: this host has no SMC: Linux 7\.\S+ has no module smc\n {2}reason: .*CONFIG_DIBS/,
  );
});
