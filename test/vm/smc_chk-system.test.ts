// SPDX-License-Identifier: MIT
// smc_chk without a mode on real kernels: a healthy host, and one state per failure, each reported with its cause.
// If a fix can be run as printed, the test runs it, and then the check passes.
import t, { type Test } from 'tap';
import { long } from '../helpers/long.ts';
import type { Guest } from './guest.ts';
import { setUpSmcR } from './guest.ts';
import {
  addUeid,
  batch,
  bootWithSuite,
  firstOverSmcR,
  hasDibs,
  kernelsOf,
  LOOPBACK,
  OVER_SMC,
  on,
  sockets,
  waitForOutput,
} from './suite.ts';

interface Check {
  id: string;
  subject: string | null;
  status: 'pass' | 'warning' | 'fail' | 'unknown';
  finding: string;
  reason: string | null;
  fix: string | null;
  facts: Record<string, unknown>;
}

interface Outcome {
  status: number;
  checks: Check[];
  /** all checks that do not pass, as in "fail ueid"; without what depends on the stable release of the guest's kernel */
  notable: string[];
  find: (id: string, subject?: string | null) => Check;
}

async function smcChk(
  guest: Guest,
  words = '',
  { prefix = '', user = 'root' }: { prefix?: string; user?: string } = {},
): Promise<Outcome> {
  const command = `smc_chk -j ${words}`.trim();
  const { status, stdout, stderr } =
    prefix || words.startsWith('-N')
      ? await guest.run(`${prefix} ${command}`, { user })
      : (await batch(guest, [command], { user }))[0]!;
  if (stderr || !stdout) throw new Error(`smc_chk ended with ${status}: ${stderr}`);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return {
    status,
    checks,
    notable: checks
      .filter(({ status, id }) => status !== 'pass' && id !== 'kernel-fixes')
      .map(({ status, id, subject }) => [status, id, subject].filter(Boolean).join(' ')),
    find: (id, subject) => {
      const found = checks.find(
        (check) => check.id === id && (subject === undefined || check.subject === subject),
      );
      if (!found) throw new Error(`no check ${id} ${subject}`);
      return found;
    },
  };
}

/** What a connection over lo actually becomes. */
async function modes(guest: Guest, port: number): Promise<(string | null)[]> {
  const pair = await guest.start(`exec ${OVER_SMC} python3 test/vm/programs/hold-pair.py ${port}`);
  await waitForOutput(pair, 'the connection', (text) => text.includes('connected'));
  const found = on(port, await sockets(guest)).map(({ mode }) => mode);
  pair.kill();
  await pair.wait();
  return found;
}

/** Runs the fix that a check prints, and checks again. */
async function mend(t: Test, guest: Guest, { fix }: Check): Promise<void> {
  t.comment(`fix: ${fix}`);
  await guest.run(fix ?? 'false', { check: true });
}

