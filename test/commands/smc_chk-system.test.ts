// SPDX-License-Identifier: MIT
// smc_chk without a mode: what is printed, and the exit status.
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { smcChk } from '../../src/commands/smc_chk/command.ts';
import { smcr } from '../../src/commands/smcr/command.ts';
import { addressAttributes, addressMessage, NETLINK_ROUTE } from '../../src/netlink/uapi/rtnetlink.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { CHECKS } from '../../src/smc/checks/index.ts';
import type { FakeKernel } from '../helpers/fake-kernel.ts';
import { RELEASE } from '../helpers/healthy-host.ts';
import { fails, inspectedKernel } from '../helpers/inspected-kernel.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { type RunOptions, runCommand } from '../helpers/run-command.ts';

const RTM_NEWADDR = 20;

const DEVICE = {
  isCritical: 0,
  ibName: 'rxe0',
  port: { pnetUser: 1, pnetId: 'NET1', netDev: 2, state: 1, valid: 1, linkCount: 0 },
};

/** A kernel with soft-RoCE on eth0, which has 10.9.0.1/24, both of PNET ID NET1. */
function kernelWith(handlers: Parameters<typeof inspectedKernel>[0] = {}): FakeKernel {
  const kernel = inspectedKernel({
    GET_DEV_SMCD: () => [],
    GET_SYS_INFO: () => [{ sysInfo: { version: 2, release: 1, localHost: 'alpha', isSmcrV2: 1 } }],
    GET_DEV_SMCR: () => [{ devSmcr: DEVICE }],
    GET_STATS: () => [{ stats: { smcr: { clientV2: 3n } } }],
    GET_FBACK_STATS: () => [],
    DUMP_SEID: () => [{}],
    DUMP_HS_LIMITATION: () => [{ enabled: 0 }],
    ...Object.fromEntries(
      ['ADD_UEID', 'REMOVE_UEID', 'FLUSH_UEID', 'ENABLE_SEID', 'DISABLE_SEID', 'GET_LGR_SMCR']
        .concat(['ENABLE_HS_LIMITATION', 'DISABLE_HS_LIMITATION'])
        .map((name) => [name, () => []]),
    ),
    ...handlers,
  }).serve(smcPnetid, {
    GET: () => [
      { name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 },
      { name: 'NET1', ethName: 'n/a', ibName: 'rxe0', ibPort: 1 },
    ],
    ADD: () => [],
    DEL: () => [],
    FLUSH: () => [],
  });
  kernel.raw = (request, protocol) => {
    if (protocol !== NETLINK_ROUTE) return undefined;
    const message = addressMessage.encode(
      { family: 2, prefixLength: 24, flags: 0, scope: 0, index: 2 },
      kernel.order,
    );
    const address = Buffer.from([10, 9, 0, 1]);
    const attributes = addressAttributes.encode({ address, local: address }, kernel.order);
    const reply = kernel.message(request, Buffer.concat([message, attributes]), RTM_NEWADDR);
    return [reply, kernel.done(request)];
  };
  return kernel;
}

const port = {
  state: '4: ACTIVE\n',
  phys_state: '5: LinkUp\n',
  rate: '2.5 Gb/sec (1X SDR)\n',
  link_layer: 'Ethernet\n',
  gids: { 0: '0000:0000:0000:0000:0000:ffff:0a09:0001\n' },
  gid_attrs: { types: { 0: 'RoCE v2\n' }, ndevs: { 0: 'eth0\n' } },
};

