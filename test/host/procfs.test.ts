// SPDX-License-Identifier: MIT
import t from 'tap';
import { socketsPerProtocol } from '../../src/host/procfs.ts';

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
  t.type(socketsPerProtocol()['UNIX'] ?? 0, 'number');
});
