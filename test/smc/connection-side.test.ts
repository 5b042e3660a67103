// SPDX-License-Identifier: MIT
// Which end of a connection this host has, and the link group of an SMC-R connection.
import t from 'tap';
import type { SmcClient } from '../../src/smc/client.ts';
import { connectionSide } from '../../src/smc/connection-side.ts';
import { socketLinkGroups } from '../../src/smc/socket-link-groups.ts';
import type { SmcSocket } from '../../src/smc/sockets.ts';

const socket = (fields: object = {}): SmcSocket =>
  ({ state: 1, mode: 0, attributes: {}, local: { address: '::1', port: 443 }, ...fields }) as SmcSocket;

const link = { role: 1, linkId: 1, ibName: 'mlx5_0', ibPort: 1, gid: 'fe80::1', peerGid: 'fe80::2' };
const fallback = (reason: number, peerDiagnosis = 0): SmcSocket =>
  socket({ mode: 1, attributes: { fallback: { reason, peerDiagnosis } } });

t.test('the side of a connection', async (t) => {
  const nobody = new Set<number>();
  const listens = new Set([443]);
  t.equal(connectionSide(socket({ state: 10 }), listens), undefined, 'a listener');
  t.equal(connectionSide(socket({ state: 2 }), listens), undefined, 'a new socket');
  t.equal(connectionSide(socket(), listens), 'server');
  t.equal(connectionSide(socket(), nobody), 'client');
  t.equal(connectionSide(socket({ attributes: { link } }), nobody), 'server', 'the link group tells');
  t.equal(connectionSide(socket({ attributes: { link: { ...link, role: 0 } } }), listens), 'client');
  // NOUEID is found by the server
  t.equal(connectionSide(fallback(0x03030008), nobody), 'server', 'the reason tells');
  t.equal(connectionSide(fallback(0x05000000, 0x03030008), listens), 'client', 'or that of the peer');
  // either side can have PEERNOSMC
  t.equal(connectionSide(fallback(0x03010000), listens), 'server');
  t.equal(connectionSide(fallback(0x03010000), nobody), 'client');
});

t.test('the link group of a connection', async (t) => {
  const { role: _, linkId: id, ibName: ibDevice, ...ends } = link;
  const group = (number: number, role: string, fields: object = {}): object => ({
    id: number,
    role,
    links: [{ id, ibDevice, ...ends, ...fields }],
  });
  const groupOf = async (...groups: object[]): Promise<number | undefined> => {
    const client = { smcrLinkGroups: async () => groups } as unknown as SmcClient;
    return (await socketLinkGroups(client))(socket({ attributes: { link } }));
  };
  t.equal(await groupOf(group(0x100, 'SERV'), group(0x200, 'CLNT')), 0x100);
  t.equal(await groupOf(group(0x100, 'SERV'), group(0x200, 'SERV', { ibPort: 2 })), 0x100);
  t.equal(await groupOf(group(0x100, 'SERV'), group(0x200, 'SERV')), undefined, 'two groups have that link');
  t.equal(await groupOf(group(0x100, 'CLNT')), undefined);
  t.equal(await groupOf(), undefined);
  t.equal((await socketLinkGroups({ smcrLinkGroups: async () => [] } as never))(socket()), undefined);
});
