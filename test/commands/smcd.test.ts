// SPDX-License-Identifier: MIT
// Exact output of smcd: devices, link groups, enterprise ids, settings.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcd } from '../../src/commands/smcd/command.ts';
import { emptyKernel, fails, ISM, inspectedKernel, SMCD_GROUP } from '../helpers/inspected-kernel.ts';
import { type RunOptions, runCommand } from '../helpers/run-command.ts';

const call = (argv: string | readonly string[], options: RunOptions = {}) =>
  runCommand(smcd, argv, { transport: inspectedKernel(), hostRoot: '/nonexistent', ...options });

const stdout = async (t: Test, argv: string, options: RunOptions = {}) => {
  const outcome = await call(argv, options);
  t.strictSame({ ...outcome, stdout: '' }, { status: 0, stdout: '', stderr: '' }, argv);
  return outcome.stdout;
};

t.test('device', async (t) => {
  const header = 'FID  Type  PCI-ID        PCHID  InUse  #LGs  PNET-ID  \n';
  const row = '001c ISM   0000:00:00.0  07c0   Yes       2  NET1             \n';
  t.equal(await stdout(t, 'device'), header + row);
  t.equal(await stdout(t, '-d dev show all'), header + row, '-d changes nothing');
  t.strictSame(JSON.parse(await stdout(t, '-j device')), {
    devices: [
      {
        pci_fid: '001c',
        type: 'ISM',
        pci_id: '0000:00:00.0',
        pci_vendor: '1014',
        pci_device: '04ed',
        pchid: '07c0',
        in_use: true,
        link_groups: 2,
        pnet_id: 'NET1',
        pnet_id_by_user: false,
        dibs_name: null,
        gid: null,
        fabric_id: null,
      },
    ],
  });
  const odd = inspectedKernel({
    GET_DEV_SMCD: () => [
      { devSmcd: { useCount: 0, pciDevice: 0x1234, port: { pnetUser: 1, pnetId: 'ABCDEFGHIJKLMNOP' } } },
    ],
  });
  t.equal(
    await stdout(t, 'device', { transport: odd }),
    `${header}0000 0x1234                0000   No        0  *ABCDEFGHIJKLMNOP \n`,
  );
  const silent = inspectedKernel({ GET_DEV_SMCD: () => [{ devSmcd: { useCount: 0 } }] });
  t.match(JSON.parse(await stdout(t, '-j device', { transport: silent })).devices, [
    { pci_fid: null, type: null, in_use: null, link_groups: 0, pnet_id: null, pnet_id_by_user: false },
  ]);
  t.equal((await call('device ibdev x')).status, 255);
});

t.test('loopback-ism is in no list, but a terminal is told', async (t) => {
  const transport = emptyKernel().serve(
    // biome-ignore lint/suspicious/noExplicitAny: one command of the family, served anew
    (await import('../../src/netlink/uapi/smc.ts')).smcGenNetlink as any,
    {
      GET_SYS_INFO: () => [{ sysInfo: { version: 2, isIsmV2: 1 } }],
      GET_DEV_SMCD: () => [],
      GET_DEV_SMCR: () => [],
    },
  );
  t.equal(await stdout(t, 'device', { transport }), '');
  t.strictSame(await call('device', { transport, terminal: true }), {
    status: 0,
    stdout: '',
    stderr: 'smcd: the only SMC-D device is loopback-ism, which the kernel does not list\n',
  });
  t.match(await stdout(t, '-j info', { transport }), /"ism_versions":\[\].*"loopback_ism":true/);
});

const GROUPS = 'LG-ID    VLAN  #Conns  PNET-ID \n';

