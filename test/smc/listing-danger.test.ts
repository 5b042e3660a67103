// SPDX-License-Identifier: MIT
import t from 'tap';
import { type Listing, listingDanger } from '../../src/smc/listing-danger.ts';

const protocols = (sockets: Record<string, number>): string =>
  ['protocol  size sockets', ...Object.entries(sockets).map(([name, count]) => `${name} 1416 ${count}`)].join(
    '\n',
  );

const DEBIAN =
  'Linux version 6.1.0-17-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP Debian 6.1.69-1 (2023-12-30)\n';

t.test('by version, by what is listed and by what is there', async (t) => {
  const dangers = (
    release: string,
    listing: Listing,
    sockets: Record<string, number> | null = { SMC: 1 },
  ) => {
    const proc = {
      sys: { kernel: { osrelease: `${release}\n` } },
      ...(sockets && { net: { protocols: protocols(sockets) } }),
    };
    const danger = listingDanger(listing, t.testdir({ proc } as never));
    return danger?.faults.map(({ name }) => name) ?? [];
  };
  const all = { connection: true, link: true, dmb: true };
  t.strictSame(dangers('6.1.60', {}), [], 'the basics are harmless');
  t.strictSame(dangers('6.1.60', { connection: true }), []);
  t.strictSame(dangers('6.1.60', { dmb: true }), ['dump-of-smcd']);
  t.strictSame(dangers('6.1.60', { link: true }), ['dump-of-smcr']);
  t.strictSame(dangers('6.1.60', all), ['dump-of-smcd', 'dump-of-smcr']);
  t.strictSame(dangers('6.1.75', all), ['dump-of-smcd']);
  t.strictSame(dangers('6.1.76', all), []);
  t.strictSame(dangers('6.1.60', all, { SMC: 0, SMC6: 0 }), [], 'nothing to list');
  t.strictSame(dangers('6.1.60', all, { SMC: 0, SMC6: 1 }), ['dump-of-smcd', 'dump-of-smcr']);
  t.strictSame(dangers('6.1.60', { ...all, goesOn: true }, {}), ['dump-of-smcd', 'dump-of-smcr']);

  t.strictSame(dangers('6.12.55', all), [], 'nobody opens IPPROTO_SMC sockets');
  t.strictSame(dangers('6.12.55', {}, { SMC: 3, INET_SMC: 1 }), ['dump-of-new-sockets']);
  t.strictSame(dangers('6.12.55', {}, { INET6_SMC: 2 }), ['dump-of-new-sockets']);
  t.strictSame(dangers('6.12.55', { opensInet: true }, {}), ['dump-of-new-sockets']);
  t.strictSame(dangers('6.12.55', { goesOn: true }, {}), []);
  t.strictSame(dangers('6.12.56', all, { INET_SMC: 1 }), []);
  t.strictSame(dangers('6.18.1', all, { INET_SMC: 1 }), []);
  t.strictSame(dangers('6.15.4', {}, { INET_SMC: 1 }), ['dump-of-new-sockets']);
  t.strictSame(dangers('6.12.55', {}, null), ['dump-of-new-sockets'], 'when it cannot be told');

  for (const release of ['5.14.0-570.el9.s390x', '6.1.0-17-amd64', '6.4.0-150600.23.22-default', 'mine'])
    t.strictSame(dangers(release, all, { INET_SMC: 1 }), [], `${release}: no claim`);
});

t.test('what is said', async (t) => {
  const proc = { version: DEBIAN, net: { protocols: protocols({ SMC: 1 }) } };
  const { text, hint } = listingDanger({ link: true, dmb: true }, t.testdir({ proc }))!;
  t.equal(
    text,
    'judging by its version (6.1.69), querying this kernel is dangerous: listing SMC-D sockets while connections come and go can crash the host (CVE-2024-26615), and listing SMC-R sockets while connections come and go can crash the host',
  );
  t.equal(hint, 'update it to Linux 6.1.76 or later');
});
