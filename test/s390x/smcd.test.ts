// SPDX-License-Identifier: MIT
// The installed package on a real s390x kernel with SMC-D (loopback-ism) and PCI functions: values that a byte order, a
// pointer size or the ABI could break. One boot for all.
import t from 'tap';
import { validate } from '../helpers/schemas.ts';
import { agrees, seriesOf } from '../vm/metrics.ts';
import { batch, type JsonSocket, on, UEID, waitFor, waitForListener, waitForOutput } from '../vm/suite.ts';
import { bootInstalled, COMMANDS, clean, expectAll, hold, PCI_FUNCTIONS, sameHere } from './installed.ts';

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
    for (const name of COMMANDS) {
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

  await t.test('smc_conf: a state comes and goes', async (t) => {
    const conf = async (words: string) => (await batch(guest, [`smc_conf ${words}`]))[0]!;
    const write = (text: string) => guest.writeFile('/tmp/smc.yaml', `version: 1\n${text}\n`);
    const before = (await conf('export')).stdout;
    t.match(before, /^ueids: \[\]\n# The SEID of this machine: IBM-SYSZ-ISMSEID0{12}8561\nseid: true$/m);
    await write(`pnet: { NET1: { interfaces: [lo] } }
ueids: [CONF.ONE]
seid: false
handshake_limit: true
sysctls: { wmem: 131072 }`);
    t.strictSame(await conf('check -f /tmp/smc.yaml'), { status: 0, stdout: '', stderr: '' });
    t.match(await conf('diff -f /tmp/smc.yaml'), {
      status: 2,
      stdout: `add UEID CONF.ONE
add interface lo to PNET ID NET1
enable the handshake limitation
set wmem to 131072 (now 65536)
disable the SEID
`,
      stderr: '',
    });
    t.match(await conf('apply -f /tmp/smc.yaml'), { status: 0, stderr: '' });
    t.strictSame(await conf('diff -f /tmp/smc.yaml'), { status: 0, stdout: '', stderr: '' });
    const applied = (await conf('export')).stdout;
    t.match(applied, /^ueids:\n {2}- CONF\.ONE\n# .*\nseid: false$/m);
    t.match(applied, /^ {2}wmem: 131072$/m);

    // another UEID is there before the last one goes, so the SEID stays off
    await write('ueids: [CONF.TWO]\nseid: false\nhandshake_limit: false');
    t.strictSame(await conf('apply --prune -f /tmp/smc.yaml'), {
      status: 0,
      stdout: `added UEID CONF.TWO
disabled the handshake limitation
removed UEID CONF.ONE
`,
      stderr: '',
    });
    // the kernel answers EAGAIN
    await write('ueids: []\nseid: true');
    t.strictSame(await conf('apply --prune -f /tmp/smc.yaml'), {
      status: 0,
      stdout: `enabled the SEID
removed UEID CONF.TWO
`,
      stderr: 'smc_conf: no UEID is left: the kernel has enabled the SEID\n',
    });
    t.equal((await conf('undo')).status, 0);
    t.match((await conf('export')).stdout, /^ueids:\n {2}- CONF\.TWO\n# .*\nseid: false$/m, 'undone');
    await guest.writeFile('/tmp/before.yaml', before);
    t.equal((await conf('apply --prune -f /tmp/before.yaml')).status, 0);
    t.equal((await conf('export')).stdout, before, 'the same bytes');
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

  await t.test('smcss: rates, and one list after the other', async (t) => {
    const [preload] = (await run('smc_run --preload-path', { check: true })).stdout.split('\n');
    const sender = await guest.start(
      `exec env LD_PRELOAD=${preload} python3 test/vm/programs/steady-connection.py 7502`,
    );
    t.teardown(() => sender.kill());
    await waitForOutput(sender, 'bytes', (text) => text.includes('sending'));
    const sent = async () => {
      const [stats] = await batch(guest, ['smcd -ja stats']);
      return JSON.parse(stats!.stdout).statistics.tx.bytes as number;
    };
    // what was sent in that time cannot be more than what was sent from before it to after it, if every byte is where it belongs
    const isPlausible = (bytes: readonly number[], limit: number, what: string) => {
      t.ok(Math.max(...bytes) > 0 && Math.max(...bytes) <= limit + 10_000, `${what}: ${bytes} of ${limit}`);
    };
    const before = await sent();
    const [measured] = await batch(guest, ['smcss -j -i 1']);
    const between = await sent();
    const rates = on(7502, JSON.parse(measured!.stdout).sockets).map(
      (socket) => (socket as unknown as { rates: Record<string, number> }).rates,
    );
    t.equal(rates.length, 2);
    for (const way of ['rx', 'tx'])
      isPlausible(
        rates.map((rate) => rate[`${way}_bytes_per_second`]! * rate['seconds']!),
        between - before,
        `${way} of --rates`,
      );

    const watch = await guest.start('exec smcss -jp --watch 0.5');
    const documents = await waitForOutput(watch, 'three lists', (text) => {
      const lines = text.split('\n').slice(0, -1);
      return lines.length >= 3 && lines;
    });
    watch.kill();
    t.equal((await watch.wait()).status, 0);
    const after = await sent();
    for (const line of documents) t.strictSame(validate('smcss --watch', JSON.parse(line)), []);
    const last = on(7502, JSON.parse(documents.at(-1)!).sockets) as unknown as {
      watched: { rx_bytes: number; tx_bytes: number };
      owners: { command: string }[];
    }[];
    t.equal(last.length, 2);
    t.ok(last.every(({ owners }) => owners.length === 1 && owners[0]?.command === 'python3'));
    for (const way of ['rx_bytes', 'tx_bytes'] as const)
      isPlausible(
        last.map(({ watched }) => watched[way]),
        after - between,
        `${way} of --watch`,
      );

    const terminal = await guest.start(
      `mkfifo /tmp/keys && exec 3<>/tmp/keys && TERM=xterm exec script -qfc \
'stty cols 120 rows 20; smcss --watch 0.5; echo status $?' /tmp/typescript <&3`,
    );
    await waitFor(guest, 'cat /tmp/typescript', { shows: 'RX +[0-9.K]+ B/s +TX +[0-9.K]+ B/s' });
    // in colours
    await waitFor(guest, 'cat /tmp/typescript', { shows: 'SMCD.*ACTIVE' });
    await guest.run('printf q >/tmp/keys', { check: true });
    await waitFor(guest, 'cat /tmp/typescript', { shows: 'status 0' });
    await terminal.wait();
    sender.kill();
    await sender.wait();
  });

  await t.test('smc_exporter: what the commands show', async (t) => {
    const stop = await hold(guest, 7503);
    const [scraped, groups] = await batch(guest, ['smc_exporter --once --timeout 60', 'smcd -j linkgroup']);
    t.strictSame([scraped!.status, scraped!.stderr], [0, '']);
    const metrics = seriesOf(scraped!.stdout);
    await agrees(t, guest, metrics);
    t.equal(metrics.get('smc_ueids'), 1);
    t.equal(metrics.get('smc_open_connections{mode="smcd"}'), 2);
    const { length } = JSON.parse(groups!.stdout).link_groups;
    t.ok(length > 0);
    t.equal(metrics.get('smc_link_groups{technology="smcd"}'), length);
    t.ok(metrics.get('smc_buffers_in_use_bytes{technology="smcd",direction="rx"}')! > 0);
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
