// SPDX-License-Identifier: MIT
// SMC-R as Linux 6.13 to 7.x changed it: IPv4-mapped addresses, work requests, settings, devices of other namespaces.
import t from 'tap';
import type { CommandResult } from '../vm/guest.ts';
import { setUpSmcR } from '../vm/guest.ts';
import {
  addUeid,
  batch,
  bootWithSuite,
  echoPair,
  firstOverSmcR,
  on,
  sockets,
  waitForListener,
} from '../vm/suite.ts';

const guest = await bootWithSuite({ kernel: '7.x' });
t.teardown(() => guest.close());
await setUpSmcR(guest);
await addUeid(guest);
await firstOverSmcR(guest);

// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field
const parse = ({ stdout }: CommandResult): any => JSON.parse(stdout);

t.test('IPv4 by IPv6 sockets', async (t) => {
  // as Java does
  const pair = await echoPair(guest, { port: 7501, address: '::ffff:127.0.0.1' });
  t.match(pair.verdict, /^same /, 'data came back unchanged');
  const found = on(7501, await sockets(guest));
  t.strictSame(
    found.map(({ mode, local }) => [mode, local.address]),
    Array(2).fill(['SMCR', '::ffff:127.0.0.1']),
  );
  await pair.stop();
  const server = await guest.start('exec smc_chk -S -j');
  await waitForListener(guest, 37_373);
  const mapped = await guest.run('smc_chk -jC ::ffff:127.0.0.1');
  const six = await guest.run('smc_chk -jC ::1');
  t.match(parse(mapped).connection, {
    mode: 'SMCR',
    local: { address: '::ffff:127.0.0.1' },
    likely_cause: null,
  });
  t.match(
    parse(six).connection,
    { mode: 'TCP', likely_cause: { at: 'local', text: /uses IPv6/ } },
    'IPv6 is as it was',
  );
  server.kill();
  await server.wait();
});

t.test('every setting of the kernel is one of ours', async (t) => {
  const { stdout } = await guest.run('ls /proc/sys/net/smc', { check: true });
  const [shown, checked] = await batch(guest, ['smcr -j sysctl', 'smc_chk -j']);
  const { sysctls } = parse(shown!);
  t.strictSame(sysctls.map(({ name }: { name: string }) => name).sort(), stdout.trim().split('\n').sort());
  for (const { name, value, default: usual } of sysctls) t.equal(value, usual, name);
  const families = parse(checked!).checks.filter(({ id }: { id: string }) => id === 'family');
  t.strictSame(
    families.map(({ facts }: { facts: Record<string, unknown> }) => facts['missing_commands']),
    families.map(() => []),
  );
});

t.test('work requests', async (t) => {
  const [low, high, set] = await batch(guest, [
    'smcr sysctl set smcr_max_send_wr 1',
    'smcr sysctl set smcr_max_recv_wr 2049',
    'smcr -j sysctl set smcr_max_send_wr 64',
  ]);
  t.match(low, { status: 255, stderr: /^smcr: 1 is out of range; smcr_max_send_wr must be 2 to 2048\n$/ });
  t.match(high, {
    status: 255,
    stderr: /^smcr: 2049 is out of range; smcr_max_recv_wr must be 2 to 2048\n$/,
  });
  t.match(parse(set!).sysctls, [{ name: 'smcr_max_send_wr', value: 64 }]);
  const pair = await echoPair(guest, { port: 7502 });
  t.match(pair.verdict, /^same /);
  t.strictSame(
    on(7502, await sockets(guest)).map(({ mode }) => mode),
    ['SMCR', 'SMCR'],
  );
  await pair.stop();
  const [checked] = await batch(guest, ['smc_chk -j']);
  t.match(
    parse(checked!).checks.find(({ subject }: { subject: string }) => subject === 'net.smc.smcr_max_send_wr'),
    { status: 'pass', finding: '64; the default is 16', reason: /must support three times as many: / },
  );
  await guest.run('smcr sysctl set smcr_max_send_wr default', { check: true });
});

t.test('this release', async (t) => {
  const release = (await guest.run('uname -r', { check: true })).stdout.trim();
  const [checked] = await batch(guest, ['smc_chk -j']);
  const find = (wanted: string) => parse(checked!).checks.find(({ id }: { id: string }) => id === wanted);
  t.match(find('kernel'), { status: 'pass', facts: { release, missing_features: [] } });
  t.equal(`${find('kernel').facts.version}`, /^\d+\.\d+\.\d+/.exec(release)?.[0]);
  t.match(find('kernel-fault'), { status: 'pass' });
  t.match(find('kernel-fixes'), { status: 'pass' });
});

t.test('the ULP "smc" of TCP is gone', async (t) => {
  const script = 'import socket as s; a = s.socket(); a.setsockopt(s.IPPROTO_TCP, 31, b"smc")'; // TCP_ULP
  const { status, stderr } = await guest.run(`python3 -c '${script}'`);
  t.equal(status, 1);
  t.match(stderr, /No such file or directory|Protocol not supported|Invalid argument/);
});
