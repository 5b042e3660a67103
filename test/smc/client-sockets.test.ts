// SPDX-License-Identifier: MIT
/** SmcClient.sockets(): addresses, address families, and what is looked up for them. */
import t, { type Test } from 'tap';
import { SmcClient } from '../../src/smc/client.ts';
import type { SmcSocket } from '../../src/smc/sockets.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';

const ACTIVE = 1;
const INIT = 2;
const LISTEN = 10;
const ESTABLISHED = 1;
const TIME_WAIT = 6;

/** 16 bytes of an address: `10.0.0.1`, or eight groups of IPv6 without `::`; `*` is the wildcard. */
function address(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (text === '*') return bytes;
  if (text.includes('.')) bytes.set(text.split('.').map(Number));
  else
    text.split(':').forEach((group, i) => {
      bytes.set([Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff], 2 * i);
    });
  return bytes;
}

interface Row {
  family: number;
  state: number;
  id: { sourcePort: number; destinationPort: number };
}

let cookies = 0;

function id(from: string, sourcePort: number, to: string, destinationPort: number): Row['id'] {
  const rest = { interface: 0, cookieLow: ++cookies, cookieHigh: 0 };
  return {
    sourcePort,
    destinationPort,
    source: address(from),
    destination: address(to),
    ...rest,
  } as Row['id'];
}

/** A socket as smc_diag reports it. */
function smc(state: number, from: string, port: number, to = '*', peerPort = 0, family = 43): Row {
  const rest = { mode: 0, shutdown: 0, uid: 0, inode: 1n };
  return { family, state, id: id(from, port, to, peerPort), ...rest } as Row;
}

/** A socket as tcp_diag reports it. */
function tcp(family: 2 | 10, state: number, from: string, port: number, to = '*', peerPort = 0): Row {
  const rest = { timer: 0, retransmits: 0 };
  return { family, state, id: id(from, port, to, peerPort), ...rest } as Row;
}

interface Host {
  /** open sockets per protocol; `undefined`: no /proc */
  protocols?: Record<string, number> | undefined;
  smc?: Row[];
  tcp?: Row[];
}

interface Setup {
  kernel: FakeKernel;
  client: SmcClient;
}

function setUp(t: Test, host: Host): Setup {
  const kernel = new FakeKernel();
  kernel.sockets = () => host.smc ?? [];
  kernel.tcpSockets = () => host.tcp ?? [];
  const lines = Object.entries(host.protocols ?? {}).map(
    ([name, count]) => `${name.padEnd(9)} 1234 ${String(count).padStart(6)}      -1   NI       0   yes  smc`,
  );
  const hostRoot = t.testdir(
    host.protocols
      ? {
          proc: {
            net: {
              protocols: ['protocol  size sockets  memory press maxhdr  slab module', ...lines, ''].join(
                '\n',
              ),
            },
          },
        }
      : {},
  );
  const client = new SmcClient({ transport: kernel, hostRoot });
  t.teardown(() => client.close());
  return { kernel, client };
}

/** `ipv4 10.0.0.1:80 10.0.0.2:40000` per socket. */
const text = ({ addressFamily, local, peer }: SmcSocket): string =>
  `${addressFamily ?? '?'} ${local.address ?? '?'}:${local.port} ${peer.address ?? '?'}:${peer.port}`;

async function list({ client }: Setup): Promise<string[]> {
  const lines: string[] = [];
  for await (const socket of client.sockets()) lines.push(text(socket));
  return lines;
}

t.test('only IPv4: nothing but the dump itself', async (t) => {
  const host = setUp(t, {
    protocols: { TCP: 9, SMC: 4, SMC6: 0, INET_SMC: 0 },
    smc: [
      smc(LISTEN, '*', 5201),
      smc(ACTIVE, '10.0.0.1', 5201, '10.0.0.2', 40000),
      smc(INIT, '*', 0),
      smc(ACTIVE, '1.0.0.0', 1, '0.0.0.1', 65535),
    ],
    tcp: [tcp(10, 10, '*', 5201)],
  });
  t.strictSame(await list(host), [
    'ipv4 0.0.0.0:5201 0.0.0.0:0',
    'ipv4 10.0.0.1:5201 10.0.0.2:40000',
    'ipv4 0.0.0.0:0 0.0.0.0:0',
    'ipv4 1.0.0.0:1 0.0.0.1:65535',
  ]);
  t.strictSame(host.kernel.log, ['SOCK_DIAG 43']);
});

