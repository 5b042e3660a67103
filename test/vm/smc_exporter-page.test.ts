// SPDX-License-Identifier: MIT
// The page of smc_exporter on a real kernel says what the commands say at the same time.
// Long: in every run, test/with-packages/page.test.ts has this for recorded kernels, smc_exporter.test.ts what is read here.
import t from 'tap';
import type { OverviewDocument } from '../../src/documents/smc_exporter-page.ts';
import type { SmcrLinkGroupsDocument } from '../../src/documents/smcd.ts';
import { bootWithSuite, echoPair, iperf, on, setUpAllOfSmcR, sockets } from './suite.ts';

/** What is in the elements that a pattern finds, without markup. */
const cells = (html: string, pattern: RegExp): string[] =>
  [...html.matchAll(pattern)].map(([, inner = '']) =>
    inner
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  );

t.test('SMC-R and fallbacks, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  // there is no device yet, so both ends of this one stay TCP
  const fallen = await echoPair(guest, { port: 7001 });
  await setUpAllOfSmcR(guest);
  const traffic = await iperf(guest, 7111);

  await t.test('the snapshot has what smcss and smcr print', async (t) => {
    const { stdout: html } = await guest.run('smc_exporter --page - --timeout 60', { check: true });
    const all = await sockets(guest);
    const { stdout } = await guest.run('smcr -j linkgroup', { check: true });
    const { link_groups: groups } = JSON.parse(stdout) as SmcrLinkGroupsDocument;
    const count = (wanted: string): string =>
      String(all.filter(({ mode, peer }) => mode === wanted && peer !== null).length);
    for (const [key, mode] of [
      ['smcr', 'SMCR'],
      ['smcd', 'SMCD'],
      ['tcp', 'TCP'],
    ] as const)
      t.equal(
        cells(html, new RegExp(`<tr data-mode="${key}"><th[^>]*>.*?</th><td>(.*?)</td>`, 'g')).join(),
        count(mode),
        mode,
      );
    t.ok(
      on(7111, all).some(({ mode }) => mode === 'SMCR'),
      'there are connections over SMC-R',
    );
    const codes = new Set(
      all.flatMap(({ fallback }) => (fallback ? [(fallback.peer_diagnosis ?? fallback.reason).code] : [])),
    );
    t.ok(codes.size > 0, 'there are fallbacks');
    for (const code of codes) t.match(html, `<tr data-code="${code}">`);
    t.strictSame(
      cells(html, /<tr data-group="(\w+)">/g),
      groups.flatMap(({ link_group_id: id, links }) => links.map(() => id)),
      'link groups and their links',
    );
    t.match(html, /SMC-R group \w+ with smc-guest, \d connections?: rxelo port 1 on lo, active\./);
    t.notMatch(html, '<script');
  });

  await t.test('the model has rates and owners', async (t) => {
    const { stdout } = await guest.run('smc_exporter --page - --timeout 60 -j', { check: true });
    const { recorded, traffic: rates, connections, counted, unseen } = JSON.parse(stdout) as OverviewDocument;
    t.equal(recorded, false);
    t.ok(rates && rates.smcr_tx_bytes_per_second > 0, JSON.stringify(rates));
    t.match(connections[0], { mode: 'SMCR', owners: [{ command: 'iperf3' }] });
    t.ok((connections[0]?.rx_bytes_per_second ?? 0) + (connections[0]?.tx_bytes_per_second ?? 0) > 0);
    t.ok(counted && counted.smcr > 0 && counted.tcp > 0);
    t.strictSame(unseen, []);
  });

  await traffic.stop();
  await fallen.stop();
});
