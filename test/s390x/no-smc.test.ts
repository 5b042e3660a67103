// SPDX-License-Identifier: MIT
// The installed package on a kernel for s390x without SMC, as Debian builds 7.x: every command says so, what needs none works,
// and programs run over TCP. test/vm/no-smc.test.ts has more of it on x86. One boot for all.
import t from 'tap';
import { batch, waitForListener } from '../vm/suite.ts';
import { bootInstalled, clean, expectAll, PCI_FUNCTIONS, sameHere } from './installed.ts';

const FIX =
  'boot a kernel that was built with CONFIG_SMC, CONFIG_SMC_DIAG and, since Linux 6.18, CONFIG_DIBS';
const SENTENCE = `this kernel has no SMC: there is no module smc for it; ${FIX}`;
const UNSEEN = 'smc_rnics: this kernel has no SMC: what only the kernel knows is shown as ?\n';
const NOTE = 'smc_run: this kernel has no SMC: the program will run over TCP\n';

/** Commands that can do nothing there; the last ones change something. */
const NEED_SMC = [
  ...['smcss', 'smcss -s', 'smcss -i 1', 'smcss --watch', 'smcss -E', 'smc_pnet', 'smc_pnet -j'],
  ...['smcd info', 'smcd -j device', 'smcd seid', 'smcr -j linkgroup', 'smcr stats', 'smcr hs-limit'],
  ...['smc_conf export', 'smc_conf -j export', 'smc_conf diff -f /tmp/smc.yaml'],
  ...['smc_pnet -a NET1 -I lo', 'smcd seid disable', 'smcr ueid add X', 'smc_conf apply -f /tmp/smc.yaml'],
];

/** Commands that show the same of a bundle, each in another way. */
const SHOWN = [
  ...['smcss -j', 'smc_pnet', 'smcd seid', 'smcr -d linkgroup', 'smcr sysctl', 'smc_conf export'],
  ...['smc_rnics -a', 'smc_rnics -aI', 'smc_rnics -aj', 'smc_chk -i lo', 'smc_chk -s lo', 'smc_chk -s -j lo'],
];