t.test('linkgroup', async (t) => {
  const one = '00000100  0x5       9  ABCDEFGHIJKLMNOP \n';
  const others = ['00000200    0       0                   \n', '00000300    0       0                   \n'];
  t.equal(await stdout(t, 'linkgroup'), GROUPS + one + others.join(''));
  t.equal(await stdout(t, 'linkgroup link-show 100'), GROUPS + one, 'SMC-D has no links: the groups');
  t.strictSame(await call('l s 500'), {
    status: 1,
    stdout: GROUPS,
    stderr: 'smcd: there is no link group 00000500; smcd linkgroup lists all\n',
  });
  t.equal(
    await stdout(t, '-d linkgroup'),
    `LG-ID    : 00000100
VLAN     : 5
PNET-ID  : ABCDEFGHIJKLMNOP
Version  : 2
Peer-Rel : 1
Peer-Host: peer
Peer-OS  : LINUX
EID      : MY.EID                          
#Conns   : 9
Sndbuf   : 65536 B
DMB      : 4294967296 B

LG-ID    : 00000200
VLAN     : 0
PNET-ID  : 
Version  : 1
#Conns   : 0
Sndbuf   : 0 B
DMB      : 0 B

LG-ID    : 00000300
VLAN     : 0
PNET-ID  : 
Version  : 1
#Conns   : 0
Sndbuf   : 0 B
DMB      : 0 B
`,
  );
  const document = JSON.parse(await stdout(t, '-j linkgroup'));
  t.strictSame(document.link_groups[0], {
    link_group_id: '00000100',
    vlan_id: 5,
    connections: 9,
    pnet_id: 'ABCDEFGHIJKLMNOP',
    version: 2,
    peer_release: 1,
    peer_host: 'peer',
    peer_os: 'LINUX',
    eid: 'MY.EID',
    sndbuf_bytes: 65_536,
    dmb_bytes: 4_294_967_296,
    gid: '5244e083631af99e',
    ext_gid: '0000000000000001',
    peer_gid: '5244e083631af99f',
    peer_ext_gid: '0000000000000000',
    chid: 'ffff',
  });
  t.match(document.link_groups[1], { version: 1, ext_gid: null, dmb_bytes: null, eid: null });
  t.equal(document.complete, true, 'two of the device, one of loopback-ism');
  const silent = inspectedKernel({
    GET_LGR_SMCD: () => [{ lgrSmcd: { id: 0x100 } }],
    GET_DEV_SMCD: () => [],
  });
  const [{ link_group_id, version, ...untold }] = JSON.parse(
    await stdout(t, '-j linkgroup', { transport: silent }),
  ).link_groups;
  t.strictSame([link_group_id, version], ['00000100', 1]);
  t.ok(
    Object.values(untold).every((value) => value === null),
    'what the kernel does not tell is null',
  );
  const { stdout: seen } = await call('-d linkgroup 100', { terminal: true });
  t.match(
    seen,
    /\nGID {6}: 5244e083631af99e:0000000000000001\nPeer-GID : 5244e083631af99f\nCHID {5}: ffff \(loopback-ism\)\n$/,
  );
});

t.test('link groups that the kernel left out are noticed', async (t) => {
  const transport = inspectedKernel({
    GET_LGR_SMCD: () => [{ lgrSmcd: { ...SMCD_GROUP, chid: 0x7c0n } }],
    GET_DEV_SMCD: () => [{ devSmcd: ISM }, { devSmcd: { ...ISM, useCount: 1 } }],
  });
  const { status, stderr, stdout: partial } = await call('-j linkgroup', { transport });
  t.equal(status, 0);
  t.match(partial, /"complete":false}\n$/);
  t.equal(
    stderr,
    'smcd: the kernel left out 2 link groups: its list is incomplete if there are several devices\n',
  );
  const beside = { GET_LGR_SMCD: () => [{ lgrSmcd: SMCD_GROUP }] };
  t.match(
    (await call('linkgroup', { transport: inspectedKernel(beside) })).stderr,
    /left out 2 link groups/,
    'loopback-ism is a device, too',
  );
  const alone = { GET_LGR_SMCD: () => [{ lgrSmcd: { ...SMCD_GROUP, chid: 0x7c0n } }] };
  t.match(
    await stdout(t, '-j linkgroup', { transport: inspectedKernel(alone) }),
    '"complete":true',
    'a single device counts groups that are being taken down, and cannot lose any',
  );
});

