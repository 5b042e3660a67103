// SPDX-License-Identifier: MIT
import t from 'tap';
import { SmcClient } from '../../src/smc/client.ts';
import { FakeKernel, ipv4Row } from '../helpers/fake-kernel.ts';
import { networkInterface, plant } from '../helpers/host-trees.ts';
import { waitUntil } from '../helpers/wait.ts';

const IPV6 = Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

for (const order of ['LE', 'BE'] as const)
  t.test(`addresses of interfaces, ${order}`, async (t) => {
    const kernel = new FakeKernel(order);
    kernel.addresses = () => [
      ipv4Row(2, '10.0.0.1/24'),
      // a point-to-point link: the own address is LOCAL, the peer's is ADDRESS
      {
        family: 2,
        prefixLength: 32,
        flags: 0,
        scope: 253,
        index: 7,
        attributes: { address: Uint8Array.of(10, 9, 9, 2), local: Uint8Array.of(10, 9, 9, 1) },
      },
      // still looking for a duplicate; the 32 bits of the attribute count, not the 8 of the header
      {
        family: 10,
        prefixLength: 64,
        flags: 0,
        scope: 253,
        index: 2,
        attributes: { address: IPV6, flags: 0x40 },
      },
      { family: 10, prefixLength: 64, flags: 0x08, scope: 99, index: 2, attributes: { address: IPV6 } },
      { family: 35, prefixLength: 0, flags: 0, scope: 0, index: 2, attributes: { local: Uint8Array.of(1) } },
      { family: 2, prefixLength: 8, flags: 0, scope: 0, index: 2 },
    ];
    const hostRoot = plant(t, networkInterface('eth0', { index: 2 }));
    const client = new SmcClient({ transport: kernel, hostRoot });
    t.teardown(() => client.close());
    t.strictSame(await client.interfaceAddresses(), [
      {
        index: 2,
        interface: 'eth0',
        family: 4,
        address: '10.0.0.1',
        prefixLength: 24,
        scope: 'global',
        isUsable: true,
      },
      {
        index: 7,
        interface: undefined,
        family: 4,
        address: '10.9.9.1',
        prefixLength: 32,
        scope: 'link',
        isUsable: true,
      },
      {
        index: 2,
        interface: 'eth0',
        family: 6,
        address: 'fe80::1',
        prefixLength: 64,
        scope: 'link',
        isUsable: false,
      },
      {
        index: 2,
        interface: 'eth0',
        family: 6,
        address: 'fe80::1',
        prefixLength: 64,
        scope: '99',
        isUsable: false,
      },
    ]);
    await waitUntil('the end of all sockets', () => kernel.openSockets === 0, {
      seen: () => kernel.openSockets,
    });
  });

t.test('the running kernel, which needs no privilege and no SMC for it', async (t) => {
  const client = new SmcClient();
  t.teardown(() => client.close());
  const addresses = await client.interfaceAddresses();
  t.match(
    addresses.find(({ interface: name, family }) => name === 'lo' && family === 4),
    { index: 1, address: '127.0.0.1', prefixLength: 8, scope: 'host', isUsable: true },
  );
});
