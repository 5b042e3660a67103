// SPDX-License-Identifier: MIT
import t from 'tap';
import { hasInetSmc } from '../../src/host/inet-smc.ts';

const ALIASES = 'alias net-pf-2-proto-256-type-1 smc\n';
const tree = (protocols: string, aliases: string) => ({
  proc: { net: { protocols }, sys: { kernel: { osrelease: '6.12.0\n' } } },
  lib: { modules: { '6.12.0': { 'modules.alias': aliases }, '6.1.0': { 'modules.alias': ALIASES } } },
});

t.test('IPPROTO_SMC', async (t) => {
  const heading = 'protocol  size sockets  memory press maxhdr  slab module\n';
  const smc = `${heading}SMC       1024      0      -1   NI       0   no   smc\n`;
  for (const [protocols, aliases, expected] of [
    [`${heading}INET_SMC  1024      0      -1   NI       0   no   smc\n`, '', true],
    [heading, ALIASES, true],
    [smc, '', false],
    [smc, 'alias net-pf-43 smc\n', false],
  ] as const)
    t.equal(hasInetSmc(t.testdir(tree(protocols, aliases))), expected, `${protocols}${aliases}`);
  t.equal(hasInetSmc(t.testdir({})), false);
});
