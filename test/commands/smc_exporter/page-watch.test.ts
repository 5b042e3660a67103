// SPDX-License-Identifier: MIT
/** When the page of smc_exporter reads, and who is told. */
import { get, type IncomingMessage } from 'node:http';
import t, { type Test } from 'tap';
import { PageLook } from '../../../src/commands/smc_exporter/page/look.ts';
import { MOST_WATCHERS, pageRoutes } from '../../../src/commands/smc_exporter/page/routes.ts';
import { Watch } from '../../../src/commands/smc_exporter/page/watch.ts';
import type { OverviewDocument } from '../../../src/documents/smc_exporter-page.ts';
import { type BusyHost, busyHost, busyHostFiles, lookOptions } from '../../helpers/busy-host.ts';
import { plantOnce } from '../../helpers/host-trees.ts';
import { type PageServer, servePage } from '../../helpers/page-server.ts';
import { waitUntil } from '../../helpers/wait.ts';

/** Nothing happens by itself within a test. */
const NEVER = 3_600_000;
const ASSETS = { style: '', script: '' };

interface Watched {
  host: BusyHost;
  look: PageLook;
  looks: () => number;
  take: () => ReturnType<PageLook['take']>;
}

function watched(t: Test): Watched {
  const host = busyHost();
  const look = new PageLook(lookOptions(host, plantOnce(busyHostFiles())));
  let looks = 0;
  t.teardown(() => look.settle());
  return {
    host,
    look,
    looks: () => looks,
    take: () => {
      looks++;
      return look.take();
    },
  };
}

t.test('reads while somebody watches, and not for nobody', async (t) => {
  const { take, looks, host } = watched(t);
  const watch = new Watch(take, { watched: 1, first: 1, alone: NEVER });
  t.teardown(() => watch.close());
  t.equal(looks(), 0);
  const seen: OverviewDocument[] = [];
  const leave = watch.follow((overview) => {
    host.step();
    seen.push(overview);
  });
  await waitUntil('some readings', () => seen.length >= 4);
  leave();
  const overview = seen.at(-1)!;
  t.ok(overview.traffic!.smcr_tx_bytes_per_second > 0, 'traffic between readings');
  t.match(overview.recent, { smcr: 9, tcp: 3 });
  t.equal(seen[0]?.traffic, null, 'the first reading has none');
  t.ok(watch.points.length >= 2);
  // what was under way when the last one left may still end
  await watch.now();
  const after = seen.length;
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(seen.length, after);
});

t.test('whoever asks at the same time shares a reading', async (t) => {
  const { take, looks } = watched(t);
  const watch = new Watch(take, { watched: NEVER, first: NEVER, alone: NEVER });
  t.teardown(() => watch.close());
  const all = await Promise.all([watch.now(), watch.now(), watch.now()]);
  t.equal(looks(), 1);
  t.equal(new Set(all).size, 1);
  await watch.now();
  t.equal(looks(), 1, 'a young reading is taken again');
});

t.test('a scrape at the same time shares its answers with the page', async (t) => {
  const host = busyHost();
  const options = lookOptions(host, plantOnce(busyHostFiles()));
  const look = new PageLook(options);
  await look.take();
  await look.settle();
  host.kernel.log.length = 0;
  const parts = new Set(['statistics', 'smcrLinkGroups', 'sockets', 'ueids'] as const);
  const { reader, sockets } = options;
  const [scrape, seen] = await Promise.all([reader.read({ parts, sockets }), look.take()]);
  const asked = (command: string): number => host.kernel.log.filter((line) => line.endsWith(command)).length;
  t.equal(asked(' GET_STATS'), 1);
  t.equal(asked(' GET_LINK_SMCR'), 1);
  t.equal(asked(' DUMP_UEID'), 1, 'the findings are young, and not looked for again');
  t.equal(seen.host.statistics, scrape.statistics);
  t.equal(seen.clock, scrape.statistics.at, 'rates are by the time of the answer');
  t.same(seen.sockets.value?.summary.connections, scrape.sockets.value?.summary.connections);
  await look.settle();
});