const TREE = {
  proc: {
    meminfo: 'MemTotal: 4000000 kB\nMemAvailable: 2000000 kB\n',
    buddyinfo: 'Node 0, zone Normal 1 1 1 1 1 1 1 1 1 1 9\n',
    self: { limits: 'Max open files 1024 4096 files\nMax locked memory 65536 65536 bytes\n' },
    sys: {
      kernel: { osrelease: `${RELEASE}\n`, arch: 'x86_64\n' },
      net: {
        core: { netdev_max_backlog: '1000\n', wmem_max: '212992\n', rmem_max: '212992\n' },
        smc: { wmem: '65536\n', rmem: '65536\n', smcr_buf_type: '0\n' },
      },
    },
  },
  sys: {
    module: { smc: {}, smc_diag: {} },
    class: {
      net: {
        eth0: {
          ifindex: '2\n',
          mtu: '9000\n',
          operstate: 'up\n',
          flags: '0x1003\n',
          type: '1\n',
          address: '02:00:00:00:00:01\n',
        },
        eth9: { ifindex: '9\n', mtu: '1500\n', operstate: 'down\n', flags: '0x1002\n', type: '1\n' },
      },
      infiniband: { rxe0: { node_type: '1: CA\n', parent: 'eth0\n', ports: { 1: port } } },
    },
  },
  dev: { kmsg: '6,1,1000000,-;smc: adding ib device rxe0 with port count 1\n' },
};

const check = (t: Test, argv = '', options: RunOptions & { tree?: object } = {}) =>
  runCommand(smcChk, argv, {
    transport: kernelWith(),
    hostRoot: t.testdir((options.tree ?? TREE) as typeof TREE),
    ...options,
  });

t.test('a reset of the statistics takes a warning away', async (t) => {
  const tree = {
    ...TREE,
    proc: {
      ...TREE.proc,
      self: { ...TREE.proc.self, ns: { net: t.fixture('symlink', 'net:[4026531840]') } },
      sys: {
        ...TREE.proc.sys,
        kernel: { ...TREE.proc.sys.kernel, random: { boot_id: 'boot-1\n' } },
      },
    },
  };
  const options = {
    hostRoot: t.testdir(tree as never),
    env: { XDG_STATE_HOME: ownDirectory(t) },
    transport: kernelWith({
      GET_FBACK_STATS: () => [
        { fallback: { type: 2, serverTotal: 0n, clientTotal: 9n, reasonCode: 0x03010000, reasonCount: 9 } },
      ],
      GET_STATS: () => [{ stats: { serverHandshakeErrors: 2n, smcr: { txRmb: { downgrade: 4n } } } }],
    }),
  };
  const warned = async () => {
    const { checks } = JSON.parse((await runCommand(smcChk, '-j', options)).stdout) as {
      checks: { id: string; status: string; finding: string; fix: string; facts: { since: string | null } }[];
    };
    const ids = ['fallbacks', 'handshake-errors', 'smaller-buffers'];
    return checks.filter(
      ({ id, status }) => ids.includes(id) && (status === 'warning' || id === 'fallbacks'),
    );
  };
  const before = await warned();
  t.strictSame(before.map(({ id }) => id).sort(), ['fallbacks', 'handshake-errors', 'smaller-buffers']);
  for (const { finding, fix, facts } of before) {
    t.match(finding, / since smc was loaded/);
    t.match(fix, /; to restart the counts: smcr stats reset$/);
    t.equal(facts.since, null);
  }
  t.equal((await runCommand(smcr, 'stats reset', options)).status, 0);
  t.match(await warned(), [
    {
      id: 'fallbacks',
      status: 'pass',
      finding: /^no connection was made since the reset at \d{4}-\d\d-\d\dT[\d:.]+Z$/,
      facts: { since: /Z$/ },
    },
  ]);
});