t.test('what is looked up follows /proc/net/protocols', async (t) => {
  const log = async (protocols: Host['protocols']): Promise<string[]> => {
    const host = setUp(t, { protocols });
    t.strictSame(await list(host), []);
    return host.kernel.log.map((line) => line.replace('SOCK_DIAG ', ''));
  };
  t.strictSame(await log({ SMC: 0 }), ['43']);
  t.strictSame(await log({ TCP: 3 }), ['43'], 'no SMC at all');
  t.strictSame(await log({ SMC6: 1 }), ['10', '2', '43'], 'IPv6 wildcards');
  t.strictSame(await log({ SMC: 1, INET_SMC: 1 }), ['2', '10', '43'], 'IPPROTO_SMC');
  t.strictSame(await log({ INET6_SMC: 2 }), ['2', '10', '43']);
  t.strictSame(await log({ SMC6: 1, INET_SMC: 1 }), ['10', '2', '2', '10', '43']);
  t.strictSame(await log(undefined), ['10', '2', '2', '10', '43'], 'without /proc everything');
});

t.test('IPv6 and mapped addresses', async (t) => {
  const host = setUp(t, {
    protocols: { SMC6: 2 },
    smc: [
      smc(ACTIVE, '2001:db8:0:0:0:0:0:1', 5201, '2001:db8:0:0:0:0:0:2', 40000),
      smc(ACTIVE, '0:0:0:0:0:ffff:c0a8:10a', 5201, '0:0:0:0:0:ffff:c0a8:10b', 40001),
    ],
  });
  t.strictSame(await list(host), [
    'ipv6 2001:db8::1:5201 2001:db8::2:40000',
    'ipv6 ::ffff:192.168.1.10:5201 ::ffff:192.168.1.11:40001',
  ]);
});

t.test('one certain end is enough', async (t) => {
  const host = setUp(t, { protocols: { SMC6: 1 }, smc: [smc(INIT, '*', 0, '0:0:0:0:0:0:0:1', 80)] });
  t.strictSame(await list(host), ['ipv6 :::0 ::1:80']);
});

t.test('[::] alone', async (t) => {
  const host = setUp(t, {
    protocols: { SMC6: 1 },
    smc: [smc(LISTEN, '*', 5201)],
    tcp: [tcp(10, 10, '*', 5201)],
  });
  t.strictSame(await list(host), ['ipv6 :::5201 :::0']);
});

t.test('0.0.0.0 alone, while other IPv6 sockets are open', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 1, SMC6: 1 },
    smc: [smc(LISTEN, '*', 5201)],
    tcp: [tcp(2, 10, '*', 5201), tcp(10, 10, '*', 80)],
  });
  t.strictSame(await list(host), ['ipv4 0.0.0.0:5201 0.0.0.0:0']);
});

t.test('0.0.0.0 and [::] on one port: the IPv4 one is listed first', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 1, SMC6: 1 },
    smc: [smc(LISTEN, '*', 5201), smc(LISTEN, '*', 5201)],
    tcp: [tcp(2, 10, '*', 5201), tcp(10, 10, '*', 5201)],
  });
  t.strictSame(await list(host), ['ipv4 0.0.0.0:5201 0.0.0.0:0', 'ipv6 :::5201 :::0']);
});

t.test('an IPv4 listener on another address does not take the place of [::]', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 1, SMC6: 1 },
    smc: [smc(LISTEN, '10.0.0.1', 5201), smc(LISTEN, '*', 5201)],
    tcp: [tcp(2, 10, '10.0.0.1', 5201), tcp(10, 10, '*', 5201)],
  });
  t.strictSame(await list(host), ['ipv4 10.0.0.1:5201 0.0.0.0:0', 'ipv6 :::5201 :::0']);
});

