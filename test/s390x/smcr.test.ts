// SPDX-License-Identifier: MIT
// The installed package on Debian's own s390x kernel: the PNET table, SMC-R over soft-RoCE, and recordings of x86 played
// there. One boot for all.
import t from 'tap';
import { validate } from '../helpers/schemas.ts';
import { begins, ended, isOn, records } from '../vm/event-records.ts';
import { setUpSmcR } from '../vm/guest.ts';
import { agrees, seriesOf } from '../vm/metrics.ts';
import {
  addUeid,
  batch,
  type JsonSocket,
  on,
  ownConnection,
  sockets,
  UEID,
  waitForListener,
} from '../vm/suite.ts';
import {
  bootInstalled,
  clean,
  expectAll,
  hold,
  JITLESS_NOTE,
  sameHere,
  sameThere,
  X86_SCENES,
} from './installed.ts';

t.test('SMC-R on s390x, kernel 6.12', async (t) => {
  const guest = await bootInstalled({ kernel: '6.12', name: 's390x-guest' });
  t.teardown(() => guest.close());
  const run = async (command: string, options = {}) => clean(await guest.run(command, options));
  await setUpSmcR(guest);

  await t.test('without SMC-D', async (t) => {
    await expectAll(t, guest, [
      // asked of the kernel, though there is no device for it
      ['smcd seid', 0, 'n/a\n', ''],
      ['smcd ueid add ONE', 0, '', ''],
      ['smcd ueid del ONE', 0, '', 'smcd: no UEID is left: the kernel has enabled the SEID\n'],
      ['smcd -j device', 0, '{"devices":[]}\n', ''],
    ]);
  });

  await t.test('the PNET table and its errors', async (t) => {
    const inTheWay =
      'is already in the table, with PNET ID NET1; delete that entry first (smc_pnet -d NET1 deletes all entries of NET1)';
    const table = 'NET1 lo n/a 255\nNET1 n/a rxelo 1\n';
    await expectAll(t, guest, [
      ['smc_pnet', 0, '', ''],
      ['smc_pnet -a NET1 -I lo -D rxelo', 0, '', ''],
      ['smc_pnet', 0, table, ''],
      [
        'smc_pnet -sj NET1',
        0,
        '{"pnet_table":[{"pnet_id":"NET1","kind":"ethernet","interface":"lo","ib_device":null,"ib_port":null},{"pnet_id":"NET1","kind":"device","interface":null,"ib_device":"rxelo","ib_port":1}]}\n',
        '',
      ],
      ['smc_pnet -a NET2 -I lo', 1, '', `smc_pnet: interface lo ${inTheWay}\n`],
      ['smc_pnet -a NET2 -D rxelo', 1, '', `smc_pnet: device rxelo port 1 ${inTheWay}\n`],
      ['smc_pnet -d NET9', 1, '', 'smc_pnet: PNET ID "NET9" is not in the table\n'],
      ['smc_pnet', 0, table, ''],
      ['smc_pnet -d net1', 0, '', ''],
      ['smc_pnet', 0, '', ''],
      ['smc_pnet -a NET1 -I lo -D rxelo', 0, '', ''],
      ['smc_pnet -f', 0, '', ''],
      ['smc_pnet', 0, '', ''],
      ['smc_pnet -a NET1 -I lo -D rxelo', 0, '', ''],
    ]);
  });

  await t.test('smcss --events: the trace of the kernel and the lists', async (t) => {
    const over = `env LD_PRELOAD=${(await run('smc_run --preload-path', { check: true })).stdout.trim()}`;
    const events = await guest.start('exec smcss -jpE 1');
    const [start] = await begins(events);
    t.strictSame(start?.sources, ['list', 'trace']);

    // no UEID
    const fallen = await ownConnection(guest, 7611, 0, over);
    const listed = on(7611, await sockets(guest)).filter(({ fallback }) => fallback);
    await fallen.end();
    const fallbacks = await records(events, 'both sides', 2, ({ event }) => event === 'fallback');
    t.strictSame([listed.length, fallbacks.length], [2, 2]);
    for (const { local, peer, fallback } of listed) {
      const side = local.port === 7611 ? 'server' : 'client';
      t.match(
        fallbacks.find((record) => record.side === side),
        {
          source: 'trace',
          mode: 'TCP',
          local,
          peer,
          fallback: { reason: fallback?.reason },
          // the other socket may not be accepted yet
          ...(side === 'client' && { owners: [{ command: 'python3', pid: fallen.pid }] }),
        },
        `what the trace says of the ${side} is what the list says`,
      );
    }

    await addUeid(guest);
    const bytes = 1_000_000;
    const connection = await ownConnection(guest, 7612, bytes, over);
    const appeared = await records(events, 'it appears', 2, isOn(7612));
    t.match(appeared, [
      { event: 'appeared', mode: 'SMCR', source: 'list', owners: [{ pid: connection.pid }] },
      { event: 'appeared', mode: 'SMCR' },
    ]);
    // a list that has this one was made after all bytes had come
    const later = await ownConnection(guest, 7613, 0, over);
    await records(events, 'another one appears', 2, isOn(7613));
    await connection.end();
    const ends = await records(
      events,
      'it ends',
      2,
      (record) => record.event === 'ended' && isOn(7612)(record),
    );
    t.match(
      ends.find(({ peer }) => peer?.port === 7612),
      { tx_bytes: bytes, rx_bytes: 0, side: 'client' },
    );
    t.match(
      ends.find(({ local }) => local?.port === 7612),
      { tx_bytes: 0, rx_bytes: bytes, side: 'server' },
    );
    const { status, stdout, stderr, all } = await ended(events);
    t.equal(status, 0);
    t.match(stderr.replace(JITLESS_NOTE, ''), /^smcss: the sockets are listed every 1 s, which misses .*\n$/);
    t.strictSame(validate('smcss -jE', stdout), []);
    t.equal(all.at(-1)?.event, 'stop');
    t.equal(
      (await guest.run('mkdir /run/t && mount -t tracefs t /run/t && ls /run/t/instances')).stdout,
      '',
      'the trace is gone',
    );
    await later.end();
  });

  await t.test('smc_exporter: what the commands show', async (t) => {
    const stop = await hold(guest, 7602);
    const [scraped] = await batch(guest, ['smc_exporter --once --timeout 60']);
    t.strictSame([scraped!.status, scraped!.stderr], [0, '']);
    const metrics = seriesOf(scraped!.stdout);
    await agrees(t, guest, metrics);
    t.ok(metrics.get('smc_traffic_bytes_total{technology="smcr",direction="tx"}')! >= 1_000_000);
    t.equal(metrics.get('smc_fallbacks_total{role="client"}'), 1);
    t.equal(metrics.get('smc_open_connections{mode="smcr"}'), 2);
    t.equal(metrics.get('smc_port_active{device="rxelo",port="1"}'), 1);
    t.equal(metrics.get('smc_pnet_entries{kind="device"}'), 1);
    await stop();
  });

  await t.test('everything that commands show, there and here', async (t) => {
    const stop = await hold(guest, 7601);
    const shown = await sameHere(t, guest);
    const found = on(7601, JSON.parse(shown.get('smcss -aj')!.stdout).sockets as JsonSocket[]).filter(
      ({ state }) => state === 'ACTIVE',
    );
    t.strictSame(
      found.map(({ mode }) => mode),
      ['SMCR', 'SMCR'],
    );
    t.strictSame(found.map(({ link }) => link?.role).sort(), ['CLNT', 'SERV']);
    const row = 'ACTIVE +00000 \\d{7} 127\\.0\\.0\\.1:\\d+ +127\\.0\\.0\\.1:\\d+ +0000 SMCR ';
    const gid = '[0-9a-f:]{39}';
    t.match(
      shown.get('smcss -R')!.stdout,
      new RegExp(`^${row}(CLNT|SERV) rxelo           01   [0-9a-f]{2}     ${gid}  ${gid}$`, 'm'),
    );
    const { links } = JSON.parse(shown.get('smcr -ja linkgroup link-show')!.stdout) as {
      links: { ib_device: string }[];
    };
    t.ok(links.length >= 2 && links.every(({ ib_device }) => ib_device === 'rxelo'));
    await stop();
  });

  await t.test('smc_run and smc_chk over SMC-R', async (t) => {
    const { status, stdout, stderr } = await run('smc_run -j --require-smc pair-static');
    t.strictSame([status, stdout], [0, 'same\n'], 'data came back unchanged');
    t.match(JSON.parse(stderr.trimEnd().split('\n').pop() ?? ''), { way: 'seccomp', totals: { smcr: 2 } });
    const server = await guest.start('exec smc_chk -S');
    await waitForListener(guest, 37_373);
    const checked = await run('smc_chk -C 127.0.0.1');
    t.strictSame([checked.status, checked.stderr], [0, '']);
    t.match(checked.stdout, /^ {5}Success, using SMC-R$/m);
    t.match(checked.stdout, /^ {10}Device: rxelo port 1$/m);
    t.match(checked.stdout, new RegExp(`^ {10}EID: ${UEID.replace('.', '\\.')}$`, 'm'));
    server.kill('SIGINT');
    await server.wait();
    const [system] = await batch(guest, ['smc_chk -j']);
    const { checks } = JSON.parse(system!.stdout) as { checks: { id: string; status: string }[] };
    for (const id of ['module', 'ueid', 'pnet-table'])
      t.equal(checks.find((check) => check.id === id)?.status, 'pass', id);
  });

  for (const scene of X86_SCENES)
    await t.test(`${scene}, recorded on x86`, async (t) => sameThere(t, guest, scene));
});