t.test('a reading that fails is not the last one', async (t) => {
  const { take } = watched(t);
  let failures = 2;
  const watch = new Watch(
    async () => {
      if (failures-- > 0) throw new Error('a bug');
      return take();
    },
    { watched: 1, first: 1, alone: NEVER },
  );
  t.teardown(() => watch.close());
  await t.rejects(watch.now(), /a bug/, 'who asks is told');
  let seen = 0;
  watch.follow(() => seen++);
  await waitUntil('a reading', () => seen > 0);
});

t.test('connections with their rates and owners, and what cannot be known', async (t) => {
  const { take, host } = watched(t);
  const watch = new Watch(take, { watched: 1, first: 1, alone: NEVER });
  t.teardown(() => watch.close());
  let last: OverviewDocument | undefined;
  watch.follow((overview) => {
    host.step();
    last = overview;
  });
  const { connections, sockets, link_groups, devices } = await waitUntil(
    'rates of connections',
    () => last?.connections.some(({ tx_bytes_per_second: tx }) => (tx ?? 0) > 0) && last,
  );
  t.strictSame(sockets, { smcr: 14, smcd: 3, tcp: 3, listening: 2, total: 22, complete: true });
  t.equal(connections.length, 10);
  const [first] = connections;
  t.match(first, { local: '10.9.0.1:40000', peer: '10.9.0.2:5432', mode: 'SMCR', state: 'ACTIVE' });
  t.strictSame(first?.owners, [{ command: 'postgres', pid: 410, unit: 'replica.service' }]);
  const rates = connections.map(
    ({ rx_bytes_per_second: rx, tx_bytes_per_second: tx }) => (rx ?? 0) + (tx ?? 0),
  );
  t.strictSame(
    rates,
    [...rates].sort((one, other) => other - one),
    'the busiest first',
  );
  t.strictSame(
    link_groups.map(({ technology, peer_host, links }) => [technology, peer_host, links.length]),
    [
      ['SMC-R', 'beta', 2],
      ['SMC-R', 'gamma', 1],
      ['SMC-D', 'mainframe', 1],
    ],
  );
  t.match(devices[0], { name: 'mlx5_0', interface: 'eth0', rate: '100 Gb/sec (4X EDR)', pnet_id: 'NET1' });
});

async function served(t: Test): Promise<{ server: PageServer; host: BusyHost }> {
  const { take, host } = watched(t);
  const server = await servePage(
    pageRoutes({ look: take, isLive: true, assets: ASSETS, times: { watched: 1, first: 1, alone: NEVER } }),
  );
  t.teardown(() => server.close());
  return { server, host };
}

const ask = (url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });

t.test('the stream: the history, then a message for each reading', async (t) => {
  const { server } = await served(t);
  const response = await ask(`${server.url}events`);
  t.match(response.headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let text = '';
  response.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await waitUntil('two readings', () => text.split('event: reading').length > 3);
  const ended = new Promise((resolve) => response.on('end', resolve));
  await server.cut();
  await ended;
  await server.open();
  const messages = text.split('\n\n');
  t.equal(messages[0], 'retry: 2000');
  t.match(messages[1], /^event: history\ndata: \[.*\]$/);
  t.match(messages[2], /^event: reading\ndata: \{"time":.*\}$/);
});

t.test('streams are bounded in number', async (t) => {
  const { server } = await served(t);
  const streams = await Promise.all(Array.from({ length: MOST_WATCHERS }, () => ask(`${server.url}events`)));
  t.strictSame(new Set(streams.map(({ statusCode }) => statusCode)), new Set([200]));
  const refused = await ask(`${server.url}events`);
  t.equal(refused.statusCode, 503);
  t.equal(refused.headers['retry-after'], '10');
  refused.resume();
  streams[0]?.destroy();
  await waitUntil('a place that is free again', async () => {
    const response = await ask(`${server.url}events`);
    response.destroy();
    return response.statusCode === 200;
  });
  for (const stream of streams) stream.destroy();
});

t.test('a page of a bundle has no stream', async (t) => {
  const { take } = watched(t);
  const { routes } = pageRoutes({ look: take, isLive: false, assets: ASSETS });
  t.strictSame([...routes.keys()], ['/']);
});