t.test('no SMC on s390x, kernel 7.x', async (t) => {
  const guest = await bootInstalled({ kernel: '7.x-debian', name: 's390x-guest', devices: PCI_FUNCTIONS });
  t.teardown(() => guest.close());
  const run = async (command: string, options = {}) => clean(await guest.run(command, options));

  await t.test('the kernel is what this is about', async (t) => {
    const { stdout, stderr } = await run('uname -rm; modprobe smc');
    t.match(stdout, /^7\.\S+ s390x\n$/);
    t.match(stderr, 'Module smc not found');
  });

  await t.test('what needs SMC', async (t) => {
    await guest.writeFile(
      '/tmp/smc.yaml',
      'version: 1\npnet: { NET1: { interfaces: [lo] } }\nueids: [A]\nseid: false\n',
    );
    await expectAll(t, guest, [
      ...NEED_SMC.map((line) => [line, 1, '', `${line.split(' ')[0]}: ${SENTENCE}\n`] as const),
      [
        'smcss -j',
        1,
        '{"sockets":[],"complete":false,"error":"this kernel has no SMC: there is no module smc for it"}\n',
        `smcss: ${SENTENCE}\n`,
      ],
      ['smcd sysctl', 1, '', `smcd: there are no settings net.smc.*: this kernel has no SMC; ${FIX}\n`],
      [
        'smc_conf check -f /tmp/smc.yaml',
        0,
        `/tmp/smc.yaml: warning: this kernel has no SMC: nothing of the file has an effect; ${FIX}\n`,
        '',
      ],
    ]);
  });

  await t.test('smc_chk', async (t) => {
    const [text, json] = await batch(guest, ['smc_chk', 'smc_chk -j']);
    t.strictSame([text!.status, text!.stderr], [3, '']);
    t.match(
      text!.stdout,
      /^FAIL module smc: this host has no SMC: Linux 7\.\S+ has no module smc\n {2}reason: .* without CONFIG_DIBS, which SMC needs since Linux 6\.18; modprobe cannot help\n {2}fix: /,
    );
    const { checks } = JSON.parse(json!.stdout) as {
      checks: { id: string; status: string; reason: string | null; facts: Record<string, unknown> }[];
    };
    const find = (id: string) => checks.find((check) => check.id === id);
    t.match(find('module'), { status: 'fail', facts: { state: 'absent' } });
    t.match(find('kernel'), { status: 'pass', facts: { architecture: 's390x', missing_features: [] } });
    t.match(find('sysctl'), {
      status: 'unknown',
      reason: 'there are no settings net.smc.*: this kernel has no SMC',
    });
    t.strictSame(
      checks.filter(({ status }) => status === 'warning' || status === 'fail').map(({ id }) => id),
      ['module', 'rdma-device'],
    );
  });

  await t.test('the live test of smc_chk', async (t) => {
    const server = await guest.start('exec smc_chk -S');
    await waitForListener(guest, 37_373);
    const { status, stdout } = await run('smc_chk -C 127.0.0.1');
    t.equal(status, 3);
    t.match(
      stdout,
      /Failed {2}TCP fallback\n {10}Cause at this host: this kernel has no SMC\n {10}Fix: boot/,
    );
    server.kill('SIGINT');
    t.match(
      (await server.wait()).stdout,
      /^127\.0\.0\.1:\d+ TCP; cause at this host: this kernel has no SMC/m,
    );
  });

  await t.test('smc_rnics: the functions, off and on', async (t) => {
    const table = (first: string) => `\
FID   Power  PCI_ID        PCHID  Type             PFT   VF   PPrt  PNET_ID            Net-Dev
----------------------------------------------------------------------------------------------------
${first}
  22  1      0012:00:00.0  0000   1af4:1000        0x00  n    n/a   n/a                n/a
`;
    const on = '  21  1      0011:00:00.0  0000   1af4:1000        0x00  n    n/a   n/a                n/a';
    const off = '  21  0      n/a           n/a    n/a              n/a   n/a  n/a   n/a                n/a';
    await expectAll(t, guest, [
      ['smc_rnics -a', 0, table(on), UNSEEN],
      ['smc_rnics -d 21', 0, '', ''],
      ['smc_rnics -d 21', 6, '', 'smc_rnics: the PCI function with FID 21 is already off\n'],
      ['smc_rnics -a', 0, table(off), UNSEEN],
      ['smc_rnics -e 99', 5, '', 'smc_rnics: there is no PCI function with FID 99; smc_rnics -a lists all\n'],
      ['smc_rnics --enable=21', 0, '', ''],
      ['smc_rnics -a', 0, table(on), UNSEEN],
    ]);
  });

  await t.test('smc_dbg: a bundle, there and here', async (t) => {
    const shown = await sameHere(t, guest, SHOWN);
    const { devices, problems } = JSON.parse(shown.get('smc_rnics -aj')!.stdout);
    t.match(devices, [
      { pci_fid: '0021', uid: '0011' },
      { pci_fid: '0022', uid: '0012' },
    ]);
    t.strictSame(problems, [{ part: 'SMC', error: 'this kernel has no SMC' }]);
  });

  await t.test('smc_exporter, by an ordinary user', async (t) => {
    const { status, stdout, stderr } = await run('smc_exporter --once --timeout 60', { user: 'nobody' });
    t.strictSame([status, stderr], [0, '']);
    t.match(stdout, 'smc_module_loaded{module="smc"} 0\nsmc_module_loaded{module="smc_diag"} 0\n');
    t.notMatch(stdout, /_total|^smc_scrape_collector_success.* 0$/m, 'that there is no SMC is an answer');
  });

  await t.test('smc_run: programs run over TCP', async (t) => {
    for (const [program, way, errno] of [
      // what its library is told of no SMC
      ['pair-dynamic', 'preload', 'EPROTONOSUPPORT'],
      // its sockets come by socketcall(2)
      ['pair-static', 'seccomp', 'EAFNOSUPPORT'],
    ] as const) {
      const { status, stdout, stderr } = await run(`smc_run -j ${program}`);
      t.strictSame([status, stdout], [0, 'same\n'], `${program}: data came back unchanged`);
      t.match(stderr, NOTE);
      t.match(JSON.parse(stderr.trimEnd().split('\n').pop() ?? ''), {
        way,
        all_smc: false,
        sockets: { smc: 0, tcp: 2 },
        refused: [{ errno }],
        totals: { smcd: 0, smcr: 0, tcp: 0 },
      });
    }
    t.strictSame(await run('smc_run --strict pair-static'), {
      status: 125,
      stdout: '',
      stderr: 'smc_run: --strict: this kernel has no SMC\n',
    });
    const required = await run('smc_run --require-smc pair-dynamic');
    t.strictSame(required, {
      status: 123,
      stdout: 'same\n',
      stderr: `${NOTE}smc_run: --require-smc: 2 sockets could not be opened as SMC\n`,
    });
  });
});
