// SPDX-License-Identifier: MIT
// What the demo makes of the table of smcss.
import t from 'tap';
import { seenOver, seenWithoutSmc } from '../vm/smcss-rows.ts';

const header = 'State          UID   Inode   Local Address           Peer Address            Intf Mode \n';
const row = (state: string, local: string, peer: string, mode: string) =>
  `${state.padEnd(14)} 00000 0000490 ${local.padEnd(23)} ${peer.padEnd(23)} 0000 ${mode} \n`;
const client = (port: number, state: string, mode: string) =>
  row(state, `127.0.0.1:${port}`, '127.0.0.1:5201', mode);
const server = (port: number, state: string, mode: string) =>
  row(state, '::ffff:127.0.0.1:5201', `::ffff:127.0.0.1:${port}`, mode);

t.test('over SMC-R', async (t) => {
  const seen = (...rows: string[]) => seenOver('SMCR', 5201, header + rows.join(''));
  const up = (port: number) => client(port, 'ACTIVE', 'SMCR') + server(port, 'ACTIVE', 'SMCR');
  t.same(seen(up(34042), up(34043)), { verdict: 'as awaited', text: 'ACTIVE SMCR' });
  t.same(seen(), { verdict: 'wait', text: 'nothing of it' });
  t.same(seen('INIT           00000 0000489 \n'), { verdict: 'wait', text: 'INIT' }, 'the handshake goes on');
  t.equal(seen(up(34042)).verdict, 'wait', 'control, and no data yet');
  t.same(
    seen(up(34042), client(34043, 'PEERCLOSEWAIT1', 'SMCR')),
    { verdict: 'wait', text: 'ACTIVE SMCR, PEERCLOSEWAIT1 SMCR' },
    'one that is not ACTIVE',
  );
  t.same(
    seen(up(34042), client(34043, 'ACTIVE', 'TCP 0x03010000')),
    { verdict: 'otherwise', text: 'ACTIVE SMCR, ACTIVE TCP 0x03010000' },
    'a fallback is final',
  );
  t.equal(seen(up(1), up(2), row('ACTIVE', '127.0.0.1:9', '127.0.0.1:80', 'TCP')).verdict, 'as awaited');
});

t.test('without SMC', async (t) => {
  t.same(seenWithoutSmc(5301, header), { verdict: 'as awaited', text: 'nothing of it' });
  t.equal(seenWithoutSmc(5301, header + client(34042, 'ACTIVE', 'SMCR')).verdict, 'as awaited');
  t.same(seenWithoutSmc(5201, header + client(34042, 'ACTIVE', 'TCP 0x03030000')), {
    verdict: 'otherwise',
    text: 'ACTIVE TCP 0x03030000',
  });
});