t.test('ueid', async (t) => {
  const both = `${'MY.EID'.padEnd(32)}\n${'B'.padEnd(32)}\n`;
  t.equal(await stdout(t, 'ueid'), both);
  t.equal(await stdout(t, 'u show'), both);
  t.equal(await stdout(t, '-j ueid'), '{"ueids":["MY.EID","B"]}\n');
  const asked: unknown[] = [];
  const note = (request: unknown) => {
    asked.push(request);
    return [];
  };
  const transport = inspectedKernel({ ADD_UEID: note, REMOVE_UEID: note, FLUSH_UEID: note });
  t.equal(await stdout(t, 'ueid add X-1', { transport }), '');
  t.equal(await stdout(t, 'ueid del X-1', { transport }), '');
  t.equal(await stdout(t, 'ueid flush', { transport }), '');
  t.equal(await stdout(t, '-j ueid add X.2', { transport }), '{"ueids":["MY.EID","B"]}\n');
  t.strictSame(await call(['ueid', 'add', 'my.eid '], { transport }), {
    status: 0,
    stdout: '',
    stderr: 'smcd: the UEID is stored as MY.EID\n',
  });
  t.strictSame(asked, [{ entry: 'X-1' }, { entry: 'X-1' }, {}, { entry: 'X.2' }, { entry: 'MY.EID' }]);
  for (const [argv, text] of [
    ['ueid add', 'add needs a UEID'],
    ['ueid del', 'del needs a UEID'],
    ['ueid add A B', "unexpected word 'B'"],
    ['ueid show A', "unexpected word 'A'"],
    ['ueid flush A', "unexpected word 'A'"],
    ['ueid X', "unexpected word 'X'"],
    ['ueid --from-machine-id', '--from-machine-id can be used with add only'],
    ['ueid show --from-m', 'show does not take --from-machine-id'],
    ['ueid add A --from-m', "unexpected word 'A'"],
  ] as const)
    t.strictSame(
      await call(argv, { transport }),
      { status: 255, stdout: '', stderr: `smcd: ${text}; smcd ueid help shows the usage\n` },
      argv,
    );
  t.equal(asked.length, 5, 'the kernel was not asked');
});

const RULE = "a UEID has 1 to 32 characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit";

t.test('ueid: each errno is a sentence', async (t) => {
  for (const [argv, command, code, text] of [
    ['ueid add X', 'ADD_UEID', 'EEXIST', 'UEID X is already defined'],
    ['ueid add X', 'ADD_UEID', 'ERANGE', 'the table of UEIDs is full: it has 2 entries; delete one first'],
    ['ueid add B', 'ADD_UEID', 'ERANGE', 'UEID B is already defined'],
    ['ueid add X', 'ADD_UEID', 'EINVAL', `the kernel does not accept UEID X; ${RULE}`],
    [
      'ueid add X',
      'ADD_UEID',
      'ENOMEM',
      'the kernel does not have enough memory for this; try again when more memory is free',
    ],
    ['ueid del X', 'REMOVE_UEID', 'ENOENT', 'UEID X is not defined'],
    ['ueid del X', 'REMOVE_UEID', 'EINVAL', 'UEID X is not defined'],
    ...(['ADD_UEID', 'REMOVE_UEID', 'FLUSH_UEID'] as const).flatMap((command) => {
      const argv = { ADD_UEID: 'ueid add X', REMOVE_UEID: 'ueid del X', FLUSH_UEID: 'ueid flush' }[command];
      const permission = 'permission denied; CAP_NET_ADMIN is needed: run it as root, outside of containers';
      const support = `this kernel does not know the command SMC_GEN_NETLINK ${command}; a newer kernel is needed`;
      return [
        [argv, command, 'EPERM', permission],
        [argv, command, 'EOPNOTSUPP', support],
      ] as const;
    }),
  ] as const)
    t.strictSame(
      await call(argv, { transport: inspectedKernel({ [command]: fails(code) }) }),
      { status: 255, stdout: '', stderr: `smcd: ${text}\n` },
      `${argv} ${code}`,
    );
});

