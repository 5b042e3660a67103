// SPDX-License-Identifier: MIT
// The likely cause of a fallback, by reason, role and what is seen on this host.
import t, { type Test } from 'tap';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { SmcClient } from '../../src/smc/client.ts';
import { fallbackVerdict } from '../../src/smc/connection-verdict.ts';
import { type FallenBack, type LikelyCause, likelyCause } from '../../src/smc/likely-cause.ts';
import { type FakeKernel, ipv4Row } from '../helpers/fake-kernel.ts';
import { gidsOf, networkInterface, pciFunction, plant, rdmaDevice } from '../helpers/host-trees.ts';
import { inspectedKernel, ROCE } from '../helpers/inspected-kernel.ts';

const NOSMCDEV = 0x03030000;
const NOUEID = 0x03030008;
const PEERDECL = 0x05000000;
const PEERNOSMC = 0x03010000;

interface Host {
  ueids?: readonly string[];
  /** state of the port of mlx5_0, which is on eth0 */
  state?: string;
  release?: string;
  /** net.smc.*, with the defaults as they are in the kernel */
  sysctls?: Record<string, string>;
  /** a file of the RDMA device mlx5_0 */
  driver?: string;
}

/** A host with eth0 (10.0.0.1) over mlx5_0, and mlx5_9, whose port is down, for another network. */
function host(
  t: Test,
  { ueids = ['MY.EID'], state = '4: ACTIVE', release = '6.12.1', sysctls = {}, driver }: Host = {},
): [SmcClient, string] {
  const ports = { mlx5_0: 'NET1', mlx5_9: 'NET9' };
  const kernel: FakeKernel = inspectedKernel({
    DUMP_UEID: () => ueids.map((entry) => ({ entry })),
    GET_DEV_SMCR: () =>
      Object.entries(ports).map(([ibName, pnetId]) => ({
        devSmcr: {
          ...ROCE,
          ibName,
          port: { pnetUser: 1, pnetId, netDev: 2, state: 1, valid: 1, linkCount: 0 },
          port2: { netDev: 0, state: 0, valid: 0 },
        },
      })),
    GET_DEV_SMCD: () => [],
    DUMP_SEID: () => [{}],
    DUMP_HS_LIMITATION: () => [{ enabled: 0 }],
  }).serve(smcPnetid, { GET: () => [{ name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 }] });
  const ipv6 = Uint8Array.from([0xfd, ...new Array(14).fill(0), 1]);
  const fd00 = {
    family: 10,
    prefixLength: 64,
    flags: 0x80,
    scope: 0,
    index: 2,
    attributes: { address: ipv6 },
  };
  kernel.addresses = () => [ipv4Row(2, '10.0.0.1/24'), fd00];
  kernel.sockets = () => [];
  const root = plant(
    t,
    {
      'proc/sys/kernel/osrelease': `${release}\n`,
      ...Object.fromEntries(
        Object.entries(sysctls).map(([name, value]) => [`proc/sys/net/smc/${name}`, `${value}\n`]),
      ),
      'proc/sys/kernel/arch': 'x86_64\n',
      'sys/module/smc/x': '',
      'sys/module/smc_diag/x': '',
    },
    networkInterface('lo', { index: 1, mtu: 65536, type: 772, flags: '0x9', operstate: 'unknown' }),
    networkInterface('eth0', { index: 2 }),
    ...(driver ? [pciFunction('0000:01:00.0', { vendor: '1ded', device: '107f', driver })] : []),
    rdmaDevice('mlx5_0', {
      ...(driver && { pci: '0000:01:00.0' }),
      ports: [{ state, gids: gidsOf('10.0.0.1', 'eth0') }],
    }),
    rdmaDevice('mlx5_9', { ports: [{ state: '1: DOWN', gids: [] }] }),
  );
  const client = new SmcClient({ transport: kernel, hostRoot: root });
  t.teardown(() => client.close());
  return [client, root];
}

function cause(
  [client, root]: [SmcClient, string],
  codes: readonly [reason: number, peer: number],
  {
    role = 'Client',
    local = '10.0.0.1',
    peer = '10.0.0.2',
  }: { role?: FallenBack['role']; local?: string; peer?: string } = {},
): Promise<LikelyCause> {
  const verdict = {
    mode: 'TCP' as const,
    device: null,
    linkGroup: null,
    ...fallbackVerdict(...codes),
  };
  return likelyCause(
    client,
    { verdict, role, local: { address: local, port: 1000 }, peer: { address: peer, port: 37373 } },
    root,
  );
}

t.test('what fails here is the cause', async (t) => {
  const found = await cause(host(t, { ueids: [] }), [PEERDECL, NOUEID]);
  t.match(found, { at: 'this host', text: /no UEID/, fix: /smcd ueid add/ });
  const down = await cause(host(t, { state: '1: DOWN' }), [NOSMCDEV, 0]);
  t.match(down, { at: 'this host', checks: [{ id: 'rdma-port', status: 'fail' }] });
});

