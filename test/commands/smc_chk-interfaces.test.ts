// SPDX-License-Identifier: MIT
// smc_chk -i, -s and -l, on made-up trees.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { smcChk } from '../../src/commands/smc_chk/command.ts';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { type FakeKernel, ipv4Row } from '../helpers/fake-kernel.ts';
import { mainframe, networkInterface, plant, server } from '../helpers/host-trees.ts';
import { inspectedKernel } from '../helpers/inspected-kernel.ts';
import { runCommand } from '../helpers/run-command.ts';

/** @param table rows of the PNET table */
function kernelWith(
  table: readonly [pnetId: string, device: string][],
  addresses: object[] = [],
): FakeKernel {
  const kernel = inspectedKernel().serve(smcPnetid, {
    GET: () => table.map(([name, ethName]) => ({ name, ethName, ibName: 'n/a', ibPort: 255 })),
  });
  kernel.addresses = () => addresses;
  return kernel;
}

t.test('-i', async (t) => {
  const transport = kernelWith([
    ['TABLE', 'vlan7'],
    ['OWN', 'eno3'],
    ['BASE', 'eth9'],
  ]);
  const hostRoot = plant(
    t,
    mainframe,
    networkInterface('eth9', { index: 30, upper: ['eth9.5'] }),
    networkInterface('eth9.5', { index: 31, devtype: 'vlan', iflink: 30, lower: ['eth9'] }),
  );
  for (const [name, output] of [
    ['enc1000', 'NET1\n'],
    ['enc2000', 'NET2\n'],
    ['eno1d1', 'NET2\n'],
    ['vlan7', 'NETC\n'],
    ['eno3', 'OWN*\n'],
    ['eth9.5', 'BASE*\n'],
    ['lo', ''],
  ] as const)
    t.strictSame(
      await runCommand(smcChk, ['-i', name], { transport, hostRoot }),
      { status: 0, stdout: output, stderr: '' },
      name,
    );
  const json = await runCommand(smcChk, '-j -i eth9.5', { transport, hostRoot });
  t.strictSame(JSON.parse(json.stdout), { interface: 'eth9.5', pnet_id: 'BASE', source: 'base-table' });
  const none = await runCommand(smcChk, '-j -i lo', { transport, hostRoot });
  t.strictSame(JSON.parse(none.stdout), { interface: 'lo', pnet_id: null, source: 'none' });
  t.match(await runCommand(smcChk, '-i enc', { transport, hostRoot }), {
    status: 2,
    stdout: '',
    stderr: /^smc_chk: there is no interface enc; this network namespace has enc1000, .*\n$/,
  });
});

t.test('-i without the PNET table', async (t) => {
  const transport = kernelWith([]);
  transport.unload('SMC_PNETID');
  const hostRoot = plant(t, mainframe);
  t.equal((await runCommand(smcChk, '-i enc1000', { transport, hostRoot })).stdout, 'NET1\n', 'hardware');
  t.match(await runCommand(smcChk, '-i eno3', { transport, hostRoot }), {
    status: 1,
    stdout: '',
    stderr: /^smc_chk: eno3 has no PNET ID in hardware, and the PNET table cannot be read; /,
  });
});

t.test('a kernel with SMC_PNETID alone, as before Linux 5.11', async (t) => {
  const transport = kernelWith([['NET1', 'lo']]);
  transport.unload('SMC_GEN_NETLINK');
  const hostRoot = plant(t, server);
  t.strictSame(await runCommand(smcChk, '-i lo', { transport, hostRoot }), {
    status: 0,
    stdout: 'NET1*\n',
    stderr: '',
  });
  t.match((await runCommand(smcChk, 'lo', { transport, hostRoot })).stdout, 'PNET ID NET1 from the table');
  t.match(JSON.parse((await runCommand(smcChk, '-j -s lo', { transport, hostRoot })).stdout), {
    interfaces: [{ static: { pnet_id: 'NET1', pnet_id_source: 'table' } }],
  });
});