t.test('ueid: what is no UEID is refused before the kernel is asked', async (t) => {
  for (const [ueid, text] of [
    ['', 'the UEID is empty'],
    ['   ', 'the UEID is empty'],
    ['A'.repeat(33), `UEID "${'A'.repeat(33)}" is longer than 32 bytes`],
    ['.A', 'UEID ".A" does not begin with a letter or digit'],
    [' A', 'UEID " A" does not begin with a letter or digit'],
    ['A..B', 'UEID "A..B" has two periods in a row'],
    ['A B', 'UEID "A B" must not contain the character " "'],
    ['AÉ', 'UEID "AÉ" must not contain the character "É"'],
  ] as const) {
    const transport = inspectedKernel();
    const outcome = await call(['ueid', 'add', ueid], { transport });
    t.strictSame(outcome, { status: 255, stdout: '', stderr: `smcd: ${text}; ${RULE}\n` }, ueid);
    t.notMatch(transport.log.join(), 'UEID');
  }
  const transport = inspectedKernel({ ADD_UEID: () => [], REMOVE_UEID: () => [] });
  for (const ueid of ['A', '0-', 'A.-.', 'A--B', 'Z'.repeat(32)])
    t.equal(await stdout(t, `ueid add ${ueid}`, { transport }), '');
  t.equal(await stdout(t, 'ueid del A..B', { transport }), '', 'another program may have defined it');
});

t.test('ueid: the SEID takes over', async (t) => {
  const note = { status: 0, stdout: '', stderr: 'smcd: no UEID is left: the kernel has enabled the SEID\n' };
  const transport = inspectedKernel({ REMOVE_UEID: fails('EAGAIN') });
  t.strictSame(await call('ueid del B', { transport }), note);
  let isEnabled = 0;
  const flushing = inspectedKernel({
    DUMP_SEID: () => [{ entry: 'SEID', enabled: isEnabled }],
    FLUSH_UEID: () => {
      isEnabled = 1;
      return [];
    },
  });
  t.strictSame(await call('ueid flush', { transport: flushing }), note);
  t.equal(await stdout(t, 'ueid flush', { transport: flushing }), '', 'it was on before');
});

t.test('ueid from the machine id', async (t) => {
  let entry: unknown;
  const transport = inspectedKernel({
    ADD_UEID: (request) => {
      entry = request['entry'];
      return [];
    },
  });
  const hostRoot = t.testdir({ etc: { 'machine-id': '0123456789abcdef0123456789abcdef\n' } });
  t.strictSame(await call('ueid add --from-machine-id', { transport, hostRoot }), {
    status: 0,
    stdout: '',
    stderr: "smcd: this machine's UEID is MACHINE-D58349F586C5298FA6362D67\n",
  });
  t.equal(entry, 'MACHINE-D58349F586C5298FA6362D67');
  const { status, stderr } = await call('ueid add --from-m', { transport });
  t.equal(status, 255);
  t.equal(
    stderr,
    'smcd: this machine has no valid ID in /etc/machine-id; systemd-machine-id-setup creates one\n',
  );
});

