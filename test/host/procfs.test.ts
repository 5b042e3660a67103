// SPDX-License-Identifier: MIT
import t from 'tap';
import { isEstablished, socketsPerProtocol } from '../../src/host/procfs.ts';

t.test('sockets per protocol', async (t) => {
  const protocols = `protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em
SMC6      1216      2      -1   NI       0   yes  smc         n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  y  y  n  n
SMC       1216     11      -1   NI       0   yes  smc         n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  y  y  n  n
TCP       2368   1234       4   no     320   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y

short
UNIX      1024    many      -1   NI
`;
  t.strictSame(socketsPerProtocol(t.testdir({ proc: { net: { protocols } } })), {
    SMC6: 2,
    SMC: 11,
    TCP: 1234,
  });
});

t.test('no such file is Node’s own error', async (t) => {
  t.throws(() => socketsPerProtocol(t.testdir({})), { code: 'ENOENT', syscall: 'open' });
});

t.test('this host', async (t) => {
  t.type(socketsPerProtocol('/')['UNIX'] ?? 0, 'number');
});

t.test('whether a TCP connection is established', async (t) => {
  const row = (local: string, peer: string, state: string): string =>
    `   0: ${local} ${peer} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 20 4 30 10 -1\n`;
  const root = t.testdir({
    proc: {
      net: {
        tcp: `  sl  local_address rem_address   st\n${row('0100007F:91FD', '0100007F:1F90', '01')}${row('0100007F:91FE', '0100007F:1F90', '02')}`,
        tcp6: `  sl  local_address rem_address   st\n${row(`${'0'.repeat(32)}:0050`, `${'0'.repeat(32)}:0051`, '01')}`,
      },
    },
  });
  t.equal(isEstablished(0x91fd, 8080, root), true);
  t.equal(isEstablished(0x91fe, 8080, root), false, 'in another state');
  t.equal(isEstablished(0x91fd, 8081, root), false, 'to another port');
  t.equal(isEstablished(80, 81, root), true, 'IPv6');
  t.equal(isEstablished(1, 2, '/nonexistent'), false);
});
