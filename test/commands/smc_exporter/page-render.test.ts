// SPDX-License-Identifier: MIT
/** The document of the page of smc_exporter: complete without a script, and closed to everything foreign. */
import { createHash } from 'node:crypto';
import t from 'tap';
import {
  bytesText,
  durationText,
  percentText,
  shortGid,
} from '../../../src/commands/smc_exporter/page/format.ts';
import { html } from '../../../src/commands/smc_exporter/page/html.ts';
import { pageHeaders, renderPage } from '../../../src/commands/smc_exporter/page/render.ts';
import type { OverviewDocument } from '../../../src/documents/smc_exporter-page.ts';

const ASSETS = { style: 'p{color:red}', script: 'let a=1;' };
const EVIL = `<script>alert(1)</script>"'&\u202e\x1b[31m`;
const SHOWN = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u202e\\x1b[31m';

/** With a hostile text wherever there can be one. */
const HOSTILE: OverviewDocument = {
  time: '2026-01-31T12:00:00.000Z',
  recorded: false,
  host: { name: EVIL, kernel: EVIL, initial_namespace: false },
  verdict: { state: 'partly', sentence: `Partly: ${EVIL}.` },
  sockets: { smcr: 1204, smcd: 3, tcp: 96, listening: 4, total: 1310, complete: false },
  recent: { smcr: 60, smcd: 0, tcp: 40, seconds: 3600 },
  counted: {
    smcr: 5000,
    smcd: 0,
    tcp: 500,
    since: 'since smc was loaded',
    handshake_errors: 2,
    smcr_rx_bytes: 1e9,
    smcr_tx_bytes: 2e9,
    smcd_rx_bytes: 0,
    smcd_tx_bytes: 0,
  },
  traffic: {
    seconds: 5,
    smcr_rx_bytes_per_second: 12_345_678,
    smcr_tx_bytes_per_second: 1,
    smcd_rx_bytes_per_second: 0,
    smcd_tx_bytes_per_second: 0,
  },
  fallbacks: [
    { code: '0x03010000', name: EVIL, text: EVIL, remedy: EVIL, open: 7, recent: 8, client: 9, server: 10 },
    {
      code: '0x00000077',
      name: null,
      text: null,
      remedy: null,
      open: null,
      recent: null,
      client: null,
      server: null,
    },
  ],
  link_groups: [
    {
      technology: 'SMC-R',
      link_group_id: '00000100',
      role: 'CLNT',
      type: 'SINGLE',
      version: 2,
      peer_host: EVIL,
      peer_os: 'LINUX',
      eid: EVIL,
      pnet_id: EVIL,
      connections: 3,
      buffer_bytes: 393_216,
      links: [
        {
          link_id: '01',
          device: EVIL,
          port: 1,
          interface: EVIL,
          gid: EVIL,
          peer_gid: EVIL,
          state: 'LINK_INACTIVE',
          connections: 3,
        },
      ],
    },
  ],
  devices: [
    {
      technology: 'SMC-R',
      name: EVIL,
      port: 1,
      interface: EVIL,
      state: 'INACTIVE',
      rate: EVIL,
      software: false,
      pnet_id: EVIL,
      used_by: 1,
    },
  ],
  findings: [{ id: 'interface', subject: EVIL, status: 'warning', finding: EVIL, reason: EVIL, fix: EVIL }],
  connections: [
    {
      local: EVIL,
      peer: EVIL,
      mode: 'SMCR',
      state: 'ACTIVE',
      reason: null,
      rx_bytes_per_second: 5000,
      tx_bytes_per_second: null,
      rx_buffer_fill: 0.5,
      owners: [{ command: EVIL, pid: 12, unit: EVIL }],
    },
  ],
  unseen: [{ part: EVIL, why: EVIL }],
};

const page = (changes: Partial<OverviewDocument> = {}, isLive = true): string =>
  renderPage({ ...HOSTILE, ...changes }, { assets: ASSETS, history: [], isLive });

t.test('names from outside never become markup', async (t) => {
  const text = page();
  t.notMatch(text, /<script>alert/);
  t.notMatch(text, /[\u202e\x1b]/);
  t.ok(text.split(SHOWN).length > 25, `shown ${text.split(SHOWN).length - 1} times`);
  t.equal(text.split('<script').length, 2, 'one script, ours');
  // an attribute ends where it should: no quotation mark of a name is left
  t.notMatch(text.replaceAll(SHOWN, ''), /alert\(1\)/);
});

t.test('templates', async (t) => {
  t.equal(
    html`<p title="${'"'}">${['a', html`<b>${'<'}</b>`, null, false, undefined, 0]}</p>`.text,
    '<p title="&quot;">a<b>&lt;</b>0</p>',
  );
});

t.test('the policy allows what the page consists of, and nothing else', async (t) => {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const headers = pageHeaders(ASSETS);
  t.equal(
    headers['Content-Security-Policy'],
    `default-src 'none'; style-src ${hash(ASSETS.style)}; img-src data:; script-src ${hash(ASSETS.script)}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  t.match(headers, {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  });
  const live = page();
  t.match(live, `<style>${ASSETS.style}</style>`);
  t.match(live, `<script>${ASSETS.script}</script>`);
  const snapshot = page({}, false);
  t.notMatch(snapshot, '<script', 'a snapshot has no script');
  t.match(snapshot, 'default-src &#39;none&#39;; style-src', 'and its policy in itself');
  t.notMatch(snapshot, 'script-src');
  for (const text of [live, snapshot]) {
    t.notMatch(text, / style=/, 'no style in an attribute');
    t.notMatch(text, / on[a-z]+=/, 'no script in an attribute');
    t.notMatch(text, /(?:href|src)="(?!data:|metrics")/, 'no reference to elsewhere');
    t.notMatch(text, /https?:\/\/(?!www\.w3\.org)/);
  }
});

/** The text of the elements that a pattern finds. */
const cells = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, inner = '']) =>
    inner
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  );

t.test('all numbers are in the document itself', async (t) => {
  const text = page();
  t.strictSame(cells(text, /<tr data-mode="\w+">(.*?)<\/tr>/g), [
    'SMC-R 1,204 92 % 60 60 % 5,000 91 %',
    'SMC-D 3 < 1 % 0 0 % 0 0 %'.replace('<', '&lt;'),
    'TCP 96 7 % 40 40 % 500 9 %',
  ]);
  t.strictSame(cells(text, /<tr data-technology="[^"]+">(.*?)<\/tr>/g), [
    'SMC-R 12.3 MB/s 1 B/s 1.00 GB 2.00 GB',
    'SMC-D 0 B/s 0 B/s 0 B 0 B',
  ]);
  t.strictSame(cells(text, /<td data-what="(?:\w+)">(.*?)<\/td>/g), [
    '7',
    '8',
    '9',
    '10',
    '–',
    '–',
    '–',
    '–',
  ]);
  t.match(text, '4 sockets listen. The table of sockets changed while it was read');
  t.match(text, '2 handshakes failed for good.');
  t.match(text, '1 group of SMC-R has no second link that works');
  t.match(text, 'a reason that Linux does not know');
});

t.test('every table has a caption, every picture a text', async (t) => {
  const text = page();
  t.equal(text.split('<table').length, text.split('<caption').length);
  t.equal(text.match(/<svg(?![^>]*(?:aria-hidden|role="img"|\bx=))/g), null);
  t.match(
    text,
    /<desc id="picture-text">SMC-R group 00000100 with .*, 3 connections: .* port 1 on .*, inactive\.<\/desc>/,
  );
});

t.test('a bundle says that it shows one moment', async (t) => {
  const text = page({ recorded: true, traffic: null, recent: null }, false);
  t.match(text, 'one moment of the host, so there are no rates and no history');
  t.match(text, 'No rates: a bundle has one reading, and a rate takes two.');
  t.notMatch(text, 'id="charts"');
});

t.test('with nothing in it', async (t) => {
  const rest = { recent: null, counted: null, traffic: null, findings: null };
  const lists = { fallbacks: [], link_groups: [], devices: [], connections: [], unseen: [] };
  const EMPTY = [
    'No connection has fallen back.',
    'There is no link group',
    'There is no connection.',
    'There is no device that SMC can use.',
  ];
  const none = { smcr: 0, smcd: 0, tcp: 0, listening: 0, total: 0, complete: true };
  const empty = page({ ...rest, ...lists, sockets: none });
  for (const sentence of [...EMPTY, 'The kernel does not count bytes.', 'The check was not run.'])
    t.match(empty, sentence);
  t.notMatch(empty, /undefined|NaN|null|could not be read/);

  const unseen = [{ part: 'sockets, counters, link groups of SMC-R, RDMA devices', why: 'no answer' }];
  const unread = page({ ...rest, ...lists, sockets: null, unseen });
  t.match(unread, 'Neither the sockets nor the counters can be read.');
  for (const sentence of EMPTY) t.notMatch(unread, sentence);
  t.equal(unread.split('This could not be read. The end of the page says why.').length, 5);
  t.match(unread, '<strong>sockets, counters, link groups of SMC-R, RDMA devices</strong>: no answer');
});

t.test('a picture of many groups is bounded, the table is not', async (t) => {
  const [group] = HOSTILE.link_groups;
  const groups = Array.from({ length: 40 }, (_, at) => ({ ...group!, link_group_id: `000${100 + at}00` }));
  const text = page({ link_groups: groups });
  t.match(text, '24 more link groups are in the table.');
  t.equal(text.split('data-group=').length, 41);
});

t.test('the history as pictures', async (t) => {
  const history = [
    [100, 1, 0, 2, 0, 0],
    [105, null, null, null, null, null],
    [110, 3, 0, 2, 1000, 500],
  ] as const;
  const text = renderPage(HOSTILE, { assets: ASSETS, history, isLive: false });
  t.match(text, '<polyline class="line smcr" points="0.0,66.7 1000.0,0.0"/>');
  t.match(text, 'Bytes per second over the last hour: at most 1.00 KB/s');
});

t.test('numbers', async (t) => {
  t.strictSame([0, 999, 1000, 9994, 9996, 99_960, 999_600, 12_345_678].map(bytesText), [
    '0 B',
    '999 B',
    '1.00 KB',
    '9.99 KB',
    '10.0 KB',
    '100 KB',
    '1.00 MB',
    '12.3 MB',
  ]);
  t.strictSame([0, 0.001, 0.5, 0.999, 1].map(percentText), ['0 %', '< 1 %', '50 %', '> 99 %', '100 %']);
  t.strictSame([0.2, 1, 45, 60, 120, 3540, 3600].map(durationText), [
    'second',
    'second',
    '45 seconds',
    '60 seconds',
    '2 minutes',
    'hour',
    'hour',
  ]);
  t.strictSame(
    [
      '0000:0000:0000:0000:0000:ffff:0a09:0001',
      'fe80:0000:0000:0000:0000:00ff:fe00:0001',
      '0000:0000:0000:0000:0000:0000:0000:0001',
      'fd00:0001:0000:0000:0002:0000:0000:0000',
      'fe80:0000:0000:0000:0000:0000:0000:0000',
      '5244e083631af99e',
    ].map(shortGid),
    ['10.9.0.1', 'fe80::ff:fe00:1', '::1', 'fd00:1:0:0:2::', 'fe80::', '5244e083631af99e'],
  );
});
