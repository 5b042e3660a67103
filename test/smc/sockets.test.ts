// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  connectionMode,
  MODE_SMCD,
  MODE_SMCR,
  MODE_TCP,
  SOCKET_STATES,
  smcSocketRequest,
  socketCookie,
  stateName,
} from '../../src/smc/sockets.ts';

t.test('states have the names of the C suite', async (t) => {
  t.equal(stateName(1), 'ACTIVE');
  t.equal(stateName(10), 'LISTEN');
  t.equal(stateName(24), 'APPFINCLOSEWAIT1');
  t.equal(stateName(27), 'PROCESSABORT');
  t.equal(stateName(28), '0x1c?');
  t.equal(stateName(0), '0?');
  t.equal(Object.keys(SOCKET_STATES).length, 12);
});

t.test('mode 0 of a socket without a connection means nothing', async (t) => {
  t.equal(connectionMode({ state: 1, mode: MODE_SMCR }), 'SMCR');
  t.equal(connectionMode({ state: 2, mode: MODE_SMCR }), undefined);
  t.equal(connectionMode({ state: 10, mode: MODE_SMCR }), undefined);
  t.equal(connectionMode({ state: 7, mode: MODE_SMCR }), 'SMCR');
  t.equal(connectionMode({ state: 1, mode: MODE_TCP }), 'TCP');
  t.equal(connectionMode({ state: 10, mode: MODE_TCP }), 'TCP');
  t.equal(connectionMode({ state: 1, mode: MODE_SMCD }), 'SMCD');
});

t.test('the cookie is two host words, low one first', async (t) => {
  const id = { ...smcSocketRequest({}).id, cookieLow: 0xffffffff, cookieHigh: 0x80000001 };
  t.equal(socketCookie(id), 0x80000001ffffffffn);
});

t.test('details become extension bits', async (t) => {
  const bits = (details: Parameters<typeof smcSocketRequest>[0]): number =>
    smcSocketRequest(details).extensions;
  t.equal(bits({}), 0);
  t.equal(bits({ connection: true }), 0x01);
  t.equal(bits({ link: true }), 0x02);
  t.equal(bits({ dmb: true }), 0x08);
  t.equal(bits({ connection: true, link: true, dmb: true }), 0x0b);
  t.equal(bits({ connection: false }), 0);
});
