// SPDX-License-Identifier: MIT
// The installed package on a real s390x kernel with SMC-D (loopback-ism) and PCI functions: values that a byte order, a
// pointer size or the ABI could break. One boot for all.
import t from 'tap';
import { batch, type JsonSocket, on, UEID, waitForListener } from '../vm/suite.ts';
import { bootInstalled, clean, expectAll, hold, PCI_FUNCTIONS, sameHere } from './installed.ts';

const SEID = 'IBM-SYSZ-ISMSEID0000000000008561';

interface Report {
  way: string;
  all_smc: boolean;
  sockets: { smc: number; tcp: number };
  totals: Record<string, number>;
}

t.test('SMC-D on s390x, kernel 6.12', async (t) => {
  const guest = await bootInstalled({ kernel: '6.12-smcd', name: 's390x-guest', devices: PCI_FUNCTIONS });
  t.teardown(() => guest.close());
  const run = async (command: string, options = {}) => clean(await guest.run(command, options));

  await t.test('each command starts as installed, compiled JavaScript and all', async (t) => {
    for (const name of [
      'smcss',
      'smcd',
      'smcr',
      'smc_pnet',
      'smc_rnics',
      'smc_run',
      'smc_chk',
      'smc_dbg',
      'smc_conf',
    ]) {
      const { status, stdout, stderr } = await guest.run(`${name} --version`, { env: { NODE_OPTIONS: '' } });
      t.strictSame([status, stderr], [0, ''], name);
      t.match(stdout, /smc-tools/);
    }
  });

  await t.test('UEIDs and the SEID', async (t) => {
    const padded = (eid: string) => `${eid.padEnd(32)}\n`;
    const takesOver = 'smcd: no UEID is left: the kernel has enabled the SEID\n';
    const noUeid =
      'smcd: the SEID cannot be disabled: there is no UEID; define one first: smcd ueid add UEID\n';
    await expectAll(t, guest, [
      ['smcd seid', 0, `${SEID} [enabled]\n`, ''],
      ['smcd seid disable', 255, '', noUeid],
      ['smcd ueid add ONE', 0, '', ''],
      ['smcd ueid add ONE', 255, '', 'smcd: UEID ONE is already defined\n'],
      ['smcd ueid', 0, padded('ONE'), ''],
      ['smcd seid disable', 0, '', ''],
      ['smcd seid', 0, `${SEID} [disabled]\n`, ''],
      ['smcd -j seid', 0, `{"seid":{"seid":"${SEID}","enabled":false}}\n`, ''],
      ['smcr ueid add TWO', 0, '', ''],
      ['smcd ueid del ONE', 0, '', ''],
      ['smcd seid', 0, `${SEID} [disabled]\n`, ''],
      // the kernel answers EAGAIN
      ['smcd ueid del TWO', 0, '', takesOver],
      ['smcd seid', 0, `${SEID} [enabled]\n`, ''],
      ['smcd ueid add THREE', 0, '', ''],
      ['smcd seid disable', 0, '', ''],
      ['smcd ueid flush', 0, '', takesOver],
      ['smcd seid', 0, `${SEID} [enabled]\n`, ''],
      ['smcd seid enable', 0, '', ''],
      ['smcd ueid del NONE', 255, '', 'smcd: UEID NONE is not defined\n'],
    ]);
  });

  await guest.run(`smcd ueid add ${UEID}`, { check: true });

  await t.test('everything that commands show, there and here', async (t) => {
    const stop = await hold(guest, 7501);
    const shown = await sameHere(t, guest);
    const found = on(7501, JSON.parse(shown.get('smcss -aj')!.stdout).sockets as JsonSocket[]).filter(
      ({ state }) => state === 'ACTIVE',
    );
    t.strictSame(
      found.map(({ mode }) => mode),
      ['SMCD', 'SMCD'],
    );
    const [one, other] = found.map(({ dmb }) => dmb);
    t.equal(one?.['token'], other?.['peer_token'], 'each end knows the buffer of the other');
    t.equal(one?.['gid'], one?.['peer_gid'], 'loopback');
    t.match(
      shown.get('smcss -D')!.stdout,
      /^ACTIVE +00000 \d{7} 127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +0000 SMCD ([0-9a-f]{16} ){4}[0-9a-f]{8} $/m,
    );
    t.match(shown.get('smcd -a info')!.stdout, new RegExp(`^SEID: +${SEID}$`, 'm'));
    t.match(shown.get('smcd -a info')!.stdout, /^SMC Hostname: +s390x-guest +$/m);
    const groups = JSON.parse(shown.get('smcd -ja linkgroup')!.stdout).link_groups as {
      connections: number;
    }[];
    t.ok(groups.length > 0);
    await stop();
  });

  await t.test('smc_run: both ways, report, signals and status', async (t) => {
    const reportOf = (stderr: string) => {
      const lines = stderr.trimEnd().split('\n');
      return JSON.parse(lines.pop() ?? '') as Report;
    };
    for (const [program, way] of [
      ['pair-dynamic', 'preload'],
      // its sockets come by socketcall(2)
      ['pair-static', 'seccomp'],
    ] as const) {
      const { status, stdout, stderr } = await run(`smc_run -j --require-smc ${program}`);
      t.strictSame([status, stdout], [0, 'same\n'], `${program}: data came back unchanged`);
      t.match(
        reportOf(stderr),
        { way, all_smc: true, sockets: { smc: 2, tcp: 0 }, totals: { smcd: 2, smcr: 0, tcp: 0 } },
        program,
      );
    }
    const launched = await run('smc_run --via seccomp pair-dynamic flags');
    t.strictSame([launched.status, launched.stdout], [0, 'kept\n'], 'flags and limits of sockets');
    const failed = await run("smc_run --report sh -c 'exit 7'");
    t.equal(failed.status, 7, 'status');
    const killed = await run("smc_run --report sh -c 'kill -TERM $$'");
    t.equal(killed.status, 128 + 15, 'signal');
  });

  await t.test('smc_chk', async (t) => {
    const server = await guest.start('exec smc_chk -S');
    await waitForListener(guest, 37_373);
    const { status, stdout, stderr } = await run('smc_chk -C 127.0.0.1');
    t.strictSame([status, stderr], [0, '']);
    t.match(stdout, /^ {5}Success, using SMC-D$/m);
    t.match(stdout, new RegExp(`^ {10}EID: (${UEID.replace('.', '\\.')}|${SEID})$`, 'm'));
    server.kill('SIGINT');
    t.match((await server.wait()).stdout, /SMC-D/);
    const [system] = await batch(guest, ['smc_chk -j']);
    const { checks } = JSON.parse(system!.stdout) as { checks: { id: string; status: string }[] };
    const statusOf = (id: string) => checks.find((check) => check.id === id)?.status;
    for (const id of ['kernel', 'module', 'family', 'ueid']) t.equal(statusOf(id), 'pass', id);
  });

  await t.test('smc_rnics: PCI functions, off and on', async (t) => {
    const functions = async () => {
      const [shown] = await batch(guest, ['smc_rnics -aj']);
      const { devices } = JSON.parse(shown!.stdout) as {
        devices: { pci_fid: string | null; uid: string; pchid: string; pci_id: string; is_on: boolean }[];
      };
      return devices
        .filter(({ pci_fid }) => pci_fid !== null)
        .sort((a, b) => Number(a.pci_fid) - Number(b.pci_fid));
    };
    t.match(await functions(), [
      { pci_fid: '0021', uid: '0011', pchid: '0000', pci_id: '0011:00:00.0', is_on: true },
      { pci_fid: '0022', uid: '0012', pchid: '0000', pci_id: '0012:00:00.0', is_on: true },
    ]);
    await expectAll(t, guest, [
      ['smc_rnics -d 21', 0, '', ''],
      ['smc_rnics -d 21', 6, '', 'smc_rnics: the PCI function with FID 21 is already off\n'],
      ['smc_rnics -e 99', 5, '', 'smc_rnics: there is no PCI function with FID 99; smc_rnics -a lists all\n'],
    ]);
    t.match(await functions(), [
      { pci_fid: '0021', is_on: false },
      { pci_fid: '0022', is_on: true },
    ]);
    await expectAll(t, guest, [['smc_rnics --enable=21', 0, '', '']]);
    t.match(await functions(), [
      { pci_fid: '0021', is_on: true },
      { pci_fid: '0022', is_on: true },
    ]);
  });
});
