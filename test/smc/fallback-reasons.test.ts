// SPDX-License-Identifier: MIT
// The table of decline codes: what the kernel's sources say of each, so that nobody is led astray.
import t from 'tap';
import { type FallbackReason, fallbackReasons } from '../../src/smc/fallback-reasons.ts';

const byName = new Map([...fallbackReasons.values()].map((reason) => [reason.name, reason]));
const of = (name: string): FallbackReason => byName.get(name)!;
const all = (name: string): string => {
  const { meaning, remedy, causes, fixes } = of(name);
  return [meaning, remedy, ...causes, ...fixes].join('\n');
};

t.test('every entry is well formed', async (t) => {
  t.equal(fallbackReasons.size, 36);
  for (const { name, label, meaning, remedy, causes, fixes } of fallbackReasons.values()) {
    t.ok(name.length + meaning.length <= 60, `${name}: code, name and meaning fit into a line of the page`);
    t.ok(label.length <= 12, name);
    t.ok(causes.length > 0 && fixes.length > 0, name);
    for (const text of [meaning, remedy, ...causes, ...fixes]) t.notMatch(text, /\n|\.$/, name);
  }
});

t.test('sides', async (t) => {
  const names = (side: FallbackReason['side']): string[] =>
    [...fallbackReasons.values()].filter((reason) => reason.side === side).map(({ name }) => name);
  // where net/smc gives the code: smc_connect… for the client, smc_listen… for the server
  t.strictSame(names('client'), ['CNFERR', 'MODEUNSUPP', 'NOSRVLINK', 'NOROUTE', 'NOINDIRECT', 'SYNCERR']);
  t.strictSame(names('server'), [
    'NOSMCDDEV',
    'NOSMCRDEV',
    'NOISM2SUPP',
    'NOV2EXT',
    'NOV2DEXT',
    'NOSEID',
    'NOSMCD2DEV',
    'NOUEID',
    'RELEASEERR',
    'DIFFPREFIX',
    'GETVLANERR',
  ]);
  t.strictSame(names('peer'), ['PEERDECL']);
  t.strictSame(names('nobody'), ['PEERNOSMC']);
});

t.test('what one side sent is not looked for at the other', async (t) => {
  const others = [...fallbackReasons.values()].filter(({ lies }) => lies === 'other').map(({ name }) => name);
  t.strictSame(others, [
    'PEERNOSMC',
    'NOV2EXT',
    'NOV2DEXT',
    'NOSEID',
    'NOUEID',
    'RELEASEERR',
    'MAXCONNERR',
    'MAXLINKERR',
    'MODEUNSUPP',
    'RMBE_EC',
  ]);
});

t.test('enterprise IDs', async (t) => {
  t.match(of('NOUEID'), { meaning: 'the client offered no enterprise ID', lies: 'other' });
  t.strictSame(of('NOUEID').causes, ['the client has neither a UEID nor an enabled SEID']);
  t.match(of('NOUEID').remedy, /different UEIDs give other codes/);
  for (const name of ['NOSMCDEV', 'NOSMCDDEV', 'NOSMCD2DEV', 'DIFFPREFIX'])
    t.match(all(name), /UEID/, `${name} is what differing UEIDs give`);
  t.match(of('NOSMCDDEV').fixes[0], /smcd ueid; smcd seid/);
  t.notMatch(all('NOSMCRDEV'), /UEID/, 'an enterprise ID has matched before the device is looked for');
});

t.test('buffers are the memory of the kernel', async (t) => {
  for (const name of ['MEM', 'ERR_REGBUF']) {
    t.match(of(name).remedy, /locked-memory limits do not apply$/);
    t.notMatch([...of(name).causes, ...of(name).fixes].join('\n'), /lock/, name);
  }
  t.match(all('MAX_DMB'), /ISM device supports 1920 buffers, loopback-ism 5000/);
});

t.test('malformed messages are no matter of versions or set-up', async (t) => {
  for (const name of ['NOV2EXT', 'NOV2DEXT']) {
    t.match(all(name), /malformed/, name);
    t.notMatch(all(name), /does version 1 only|give it a UEID/, name);
  }
  t.match(all('MODEUNSUPP'), /a fault in the system of the server/);
  t.notMatch(all('MODEUNSUPP'), /PNET/);
  t.match(all('RELEASEERR'), /a fault in the system of the client/);
});

t.test('what newer kernels brought', async (t) => {
  t.match(all('PEERNOSMC'), /net\.smc\.hs_ctrl, since Linux 6\.19/);
  t.match(of('PEERNOSMC').fixes[1], /smcd sysctl show hs_ctrl/);
  t.match(all('INTERR'), /eRDMA.* since Linux 6\.14/);
  t.match(all('INTERR'), /three times net\.smc\.smcr_max_send_wr/);
  t.match(all('NOSMCDEV'), /before Linux 6\.14 this includes IPv4 over an IPv6 socket \(Java\)/);
});

t.test('codes that Linux does not send', async (t) => {
  for (const name of ['TIMEOUT_AL', 'NOSEID', 'VERSMISMAT'])
    t.match(of(name).causes[0], /^Linux does not send this code/, name);
});