t.test('nor does a listener of plain TCP there', async (t) => {
  const host = setUp(t, {
    protocols: { SMC6: 1 },
    smc: [smc(LISTEN, '*', 5201)],
    tcp: [tcp(2, LISTEN, '10.0.0.1', 5201), tcp(10, LISTEN, '*', 5201)],
  });
  t.strictSame(await list(host), ['ipv6 :::5201 :::0']);
});

t.test('an IPv6 address whose first 32 bits alone are set', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 1, SMC6: 1 },
    smc: [smc(ACTIVE, '10.0.0.1', 80, '10.0.0.2', 1000), smc(LISTEN, '2001:db8:0:0:0:0:0:0', 80)],
    tcp: [tcp(10, 10, '2001:db8:0:0:0:0:0:0', 80), tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.2', 1000)],
  });
  t.strictSame(await list(host), ['ipv4 10.0.0.1:80 10.0.0.2:1000', 'ipv6 2001:db8:::80 :::0']);
});

t.test('after a certain IPv6 socket all are IPv6', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 1, SMC6: 3 },
    smc: [
      smc(LISTEN, '*', 80),
      smc(ACTIVE, '2001:db8:0:0:0:0:0:1', 80, '2001:db8:0:0:0:0:0:2', 1000),
      smc(LISTEN, '*', 80),
      smc(INIT, '*', 0),
    ],
    tcp: [tcp(2, 10, '*', 80)],
  });
  t.strictSame(await list(host), [
    'ipv4 0.0.0.0:80 0.0.0.0:0',
    'ipv6 2001:db8::1:80 2001:db8::2:1000',
    'ipv6 :::80 :::0',
    'ipv6 :::0 :::0',
  ]);
});

t.test('a socket that is not bound yet may be either', async (t) => {
  const host = setUp(t, { protocols: { SMC: 1, SMC6: 1 }, smc: [smc(INIT, '*', 0)] });
  t.strictSame(await list(host), ['? ?:0 ?:0']);
});

t.test('IPPROTO_SMC sockets get the addresses of their TCP twins', async (t) => {
  const host = setUp(t, {
    protocols: { INET_SMC: 3, INET6_SMC: 2 },
    smc: [
      smc(ACTIVE, '*', 80, '*', 1000, 2),
      smc(LISTEN, '*', 80, '*', 0, 2),
      smc(ACTIVE, '*', 81, '*', 1001, 10),
      smc(LISTEN, '*', 81, '*', 0, 10),
      smc(ACTIVE, '*', 80, '*', 1002), // accepted from such a listener: family 43, and no addresses
    ],
    tcp: [
      tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.2', 1000),
      tcp(2, 10, '*', 80),
      tcp(10, ESTABLISHED, '2001:db8:0:0:0:0:0:1', 81, '2001:db8:0:0:0:0:0:2', 1001),
      tcp(10, 10, '*', 81),
      tcp(10, ESTABLISHED, '0:0:0:0:0:ffff:a00:1', 80, '0:0:0:0:0:ffff:a00:2', 1002),
    ],
  });
  t.strictSame(await list(host), [
    'ipv4 10.0.0.1:80 10.0.0.2:1000',
    'ipv4 0.0.0.0:80 0.0.0.0:0',
    'ipv6 2001:db8::1:81 2001:db8::2:1001',
    'ipv6 :::81 :::0',
    'ipv6 ::ffff:10.0.0.1:80 ::ffff:10.0.0.2:1002',
  ]);
});

t.test('several TCP sockets with these ports, or none: unknown, not guessed', async (t) => {
  const host = setUp(t, {
    protocols: { INET_SMC: 2 },
    smc: [
      smc(ACTIVE, '*', 80, '*', 1000, 2),
      smc(ACTIVE, '*', 80, '*', 1001, 2),
      smc(ACTIVE, '*', 80, '*', 1002, 2),
    ],
    tcp: [
      tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.2', 1000),
      tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.3', 1000),
      tcp(10, ESTABLISHED, '0:0:0:0:0:0:0:1', 80, '0:0:0:0:0:0:0:1', 1000),
      tcp(2, TIME_WAIT, '10.0.0.1', 80, '10.0.0.9', 1002),
      tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.4', 1002),
    ],
  });
  t.strictSame(
    await list(host),
    ['? ?:80 ?:1000', '? ?:80 ?:1001', 'ipv4 10.0.0.1:80 10.0.0.4:1002'],
    'TIME_WAIT has no socket behind it',
  );
});