t.test('seid', async (t) => {
  t.equal(await stdout(t, 'seid'), 'IBM-SYSZ-ISMSEID0000000012345678 [enabled]\n');
  t.equal(await stdout(t, 'se s s'), 'IBM-SYSZ-ISMSEID0000000012345678 [enabled]\n');
  t.equal(
    await stdout(t, '-j seid'),
    '{"seid":{"seid":"IBM-SYSZ-ISMSEID0000000012345678","enabled":true}}\n',
  );
  const loopback = inspectedKernel({ DUMP_SEID: () => [{ entry: '', enabled: 0 }] });
  t.equal(await stdout(t, 'seid', { transport: loopback }), ' [disabled]\n');
  t.equal(await stdout(t, 'seid', { transport: emptyKernel() }), 'n/a\n');
  t.equal(
    await stdout(t, '-j seid', { transport: emptyKernel() }),
    '{"seid":{"seid":null,"enabled":null}}\n',
  );
  const willing = inspectedKernel({ ENABLE_SEID: () => [], DISABLE_SEID: () => [] });
  t.equal(await stdout(t, 'seid enable', { transport: willing }), '');
  t.match(await stdout(t, '-j seid disable', { transport: willing }), /^{"seid":/);
  // a script at boot may come before the device; the kernel takes it
  const early = inspectedKernel({ ENABLE_SEID: () => [], DISABLE_SEID: () => [], DUMP_SEID: () => [{}] });
  for (const argv of ['seid enable', 'seid disable'])
    t.strictSame(
      await call(argv, { transport: early }),
      {
        status: 0,
        stdout: '',
        stderr:
          'smcd: there is no device for SMC-D version 2 yet: the setting takes effect when there is one\n',
      },
      argv,
    );
  const refused = inspectedKernel({ ENABLE_SEID: fails('EOPNOTSUPP'), DISABLE_SEID: fails('ENOENT') });
  for (const [argv, transport, text] of [
    ['seid enable', refused, 'the SEID can be enabled and disabled on IBM Z only'],
    [
      'seid disable',
      refused,
      'the SEID cannot be disabled: there is no UEID; define one first: smcd ueid add UEID',
    ],
    ['seid enable disable', willing, "unexpected word 'disable'; smcd seid help shows the usage"],
  ] as const)
    t.strictSame(
      await call(argv, { transport }),
      { status: 255, stdout: '', stderr: `smcd: ${text}\n` },
      argv,
    );
});

t.test('hs-limit', async (t) => {
  t.equal(await stdout(t, 'hs-limit'), 'enabled\n');
  t.equal(await stdout(t, 'hs', { transport: emptyKernel() }), 'disabled\n');
  const transport = inspectedKernel({
    DISABLE_HS_LIMITATION: () => [],
    ENABLE_HS_LIMITATION: fails('EPERM'),
  });
  t.equal(await stdout(t, 'hs-limit disable', { transport }), '');
  t.equal(await stdout(t, '-j hs-limit dis', { transport }), '{"hs_limit":{"enabled":true}}\n');
  t.match((await call('hs-limit enable', { transport })).stderr, /^smcd: permission denied; /);
});

/** The kernel counts in ticks, and no file tells how many a second has. */
const TESTLINK = 'smcr_testlink_time must be 0 to 2147483647 / HZ seconds, 8589934 where HZ is 250';

t.test('sysctl', async (t) => {
  const hostRoot = t.testdir({
    proc: { sys: { net: { smc: { wmem: '131072\n', rmem: '65536\n', smcr_testlink_time: '30\n' } } } },
  });
  const host = { hostRoot };
  t.equal(
    await stdout(t, 'sysctl show net.smc.wmem', host),
    'Name                        Value   Default  Range             Meaning\n' +
      'wmem                       131072     65536  16384..1073741823 send buffer of new SMC sockets\n',
  );
  t.equal((await stdout(t, 'sy', host)).split('\n').length, 5, 'absent settings are skipped');
  const { sysctls } = JSON.parse(await stdout(t, '-j sysctl', host));
  t.equal(sysctls.length, 11);
  t.match(sysctls[1], { name: 'wmem', value: 131_072, default: 65_536, range: [16_384, 1_073_741_823] });
  t.match(sysctls[4], { name: 'smcr_testlink_time', value: 30, range: [0, null] });
  t.match(await stdout(t, 'sysctl show smcr_testlink_time', host), / 0\.\.2147483647\/HZ {2}seconds/);
  t.match(sysctls.at(-1), { name: 'hs_ctrl', value: null, range: null });
  t.equal(await stdout(t, 'sysctl set wmem 16384', host), '');
  t.equal(readFileSync(join(hostRoot, 'proc/sys/net/smc/wmem'), 'latin1'), '16384\n');
  t.equal(await stdout(t, 'sysctl set net.smc.wmem 00020000', host), '');
  t.equal(
    readFileSync(join(hostRoot, 'proc/sys/net/smc/wmem'), 'latin1'),
    '20000\n',
    'what begins with 0 would be octal for the kernel',
  );
  for (const [text, bytes] of [
    ['256k', 262_144],
    ['1M', 1_048_576],
    ['64K', 65_536],
    ['65536', 65_536],
  ] as const) {
    t.equal(await stdout(t, `sysctl set rmem ${text}`, host), '');
    t.equal(readFileSync(join(hostRoot, 'proc/sys/net/smc/rmem'), 'latin1'), `${bytes}\n`, text);
  }
  t.match(await stdout(t, '-j sysctl set rmem default', host), /^{"sysctls":\[{"name":"rmem","value":65536,/);
  for (const [argv, status, text] of [
    ['set wmem 16383', 255, '16383 is out of range; wmem must be 16384 to 1073741823 bytes'],
    ['set wmem 15k', 255, '15k is out of range; wmem must be 16384 to 1073741823 bytes'],
    [
      'set rmem 64kb',
      255,
      "'64kb' is not a valid size: it must be a number of bytes, or a number with k or m; rmem must be 16384 to 1073741823 bytes",
    ],
    ['set smcr_buf_type 1k', 255, "'1k' is not a whole number; smcr_buf_type must be 0 to 2"],
    ['set smcr_testlink_time 30s', 255, `'30s' is not a whole number; ${TESTLINK}`],
    ['set smcr_testlink_time -1', 255, `-1 is out of range; ${TESTLINK}`],
    ['set smcr_testlink_time 21474837', 255, `21474837 is out of range; ${TESTLINK}`],
    [
      'set limit_smc_hs 1',
      255,
      'this kernel does not have net.smc.limit_smc_hs; it is available since Linux 6.12',
    ],
    ['set wmem', 255, 'set needs a name and a value; smcd sysctl help shows the usage'],
    ['set wmem 1 2', 255, "unexpected word '2'; smcd sysctl help shows the usage"],
    ['show wmem x', 255, "unexpected word 'x'; smcd sysctl help shows the usage"],
    ['x', 255, "unexpected word 'x'; smcd sysctl help shows the usage"],
  ] as const)
    t.strictSame(await call(`sysctl ${argv}`, host), { status, stdout: '', stderr: `smcd: ${text}\n` }, argv);
  // sysfs refuses root, too, to write what is read-only
  const readOnly = t.fixture('symlink', '/sys/class/net/lo/ifindex');
  const refusing = t.testdir({ proc: { sys: { net: { smc: { wmem: readOnly } } } } });
  t.match(
    (await call('sysctl set wmem 65536', { hostRoot: refusing })).stderr,
    /^smcd: wmem cannot be changed; \S/,
  );
  t.match(
    (await call('sysctl show nosuch', host)).stderr,
    /there is no setting 'nosuch'; the settings are autocork/,
  );
  for (const argv of ['show wmme', 'show net.smc.wmme', 'set wmme 64k'])
    t.match(
      (await call(`sysctl ${argv}`, host)).stderr,
      /^smcd: there is no setting '[a-z.]*wmme' \(did you mean wmem\?\); the settings are autocork/,
      argv,
    );
  t.strictSame(await call('sysctl', { hostRoot: t.testdir({}) }), {
    status: 1,
    stdout: '',
    stderr:
      'smcd: there are no settings net.smc.*: the kernel module smc is not loaded; load it on the host: modprobe smc\n',
  });
  const without = t.testdir({
    proc: { sys: { kernel: { osrelease: '7.2.0-test\n' } } },
    lib: { modules: { '7.2.0-test': { 'modules.dep': 'kernel/net/tls/tls.ko:\n' } } },
  });
  t.strictSame(
    (await call('sysctl', { hostRoot: without })).stderr,
    'smcd: there are no settings net.smc.*: this kernel has no SMC; boot a kernel that was built with CONFIG_SMC, CONFIG_SMC_DIAG and, since Linux 6.18, CONFIG_DIBS\n',
  );
});