t.test('an interface that is not there, and one that is down', async (t) => {
  const transport = kernelWith([]);
  const hostRoot = plant(t, server, networkInterface('down0', { index: 40, flags: '0x1002' }));
  const said = async (argv: string) => {
    const { status, stdout, stderr } = await runCommand(smcChk, argv, { transport, hostRoot });
    t.strictSame([status, stdout], [2, ''], argv);
    return stderr;
  };
  const missing = await said('nope');
  t.match(missing, /^smc_chk: there is no interface nope; this network namespace has .*\n$/);
  t.equal(await said('-s nope'), missing);
  t.equal(await said('-i nope'), missing);
  const down = await said('down0');
  t.equal(down, 'smc_chk: interface down0 is not up; ip link set down0 up\n');
  t.equal(await said('-s down0'), down);
});

t.test('-s', async (t) => {
  const transport = kernelWith([], [ipv4Row(2, '10.9.0.1/24')]);
  const hostRoot = plant(t, mainframe);
  t.strictSame(await runCommand(smcChk, '-s enc1000', { transport, hostRoot }), {
    status: 0,
    stdout: `Checking active link:    enc1000
  Static Analysis (SMC-D only, EXPERIMENTAL)
     Configuration:      SMC-Dv1 (ISMv1 FID(s): 10)
                         SMC-Dv2 (ISMv2 FID(s): 10)
     PNET ID:            NET1
     Advertising SEID:   IBM-SYSZ-ISMSEID0000000012345678
     Advertising UEIDs:   MY.EID
                         B
     Reachable subnets:  Any

`,
    stderr: '',
  });
  const others = await runCommand(smcChk, '-j -s enc1000 eno4', { transport, hostRoot });
  t.match(JSON.parse(others.stdout), {
    interfaces: [
      {
        interface: 'enc1000',
        static: { smcd_v1: ['10'], pnet_id_source: 'hardware' },
        connection: null,
        error: null,
      },
      { interface: 'eno4', static: { smcd_v1: [], pnet_id: 'NETD' } },
    ],
  });
});

t.test('-s where there is no SMC-D', async (t) => {
  const transport = kernelWith([]);
  transport.unload('SMC_GEN_NETLINK');
  const { status, stdout } = await runCommand(smcChk, '-s', { transport, hostRoot: plant(t, server) });
  t.equal(status, 3);
  t.match(
    stdout,
    /^Checking active link: {4}\S+\n {2}Static Analysis .*\n {5}Configuration: {6}none for SMC-D\n {25}/,
  );
});

t.test('-l', async (t) => {
  const transport = kernelWith([], [ipv4Row(1, '127.0.0.1/8')]);
  transport.sockets = () => [];
  const hostRoot = plant(t, mainframe);
  mkdirSync(join(hostRoot, 'proc/self'), { recursive: true });
  mkdirSync(join(hostRoot, 'proc/net'), { recursive: true });
  writeFileSync(join(hostRoot, 'proc/self/maps'), 'libsmc-preload.so\n');
  writeFileSync(join(hostRoot, 'proc/net/protocols'), 'protocol size sockets\nTCP 1 2\n');
  const options = { transport, hostRoot, env: { SMC_CHK_PRELOADED: '1' } };
  const live = await runCommand(smcChk, '-l lo eno4 -p 41000', options);
  t.equal(live.status, 1, 'one could not be tested');
  t.match(
    live.stdout,
    /^Checking active link: {4}lo\n {2}Live test \(SMC-D and SMC-R, EXPERIMENTAL\)\n {5}Failed {2}TCP fallback\n/,
  );
  t.match(
    live.stdout,
    /\nChecking active link: {4}eno4\n {2}Live test .*\n {5}no usable address on eno4\n\n$/,
  );
  for (const argv of ['-s -l lo', '-l -s lo']) {
    const { status, stdout } = await runCommand(smcChk, argv, options);
    t.equal(status, 3, argv);
    t.match(stdout, /Static Analysis.*Live test/s, 'in any order');
  }
  t.match(await runCommand(smcChk, '-l nope', options), {
    status: 2,
    stderr: /^smc_chk: there is no interface nope; this network namespace has /,
  });
});