t.test('ports are not mixed up: source and destination count', async (t) => {
  const host = setUp(t, {
    protocols: { INET_SMC: 1 },
    smc: [smc(ACTIVE, '*', 80, '*', 1000, 2)],
    tcp: [tcp(2, ESTABLISHED, '10.0.0.2', 1000, '10.0.0.1', 80)],
  });
  t.strictSame(await list(host), ['? ?:80 ?:1000']);
});

t.test('an address that is missing unannounced is looked up once', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 3, INET_SMC: 0 },
    smc: [
      smc(ACTIVE, '*', 80, '*', 1000),
      smc(ACTIVE, '*', 80, '*', 1001),
      smc(ACTIVE, '10.0.0.1', 81, '10.0.0.2', 1),
    ],
    tcp: [
      tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.2', 1000),
      tcp(2, ESTABLISHED, '10.0.0.1', 80, '10.0.0.3', 1001),
    ],
  });
  t.strictSame(await list(host), [
    'ipv4 10.0.0.1:80 10.0.0.2:1000',
    'ipv4 10.0.0.1:80 10.0.0.3:1001',
    'ipv4 10.0.0.1:81 10.0.0.2:1',
  ]);
  t.strictSame(host.kernel.log, ['SOCK_DIAG 43', 'SOCK_DIAG 2', 'SOCK_DIAG 10']);
});

t.test('only listeners are asked for where only listeners matter', async (t) => {
  const host = setUp(t, { protocols: { SMC6: 1 } });
  const asked: unknown[] = [];
  host.kernel.tcpSockets = ({ family, protocol, states }) => {
    asked.push([family, protocol, (states as number).toString(16)]);
    return [];
  };
  await list(host);
  t.strictSame(asked, [
    [10, 6, 'fbf'],
    [2, 6, '400'],
  ]);
});

t.test('a kernel that cannot list TCP sockets: gaps, no failure', async (t) => {
  const host = setUp(t, {
    protocols: { SMC: 1, SMC6: 1, INET_SMC: 1 },
    smc: [
      smc(ACTIVE, '10.0.0.1', 80, '10.0.0.2', 1000),
      smc(ACTIVE, '*', 80, '*', 1001, 2),
      smc(LISTEN, '*', 80),
      smc(ACTIVE, '0:0:0:0:0:0:0:1', 80, '0:0:0:0:0:0:0:1', 1000),
    ],
  });
  host.kernel.tcpSockets = () => {
    throw new Errno('ENOENT');
  };
  t.strictSame(await list(host), [
    'ipv4 10.0.0.1:80 10.0.0.2:1000',
    '? ?:80 ?:1001',
    '? ?:80 ?:0',
    'ipv6 ::1:80 ::1:1000',
  ]);
});

t.test('a list of TCP sockets that breaks off with ENOENT is incomplete, not absent', async (t) => {
  const host = setUp(t, { protocols: { SMC6: 1 } });
  host.kernel.tcpSockets = () => {
    throw new Errno('ENOENT', [tcp(10, ESTABLISHED, '0:0:0:0:0:0:0:1', 80, '0:0:0:0:0:0:0:1', 81)]);
  };
  await t.rejects(list(host), { name: 'NetlinkError', op: 'dump', code: 'ENOENT', command: 'TCP sockets' });
});