t.test('a device of another network is none', async (t) => {
  const found = await cause(host(t), [PEERDECL, NOSMCDEV]);
  t.match(found, { at: 'the peer', text: /the UEIDs of the hosts differ \(this host has MY\.EID\)/ });
  t.match(found.fix, /smcd ueid add MY\.EID/);
  t.strictSame(
    found.checks.map(({ id }) => id),
    ['ueid'],
    'the client had a device, or it would not have made a proposal',
  );
  const own = await cause(host(t), [NOSMCDEV, 0]);
  t.notOk(own.checks.some(({ subject }) => subject?.startsWith('mlx5_9')));
  t.ok(own.checks.some(({ id, subject }) => id === 'rdma-port' && subject === 'mlx5_0/1'));
});

t.test('who has no device', async (t) => {
  const here = host(t);
  t.match(await cause(here, [NOSMCDEV, 0], { role: 'Server' }), {
    at: 'unknown',
    text: /devices and PNET IDs of this host are in order, so the UEIDs of the hosts differ/,
  });
  t.match(await cause(here, [PEERDECL, NOSMCDEV], { role: 'Server' }), {
    at: 'the peer',
    text: /^the client has no device for the connection, or no UEID, or it connects from an IPv6 socket \(Java\)/,
  });
  t.match(await cause(here, [NOSMCDEV, 0]), { at: 'this host', text: /^not found by these checks/ });
  t.match(await cause(here, [NOSMCDEV, 0], { local: 'fd00::1', peer: 'fd00::2' }), {
    at: 'this host',
    text: /uses IPv6/,
    fix: 'connect to the IPv4 address',
  });
});

t.test('the peer did not offer SMC', async (t) => {
  const here = host(t);
  t.match(await cause(here, [PEERNOSMC, 0]), { at: 'the peer', fix: /smc_run; at the peer: smc_chk/ });
  t.match(await cause(here, [PEERNOSMC, 0], { role: 'Server' }), {
    at: 'the peer',
    text: /^the program at 10\.0\.0\.2 was not started over SMC/,
  });
  t.match(await cause(here, [PEERNOSMC, 0], { local: '127.0.0.1', peer: '127.0.0.1' }), {
    at: 'this host',
    text: /the program that listens on port 37373 of this host was not started over SMC/,
  });
});

t.test('the handshake limitation', async (t) => {
  const [client, root] = host(t);
  const limited = inspectedKernel({ DUMP_HS_LIMITATION: () => [{ enabled: 1 }] }).serve(smcPnetid, {
    GET: () => [],
  });
  limited.sockets = () => [];
  const other = new SmcClient({ transport: limited, hostRoot: root });
  t.teardown(() => other.close());
  t.match(await cause([other, root], [PEERNOSMC, 0], { role: 'Server' }), {
    at: 'unknown',
    text: /^handshakes are limited on this host/,
    fix: /smcd hs-limit disable/,
  });
  client.close();
});

t.test('other reasons', async (t) => {
  const here = host(t);
  t.match(await cause(here, [PEERDECL, 0x03070000]), {
    at: 'the peer',
    text: /^nothing on this host explains it; usual cause: /,
    fix: /^run smc_chk at the peer; /,
  });
  t.match(await cause(here, [0x03050000, 0]), {
    at: 'the peer',
    checks: [],
    text: /^this is the reason that the peer sent; usual cause: a setting of the peer/,
  });
  t.match(await cause(here, [0x030f0000, 0]), {
    at: 'unknown',
    text: /^not found by these checks; usual cause: /,
  });
  t.match(await cause(here, [PEERDECL, 0x12345678]), {
    at: 'the peer',
    text: 'this host cannot determine it; the code is not known here',
    fix: 'run smc_chk at the peer',
  });
  t.match(await cause(here, [0x03050000, 0], { local: '10.0.0.1', peer: '10.0.0.1' }), { at: 'this host' });
});

t.test('what the code says of the other side is not looked for here', async (t) => {
  // without a UEID the check would fail, and be taken for the cause
  const here = host(t, { ueids: [] });
  t.match(await cause(here, [NOUEID, 0], { role: 'Server' }), {
    at: 'the peer',
    text: /^this is the reason that the peer sent; usual cause: the client has neither a UEID nor an enabled SEID/,
    fix: /^run smc_chk at the peer; on the client: smcd ueid add NAME/,
    checks: [],
  });
  const down = host(t, { state: '1: DOWN' });
  for (const [name, code] of [
    ['MEM', 0x01010000],
    ['NOSMCRDEV', 0x03030002],
    ['NOROUTE', 0x030e0000],
    ['ERR_REGBUF', 0x09990003],
  ] as const)
    t.match(
      await cause(down, [PEERDECL, code]),
      { at: 'the peer', text: /^it is not on this host; /, checks: [] },
      name,
    );
  t.match(await cause(down, [NOUEID, 0], { local: '10.0.0.1', peer: '10.0.0.1' }), { at: 'this host' });
});