const LINES = `PASS module smc: loaded
PASS module smc_diag: loaded
PASS kernel: Linux ${RELEASE}, by its version without SMC-R version 2 from IPv4-mapped IPv6 addresses (6.14), RDMA devices with one receive SGE (6.14), DIBS (6.18), hs_ctrl (6.19), settings for work requests (6.19)
PASS kernel-fault: no known fault of this release affects this host
PASS kernel-fixes: judging by its version, it has the fixes for all known faults
PASS family SMC_GEN_NETLINK: version 1, 18 commands
PASS family SMC_PNETID: version 1, 4 commands
PASS namespace: the initial network namespace
PASS rdma-device rxe0: soft-RoCE, 1 port
PASS rdma-port rxe0/1: active on eth0, PNET ID NET1, addresses: 0 RoCE v1, 1 RoCE v2 (1 for IPv4)
PASS ism-device: no SMC-D device, which is normal on machines other than IBM Z
  reason: SMC-D within this machine needs loopback-ism, which requires a kernel with CONFIG_SMC_LO (since Linux 6.10)
PASS pnet-table: 1 PNET ID: NET1
PASS interface eth0: SMC-R version 2 over rxe0 port 1; PNET ID NET1 from the table
PASS mtu eth0: the MTU is 9000, which allows RDMA packets of 4096 bytes
PASS ueid: 2 UEIDs: MY.EID, B
  reason: the other host needs at least one of them, spelled the same
PASS handshake-limit: handshakes are not limited
PASS sysctl: all 3 settings net.smc.* have their defaults
PASS memory: 1953 MiB available, enough for the buffers of 15625 connections
PASS contiguous-memory: 639 free pieces of memory can hold a buffer of 65536 bytes
PASS buffer-limit net.core.wmem_max: 212992 bytes, not below net.smc.wmem (65536)
PASS buffer-limit net.core.rmem_max: 212992 bytes, not below net.smc.rmem (65536)
PASS rlimit nofile: 1024 open files, at most 4096
PASS rlimit memlock: 65536 bytes of locked memory
  reason: SMC's buffers belong to the kernel and are not limited by it; programs that use RDMA directly need it
PASS fallbacks: 0 of 3 connections fell back to TCP (0 %) since smc was loaded
PASS kernel-log: 1 message about SMC, none indicates a problem
`;

t.test('a host as it should be', async (t) => {
  t.strictSame(await check(t), { status: 0, stdout: LINES, stderr: '' });
});

t.test('a check that fails, and its reason and fix', async (t) => {
  const noUeid = kernelWith({ DUMP_UEID: () => [] });
  const { status, stdout, stderr } = await check(t, 'eth0', { transport: noUeid });
  t.equal(status, 3);
  t.equal(stderr, '');
  t.match(
    stdout,
    /^FAIL ueid: no UEID: no connection can use version 2 of SMC\n {2}reason: .*\n {2}fix: smcd ueid add NAME, with the same NAME on every host$/m,
  );
  t.match(stdout, /^FAIL interface eth0: no device for SMC: PNET ID NET1 from the table$/m);
});

t.test('warnings alone are no failure', async (t) => {
  const limited = kernelWith({ DUMP_HS_LIMITATION: () => [{ enabled: 1 }] });
  const { status, stdout } = await check(t, '', { transport: limited });
  t.equal(status, 0);
  t.match(stdout, /^WARNING handshake-limit: /m);
});

t.test('what cannot be looked at', async (t) => {
  const silent = kernelWith({ GET_STATS: fails('EPERM') });
  const { status, stdout } = await check(t, '', { transport: silent, tree: { ...TREE, dev: {} } });
  t.equal(status, 4);
  t.match(
    stdout,
    /^UNKNOWN fallbacks: the statistics cannot be read\n {2}reason: SMC_GEN_NETLINK GET_STATS: permission denied$/m,
  );
  t.match(
    stdout,
    /^UNKNOWN kernel-log: .*\n {2}reason: .*kmsg: not found\n {2}fix: run smc_chk as root, outside of containers$/m,
  );
});

t.test('without SMC that comes first, the rest follows, and nothing is loaded', async (t) => {
  const kernel = kernelWith();
  kernel.unload('SMC_GEN_NETLINK');
  kernel.unload('SMC_PNETID');
  const lib = { modules: { [RELEASE]: { 'modules.dep': 'kernel/net/smc/smc.ko:\n' } } };
  const tree = { ...TREE, lib, sys: { ...TREE.sys, module: {} } };
  const { status, stdout, stderr } = await check(t, '', { transport: kernel, tree });
  t.equal(status, 3);
  t.equal(stderr, '');
  t.match(stdout, /^FAIL module smc: this host has no SMC at the moment: module smc is not loaded\n/);
  t.match(stdout, /^PASS rdma-device rxe0: /m);
  t.match(stdout, /^UNKNOWN ueid: /m);
  t.strictSame(
    kernel.log.filter((line) => line !== 'nlctrl GETFAMILY'),
    [],
    'asking for a family by name would load the module',
  );
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(kernel.openSockets, 0);
});