t.test('a kernel without tcp_diag: addresses from /proc/net/tcp', async (t) => {
  for (const order of ['LE', 'BE'] as const)
    await t.test(order, async (t) => {
      // addresses are numbers of the machine there
      const words = (hex: string): string =>
        order === 'BE' ? hex : hex.replace(/(..)(..)(..)(..)/g, '$4$3$2$1');
      const row = (local: string, port: number, state: string, peer = '', peerPort = 0): string => {
        const end = (address: string, number: number): string =>
          `${words(address.padEnd(local.length, '0'))}:${number.toString(16).toUpperCase().padStart(4, '0')}`;
        return `   0: ${end(local, port)} ${end(peer, peerPort)} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 20 4 30 10 -1\n`;
      };
      const ANY6 = '0'.repeat(32);
      const head =
        '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
      const net = {
        protocols: 'protocol  size sockets\nSMC 1 1\nSMC6 1 2\nINET_SMC 1 1\n',
        tcp: `${head}${row('00000000', 80, '0A')}${row('0A000001', 81, '01', '0A000002', 1001)}${row('0A000003', 81, '06', '0A000002', 1001)}`,
        tcp6: `${head}${row(ANY6, 82, '0A')}${row(ANY6, 80, '0A')}`,
      };
      const kernel = new FakeKernel(order);
      kernel.sockets = () => [
        smc(LISTEN, '*', 80),
        smc(ACTIVE, '*', 81, '*', 1001, 2),
        smc(LISTEN, '*', 82),
        smc(LISTEN, '*', 80),
      ];
      kernel.tcpSockets = () => {
        throw new Errno('ENOENT');
      };
      const client = new SmcClient({
        transport: kernel,
        hostRoot: t.testdir({ proc: { net } }),
      });
      t.teardown(() => client.close());
      t.strictSame(await list({ kernel, client }), [
        'ipv4 0.0.0.0:80 0.0.0.0:0',
        'ipv4 10.0.0.1:81 10.0.0.2:1001',
        'ipv6 :::82 :::0',
        'ipv6 :::80 :::0',
      ]);
    });
});

t.test('another failure of the TCP dump is one', async (t) => {
  const host = setUp(t, { protocols: { SMC6: 1 } });
  host.kernel.tcpSockets = () => {
    throw new Errno('ENOMEM', []);
  };
  await t.rejects(list(host), { code: 'ENOMEM', command: 'TCP sockets' });
  await new Promise(setImmediate);
  t.equal(host.kernel.openSockets, 0);
});

t.test('all sockets are closed at the end, however it comes', async (t) => {
  const make = (): Setup =>
    setUp(t, {
      protocols: undefined,
      smc: Array.from({ length: 20 }, (_, i) => smc(ACTIVE, '10.0.0.1', i + 1)),
    });
  const later = (): Promise<unknown> => new Promise(setImmediate);

  const complete = make();
  t.equal((await list(complete)).length, 20);
  await later();
  t.equal(complete.kernel.openSockets, 0);

  const left = make();
  for await (const _ of left.client.sockets()) break;
  await later();
  t.equal(left.kernel.openSockets, 0);

  const failed = make();
  failed.kernel.sockets = () => {
    throw new Errno('EPERM', [smc(ACTIVE, '10.0.0.1', 1)]);
  };
  await t.rejects(list(failed), { code: 'EPERM', op: 'dump', command: 'SMC sockets' });
  await later();
  t.equal(failed.kernel.openSockets, 0);

  const closed = make();
  const iterator = closed.client.sockets();
  await iterator.next();
  closed.client.close();
  await t.rejects(
    (async () => {
      for await (const _ of iterator);
    })(),
    { code: 'ERR_CLOSED' },
  );
  await later();
  t.equal(closed.kernel.openSockets, 0);
});

t.test('details are asked for and come through', async (t) => {
  const host = setUp(t, { protocols: {} });
  let extensions: unknown;
  const dmb = { linkId: 1, peerGid: 2n, myGid: 3n, token: 4n, peerToken: 5n };
  host.kernel.sockets = (request) => {
    extensions = request['extensions'];
    return [{ ...smc(ACTIVE, '10.0.0.1', 1, '10.0.0.2', 2), attributes: { dmb, shutdown: 2 } }];
  };
  for await (const { attributes } of host.client.sockets({ dmb: true, link: true }))
    t.strictSame(attributes, { dmb, shutdown: 2 });
  t.equal(extensions, 0x0a);
});

t.test('whether the table changed meanwhile is the iterator’s last word', async (t) => {
  const host = setUp(t, { protocols: {}, smc: [smc(ACTIVE, '10.0.0.1', 1)] });
  const iterator = host.client.sockets();
  await iterator.next();
  t.strictSame(await iterator.next(), { done: true, value: { interrupted: false } });
  host.kernel.raw = (request) => [host.kernel.message(request, Buffer.alloc(4), 3, 0x12)];
  t.strictSame(await host.client.sockets().next(), { done: true, value: { interrupted: true } });
});