t.test('SMC-R, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12', modules: 'available' });
  t.teardown(() => guest.close());
  const run = (command: string) => guest.run(command, { check: true });

  await t.test('module not loaded, and nothing is loaded by looking', async (t) => {
    const found = await smcChk(guest);
    t.equal(found.status, 3);
    t.match(found.checks[0], {
      id: 'module',
      subject: 'smc',
      status: 'fail',
      finding: 'this host has no SMC at the moment: module smc is not loaded',
      fix: 'modprobe smc',
      facts: { state: 'available', file: /^kernel\/net\/smc\/smc\.ko/ },
    });
    t.notMatch((await run('ls /sys/module')).stdout, /^smc/m);

    await run('mkdir -p /etc/modprobe.d; echo "install smc /bin/false" >/etc/modprobe.d/no-smc.conf');
    t.match((await smcChk(guest)).checks[0], {
      status: 'fail',
      reason: '/etc/modprobe.d/no-smc.conf forbids it: install smc /bin/false',
      fix: 'remove that line, then: modprobe smc',
    });
    await run('rm /etc/modprobe.d/no-smc.conf');
    await mend(t, guest, found.checks[0]!);
    t.equal((await smcChk(guest)).find('module', 'smc').status, 'pass');
  });

  await t.test('no RDMA device', async (t) => {
    const found = await smcChk(guest);
    t.equal(found.status, 3);
    t.match(found.find('rdma-device'), {
      status: 'fail',
      finding: 'this host has no RDMA device, so there is no SMC-R',
    });
    t.match(found.find('interface', 'lo'), {
      status: 'fail',
      reason: /^SMC-R: this host has no RDMA device/,
    });
    t.strictSame(found.notable, ['fail rdma-device', 'fail interface lo', 'fail ueid']);
  });

  await run('modprobe rdma_rxe');
  await setUpSmcR(guest);

  await t.test('no UEID', async (t) => {
    const found = await smcChk(guest, 'lo');
    t.equal(found.status, 3);
    t.strictSame(found.notable, ['fail interface lo', 'fail ueid']);
    t.match(found.find('ueid'), {
      finding: 'no UEID: no connection can use version 2 of SMC',
      fix: /^smcd ueid add NAME/,
    });
    t.match(found.find('interface', 'lo'), {
      reason: /rxelo port 1: there is no UEID/,
      fix: /^smcd ueid add NAME/,
    });
    t.strictSame(await modes(guest, 7201), ['TCP', 'TCP'], 'it is true');
    const after = await smcChk(guest);
    t.match(after.find('fallbacks'), {
      status: 'warning',
      finding: '2 of 2 connections fell back to TCP (100 %) since smc was loaded',
      facts: { reasons: [{ side: /client|server/, code: /^0x/ }] },
    });
  });

  await addUeid(guest);

  await t.test('a host as it should be', async (t) => {
    const found = await smcChk(guest);
    t.strictSame(found.notable, ['warning fallbacks'], 'what was before is not forgotten');
    t.equal(found.status, 0);
    t.match(found.find('fallbacks').fix, /; to restart the counts: smcr stats reset$/);
    await run('smcr stats reset');
    const anew = await smcChk(guest);
    t.strictSame(anew.notable, [], 'but a reset takes it away');
    t.match(anew.find('fallbacks'), {
      finding: /^no connection was made since the reset at 20/,
      facts: { since: /^20.*Z$/ },
    });
    t.match(found.find('interface', 'lo'), {
      status: 'pass',
      finding: 'SMC-R version 2 over rxelo port 1; no PNET ID, so only an RDMA port on lo itself can be used',
    });
    t.match(found.find('rdma-port', 'rxelo/1'), {
      status: 'pass',
      facts: { state: 'ACTIVE', interface: 'lo' },
    });
    t.match(found.find('family', 'SMC_GEN_NETLINK').facts, { missing_commands: [] });
    await firstOverSmcR(guest);
    t.strictSame(await modes(guest, 7202), ['SMCR', 'SMCR'], 'it is true');
    const lines = (await guest.run('smc_chk')).stdout;
    t.match(lines, /^PASS module smc: loaded; its file is kernel\/net\/smc\/smc\.ko/m);
    t.match(lines, /^PASS interface lo: SMC-R version 2 over rxelo port 1/m);
    const onTerminal = async (command: string) =>
      (await guest.run(`script -qec 'stty cols 100; ${command}' /dev/null`, { env: { TERM: 'xterm' } }))
        .stdout;
    const all = await onTerminal('smc_chk --all');
    t.match(all, /│ .*finding/);
    t.match(all, /\x1b\[32mPASS\x1b\[39m *│ module/);
    t.match(await onTerminal('smc_chk'), /^\x1b\[32mPASS\x1b\[39m module, kernel, /m, 'passes on one line');
  });

  // in every run, test/smc/checks/ has this finding, and smcd-smcr.test.ts the limitation
  await long(t, 'handshake limited', async (t) => {
    await run('smcr hs-limit enable');
    const found = await smcChk(guest);
    t.match(found.find('handshake-limit'), { status: 'warning', finding: /^handshakes are limited/ });
    t.equal(found.status, 0);
    await run('smcr hs-limit disable');
    t.match((await smcChk(guest)).find('handshake-limit'), { status: 'pass' });
  });

  await t.test('mismatched PNET IDs', async (t) => {
    await run('smc_pnet -a NET1 -I lo; smc_pnet -a NET2 -D rxelo');
    const found = await smcChk(guest);
    t.equal(found.status, 3);
    const lo = found.find('interface', 'lo');
    t.match(lo, {
      status: 'fail',
      reason: /^SMC-R: no RDMA port has the PNET ID NET1 of lo; /,
      fix: 'smc_pnet -d NET2; smc_pnet -a NET1 -D rxelo -P 1',
      facts: { pnet_id: 'NET1', pnet_id_source: 'table' },
    });
    t.strictSame(await modes(guest, 7203), ['TCP', 'TCP'], 'it is true');
    await mend(t, guest, lo);
    const mended = await smcChk(guest);
    t.equal(mended.status, 0);
    t.match(mended.find('interface', 'lo'), {
      status: 'pass',
      finding: /over rxelo port 1; PNET ID NET1 from the table$/,
    });
    t.strictSame(await modes(guest, 7204), ['SMCR', 'SMCR'], 'it is true');
  });

  await t.test('an ordinary user', async (t) => {
    // as Debian's kernels have it
    await run('sysctl -qw kernel.dmesg_restrict=1');
    const found = await smcChk(guest, '', { user: 'nobody' });
    t.equal(found.status, 4);
    t.strictSame(
      found.notable.filter((line) => line.startsWith('unknown')),
      ['unknown kernel-log'],
      'all the rest can be seen by everybody',
    );
    t.match(found.find('kernel-log'), {
      reason: '/dev/kmsg: permission denied',
      fix: 'run smc_chk as root, outside of containers',
    });
  });

  await t.test('another network namespace', async (t) => {
    await run('ip netns add other; ip -n other link set lo up');
    const found = await smcChk(guest, '', { prefix: 'ip netns exec other' });
    t.equal(found.status, 3);
    t.match(found.find('namespace'), { status: 'warning', facts: { initial: false, rdma_mode: 'shared' } });
    t.match(found.find('interface', 'lo'), {
      status: 'fail',
      reason: /the interfaces of the RDMA devices are in another network namespace$/,
      fix: 'smc_pnet -a NET1 -I lo',
    });
    const fromOutside = await smcChk(guest, '-N other');
    t.strictSame(fromOutside.notable, found.notable, '--netns sees the same');
    t.match(fromOutside.find('interface', 'lo'), { reason: found.find('interface', 'lo').reason });
  });

  await t.test('a device that is down, and one below a VLAN', async (t) => {
    await run(
      'rdma link delete rxelo; smc_pnet -f; ip link add d0 type dummy; ip link set d0 up; ip address add 10.9.0.1/24 dev d0; ' +
        'rdma link add rxed0 type rxe netdev d0; ip link set d0 down',
    );
    const down = await smcChk(guest);
    t.equal(down.status, 3);
    const port = down.find('rdma-port', 'rxed0/1');
    t.match(port, {
      status: 'fail',
      finding: 'the port is DOWN on d0',
      reason: 'its interface d0 is set down',
      fix: 'ip link set d0 up',
    });
    t.strictSame(await guest.run('smc_chk d0'), {
      status: 2,
      stdout: '',
      stderr: 'smc_chk: interface d0 is not up; ip link set d0 up\n',
    });
    await mend(t, guest, port);
    await run(
      'modprobe 8021q; ip link add link d0 name d0.5 type vlan id 5; ip link set d0.5 up; ip address add 10.9.5.1/24 dev d0.5',
    );
    const up = await smcChk(guest);
    t.equal(up.status, 0);
    t.match(up.find('interface', 'd0'), { status: 'pass', finding: /over rxed0 port 1/ });
    t.match(up.find('interface', 'd0.5').facts, { base_interface: 'd0' });
    t.match(up.find('mtu', 'd0'), { status: 'pass', facts: { mtu: 1500, rdma_mtu: 1024 } });
    await run('ip link set d0.5 mtu 1400; ip link set d0 mtu 1000');
    t.match((await smcChk(guest)).find('mtu', 'd0'), { status: 'warning', facts: { rdma_mtu: 512 } });
  });

  await t.test('settings out of line', async (t) => {
    await run('sysctl -w net.core.rmem_max=212992 net.smc.rmem=2097152 net.smc.smcr_testlink_time=0');
    const found = await smcChk(guest);
    t.match(found.find('sysctl', 'net.smc.rmem'), { status: 'warning' });
    t.match(found.find('buffer-limit', 'net.core.rmem_max'), { status: 'warning' });
    for (const name of ['rmem', 'smcr_testlink_time'])
      await mend(t, guest, found.find('sysctl', `net.smc.${name}`));
    t.match((await smcChk(guest)).find('sysctl'), { status: 'pass', subject: null });
  });
});

t.test('SMC-D over loopback-ism', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  await addUeid(guest);

  const found = await smcChk(guest);
  t.equal(found.status, 0);
  t.strictSame(found.notable, ['warning rdma-device'], 'other hosts are out of reach');
  t.match(found.find('ism-device', 'loopback-ism'), { status: 'pass' });
  t.match(found.find('interface', 'lo'), { status: 'pass', finding: /^SMC-D version 2 over loopback-ism; / });
  t.match(found.find('module', 'smc').facts, { out_of_tree: !hasDibs }, 'rebuilt for 6.12');
  t.strictSame(await modes(guest, 7301), ['SMCD', 'SMCD'], 'it is true');

  // in every run, test/smc/checks/ has this finding
  await long(t, 'a PNET ID disables loopback-ism', async (t) => {
    await guest.run(`smc_pnet -a NET1 -D ${LOOPBACK}`, { check: true });
    const disabled = await smcChk(guest);
    t.equal(disabled.status, 3);
    t.match(disabled.find('ism-device', 'loopback-ism'), {
      status: 'fail',
      finding: 'PNET ID NET1 is set for it, which disables it',
      fix: /^smc_pnet -d NET1/,
    });
    t.match(disabled.find('interface', 'lo'), { status: 'fail' });
    t.strictSame(await modes(guest, 7302), ['TCP', 'TCP'], 'it is true');
  });
});

// in every run, the recorded scenes of 6.1 have what smc_chk finds there
for (const kernel of kernelsOf('6.1'))
  long(t, `kernel ${kernel}`, async (t) => {
    const guest = await bootWithSuite({ kernel });
    t.teardown(() => guest.close());
    await setUpSmcR(guest);
    await addUeid(guest);
    const found = await smcChk(guest);
    t.equal(found.status, 3);
    t.strictSame(found.notable, ['fail kernel-fault soft-roce-handshake']);
    t.match(found.find('kernel-fault'), {
      finding: /handshakes over soft-RoCE hang/,
      fix: /^boot Linux 6\.12 or later/,
    });
    t.match(found.find('kernel'), {
      status: 'pass',
      // "uname -r" prints something like 6.1.0-48-amd64; /proc/version has the stable release
      facts: { version: /^6\.1\.\d{2,}$/ },
    });
    t.match((found.find('kernel').facts['missing_features'] as string[]).slice(0, 3), [
      /2\.1/,
      'loopback-ism',
      /IPPROTO_SMC/,
    ]);
    t.match(found.find('kernel-fixes').facts, { version: /^6\.1\.\d{2,}$/ });

    const pnet = 'smc_pnet -a NET1 -I lo -D rxelo';
    const mended = await guest.run(`${pnet} && rdma link delete rxelo && smc_chk`);
    t.match(mended.stdout, /^PASS kernel-fault: no known fault of this release affects this host$/m);
  });