t.test('JSON', async (t) => {
  const { status, stdout } = await check(t, '-j', { transport: kernelWith({ DUMP_UEID: () => [] }) });
  t.equal(status, 3);
  t.match(stdout, /^\{"checks":\[\{"id":"module","subject":"smc","status":"pass",.*\}\n$/, 'one line');
  const document = JSON.parse(stdout) as {
    checks: Record<string, unknown>[];
    summary: Record<string, number>;
  };
  for (const found of document.checks)
    t.strictSame(Object.keys(found), ['id', 'subject', 'status', 'finding', 'reason', 'fix', 'facts']);
  t.strictSame(Object.keys(document.summary), ['pass', 'warning', 'fail', 'unknown']);
  t.equal(
    Object.values(document.summary).reduce((sum, count) => sum + count),
    document.checks.length,
  );
  t.equal(document.summary['fail'], 2);
  const terminal = await check(t, '-j', { terminal: true });
  t.match(terminal.stdout, /^\{\n {2}"checks": \[\n/, 'indented on a terminal');
});

t.test('on a terminal', async (t) => {
  const transport = kernelWith({ DUMP_UEID: () => [], DUMP_HS_LIMITATION: () => [{ enabled: 1 }] });
  const terminal = { terminal: true, transport, env: { TERM: 'xterm' } };
  const { stdout } = await check(t, '', terminal);
  t.match(stdout, /^┌.*\n│.*status.*check.*finding/);
  t.match(stdout, /\x1b\[31mFAIL\x1b\[39m[\s\S]*\x1b\[33mWARNING\x1b\[39m/, 'failures come first');
  t.equal(stdout.match(/\x1b\[32mPASS\x1b\[39m/g)?.length, 1, 'what passed is one line');
  t.match(
    stdout,
    /\n\x1b\[32mPASS\x1b\[39m module, kernel, .*rlimit.* \(--all shows them\)\n\x1b\[31m2 fail\x1b\[39m, \x1b\[33m1 warning\x1b\[39m, .*0 unknown.*, \x1b\[32m\d+ pass\x1b\[39m\n$/,
  );
  const all = await check(t, '--all', terminal);
  t.match(all.stdout, /FAIL[\s\S]*WARNING[\s\S]*PASS.*module smc/);
  t.notMatch(all.stdout, '(--all shows them)');
  const plain = await check(t, '-a', { terminal: true, env: { NO_COLOR: '1' } });
  t.notMatch(plain.stdout, /\x1b/);
  for (const line of plain.stdout.split('\n')) t.ok(line.length <= 80, line);
  const healthy = await check(t, '', { terminal: true, env: { NO_COLOR: '1' } });
  t.match(healthy.stdout, /^PASS .*\n0 fail, 0 warning, 0 unknown, \d+ pass\n$/, 'no table without problems');
});

t.test('what needs attention comes first, in a pipe as well', async (t) => {
  const transport = kernelWith({ DUMP_UEID: () => [], DUMP_HS_LIMITATION: () => [{ enabled: 1 }] });
  const { stdout } = await check(t, '', { transport, tree: { ...TREE, dev: {} } });
  const words = [...stdout.matchAll(/^[A-Z]+/gm)].map(([word]) => word);
  const order = ['FAIL', 'WARNING', 'UNKNOWN', 'PASS'];
  t.strictSame([...new Set(words)], order);
  t.strictSame(
    words,
    [...words].sort((one, other) => order.indexOf(one) - order.indexOf(other)),
  );
});

t.test('--problems', async (t) => {
  const transport = kernelWith({ DUMP_UEID: () => [] });
  const whole = await check(t, '', { transport });
  const lines = await check(t, '--problems', { transport });
  t.equal(lines.status, 3);
  t.equal(lines.stdout, whole.stdout.replace(/^PASS .*\n( .*\n)*/gm, ''), 'the same without what passed');
  t.match(lines.stdout, /^FAIL ueid: /m);
  t.strictSame(await check(t, '--problems', { transport, terminal: true }), lines, 'on a terminal, too');
  t.strictSame(await check(t, '--problems'), { status: 0, stdout: '', stderr: '' }, 'nothing for none');
  const { checks, summary } = JSON.parse((await check(t, '-j --problems', { transport })).stdout);
  t.strictSame(
    checks.map(({ status }: { status: string }) => status),
    ['fail', 'fail'],
  );
  t.ok(summary.pass > 10, 'the counts are those of all');
  for (const [argv, message] of [
    ['--problems --all', '--all and --problems exclude each other'],
    ['--explain all --problems', '--problems is only for the check of this host'],
    ['-s -a', '--all is only for the check of this host'],
  ] as const)
    t.strictSame(await check(t, argv), {
      status: 2,
      stdout: '',
      stderr: `smc_chk: ${message}; smc_chk --help shows the usage\n`,
    });
});

t.test('interfaces by name', async (t) => {
  t.strictSame(await check(t, 'eth7'), {
    status: 2,
    stdout: '',
    stderr: 'smc_chk: there is no interface eth7; this network namespace has eth0, eth9\n',
  });
  t.strictSame(await check(t, 'eth0 eth9'), {
    status: 2,
    stdout: '',
    stderr: 'smc_chk: interface eth9 is not up; ip link set eth9 up\n',
  });
});

t.test('names from the kernel cannot steer a terminal', async (t) => {
  const hostile = kernelWith({ DUMP_UEID: () => [{ entry: 'A\x1b[2J' }] });
  const { stdout } = await check(t, '', { transport: hostile });
  t.match(stdout, /^PASS ueid: 1 UEID: A\\x1b\[2J$/m);
});

t.test('the man page explains every check, in their order', async (t) => {
  const page = readFileSync(new URL('../../man/smc_chk.8', import.meta.url), 'utf8');
  const section = /^\.Sh CHECKS\n([\s\S]*?)^\.Sh /m.exec(page)?.[1] ?? '';
  const items = new Map(
    [...section.matchAll(/^\.It Sy (.*)\n((?:(?!\.It Sy ).*\n)*)/gm)].map(([, id, text]) => [id!, text!]),
  );
  t.strictSame(
    [...items.keys()],
    CHECKS.flatMap(({ explained }) => explained.map(({ id }) => id)),
  );
  const { stdout } = await check(t, '-j');
  for (const { id, facts } of (JSON.parse(stdout) as { checks: { id: string; facts: object }[] }).checks)
    for (const key of Object.keys(facts))
      t.match(items.get(id), new RegExp(`^\\.It Va (?:.* )?${key}(?: |$)`, 'm'), `${id}: ${key}`);
});

t.test('an old kernel', async (t) => {
  const kernel = kernelWith();
  kernel.serve(smcGenNetlink, {
    GET_SYS_INFO: () => [{ sysInfo: { version: 2, localHost: '' } }],
    GET_DEV_SMCD: () => [],
    GET_DEV_SMCR: () => [{ devSmcr: DEVICE }],
  });
  const { status, stdout } = await check(t, '', { transport: kernel });
  t.equal(status, 3);
  t.match(stdout, /^FAIL interface eth0: .*\n {2}reason: .*this kernel has no SMC-R version 2/m);
  t.match(stdout, /^WARNING family SMC_GEN_NETLINK: 15 commands missing: GET_LGR_SMCR, /m);
  t.match(stdout, /^UNKNOWN ueid: .*\n {2}reason: this kernel does not know SMC_GEN_NETLINK DUMP_UEID$/m);
});