t.test('enterprise IDs that differ', async (t) => {
  const here = host(t);
  for (const [name, code, text] of [
    [
      'NOSMCDDEV',
      0x03030001,
      /UEIDs of the hosts differ \(this host has MY\.EID\), or the server has no SMC-D device/,
    ],
    [
      'NOSMCD2DEV',
      0x03030007,
      /UEIDs of the hosts differ .*, or the server is on another machine and SMC-R was not/,
    ],
  ] as const) {
    const found = await cause(here, [PEERDECL, code]);
    t.match(
      found,
      { at: 'the peer', text, fix: /compare the output of smcd ueid and smcd seid on both hosts/ },
      name,
    );
  }
  t.match(await cause(here, [0x03030001, 0], { role: 'Server' }), { text: /UEIDs of the hosts differ/ });
  t.match(await cause(host(t, { ueids: [] }), [0x03030001, 0], { role: 'Server' }), {
    at: 'this host',
    text: /^no UEID/,
  });
});

t.test('an IPv4 address by an IPv6 socket', async (t) => {
  const mapped = { local: '::ffff:10.0.0.1', peer: '::ffff:10.0.0.2' };
  t.match(await cause(host(t), [NOSMCDEV, 0], mapped), {
    at: 'this host',
    text: /^::ffff:10\.0\.0\.1 is an IPv4 address on an IPv6 socket, .* only since Linux 6\.14$/,
    fix: /Linux 6\.14 or later, .*-Djava\.net\.preferIPv4Stack=true$/,
  });
  const newer = await cause(host(t, { release: '6.14.0' }), [NOSMCDEV, 0], mapped);
  t.match(newer, { at: 'this host', text: /^not found by these checks/ });
  t.ok(
    newer.checks.some(({ id, subject }) => id === 'interface' && subject === 'eth0'),
    'by its IPv4 address',
  );
  const none = await cause(host(t, { ueids: [] }), [NOSMCDEV, 0], mapped);
  t.match(none, { text: /^no UEID/ }, 'what fails anyway comes first');
  t.match(await cause(host(t), [PEERNOSMC, 0], { local: '::ffff:127.0.0.1', peer: '::ffff:127.0.0.1' }), {
    at: 'this host',
  });
});

const DEFAULTS = {
  wmem: '65536',
  rmem: '65536',
  smcr_max_send_wr: '16',
  smcr_max_recv_wr: '48',
  hs_ctrl: '',
};

t.test('a BPF program that decides on handshakes is named before the peer', async (t) => {
  const here = host(t, { sysctls: { ...DEFAULTS, hs_ctrl: 'picky' } });
  for (const role of ['Client', 'Server'] as const)
    t.match(await cause(here, [PEERNOSMC, 0], { role }), {
      at: 'this host',
      text: /^the BPF program "picky" decides/,
      fix: "try without it: sysctl -w 'net.smc.hs_ctrl='",
    });
  t.match(await cause(host(t, { sysctls: DEFAULTS }), [PEERNOSMC, 0]), { at: 'the peer' });
});

t.test('an adapter that refuses the queue pair', async (t) => {
  const INTERR = 0x09990000;
  t.match(await cause(host(t, { sysctls: { ...DEFAULTS, smcr_max_send_wr: '2048' } }), [INTERR, 0]), {
    at: 'this host',
    text: /^net\.smc\.smcr_max_send_wr: 2048; the default is 16 \(the RDMA adapter must support three times as many/,
    fix: 'sysctl -w net.smc.smcr_max_send_wr=16',
  });
  t.match(await cause(host(t, { driver: 'erdma' }), [INTERR, 0]), {
    at: 'this host',
    text: /^mlx5_0 supports only one receive element \(eRDMA\), .* only since Linux 6\.14$/,
    fix: 'boot Linux 6.14 or later',
  });
  t.match(await cause(host(t, { driver: 'erdma', release: '6.14.2' }), [INTERR, 0]), { at: 'unknown' });
  const plain = await cause(host(t, { sysctls: { ...DEFAULTS, wmem: '2097152' } }), [INTERR, 0]);
  t.match(plain, {
    at: 'unknown',
    text: /^not found by these checks; usual cause: the adapter refused the queue pair/,
  });
  t.notOk(
    plain.checks.some(({ subject }) => subject === 'net.smc.wmem'),
    'other settings have nothing to do with it',
  );
});

t.test('a limit on open or locked memory is no cause of missing buffers', async (t) => {
  const here = host(t, { sysctls: DEFAULTS });
  const found = await cause(here, [0x01010000, 0]);
  t.notOk(found.checks.some(({ id }) => id === 'rlimit' || id === 'buffer-limit'));
});
