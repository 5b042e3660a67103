// SPDX-License-Identifier: MIT
/** The page of smc_exporter in a real browser: Debian's Chromium. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { buildPage } from '../../scripts/page.mjs';
import type { CommandDefinition } from '../../src/cli/run.ts';
import { PageLook } from '../../src/commands/smc_exporter/page/look.ts';
import { pageRoutes } from '../../src/commands/smc_exporter/page/routes.ts';
import { smcd } from '../../src/commands/smcd/command.ts';
import { smcr } from '../../src/commands/smcr/command.ts';
import { smcss } from '../../src/commands/smcss/command.ts';
import type { SmcdLinkGroupsDocument, SmcrLinkGroupsDocument } from '../../src/documents/smcd.ts';
import type { SocketsDocument } from '../../src/documents/smcss.ts';
import { type BusyHost, busyHost, busyHostFiles, lookOptions } from '../helpers/busy-host.ts';
import { plant } from '../helpers/host-trees.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { type PageServer, servePage } from '../helpers/page-server.ts';
import { runCommand } from '../helpers/run-command.ts';
import { PATIENCE_S, waitUntil } from '../helpers/wait.ts';

const CHROMIUM = '/usr/bin/chromium';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../bin/smc_exporter.js', import.meta.url));
const SCENES = ['6.12-smcr', '6.12-smcd', '6.1-fallback'];

/** A wide window and a phone, by day and by night. */
const WINDOWS: readonly BrowserContextOptions[] = [
  { viewport: { width: 1400, height: 900 }, colorScheme: 'light' },
  { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
  { viewport: { width: 1400, height: 900 }, colorScheme: 'dark' },
];

const assets = await buildPage();
let browser: Browser;
t.before(async () => {
  // root has no sandbox
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox'],
    timeout: PATIENCE_S * 1000,
  });
});
t.teardown(() => browser.close());

/** Looks at a page, with which nothing may go wrong, and which may fetch nothing from elsewhere. */
async function visit(
  t: Test,
  url: string,
  look: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext({ ...WINDOWS[0], ...options });
  // Playwright gives up after 30 s by default
  context.setDefaultTimeout(PATIENCE_S * 1000);
  const page = await context.newPage();
  const wrong: string[] = [];
  const { origin } = new URL(url);
  page.on('console', (message) => {
    // a server that is away is what one test is about; it can go in the midst of an answer
    const isAway = /ERR_(?:CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/;
    if (message.type() !== 'info' && !isAway.test(message.text())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (target.origin !== origin && target.protocol !== 'data:') wrong.push(`request to ${request.url()}`);
  });
  try {
    await page.goto(url);
    await look(page);
    t.strictSame(wrong, [], 'nothing went wrong in the browser');
  } finally {
    await context.close();
  }
}

/** Rules of accessibility that the page breaks, with the elements. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`);
}

const texts = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (elements) =>
    elements.map(({ textContent }) => (textContent ?? '').replace(/\s+/g, ' ').trim()),
  );

async function json<T>(command: CommandDefinition, argv: string, bundle: string): Promise<T> {
  const { status, stdout, stderr } = await runCommand(command, [...argv.split(' '), '--from', bundle]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

/** The page of a bundle, as a file that the command has written. */
function snapshot(t: Test, bundle: string): string {
  const file = join(ownDirectory(t), 'page.html');
  execFileSync(process.execPath, [COMMAND, '--page', file, '--from', bundle]);
  return pathToFileURL(file).href;
}

for (const scene of SCENES)
  t.test(`${scene}: what is on the page is what the commands print`, async (t) => {
    const bundle = join(FIXTURES, scene);
    const url = snapshot(t, bundle);
    await visit(t, url, async (page) => {
      const { sockets } = await json<SocketsDocument>(smcss, '-aj', bundle);
      const count = (mode: string): string =>
        String(sockets.filter((socket) => socket.mode === mode && socket.peer !== null).length);
      for (const [mode, name] of [
        ['smcr', 'SMCR'],
        ['smcd', 'SMCD'],
        ['tcp', 'TCP'],
      ] as const)
        t.strictSame(
          await texts(page, `#modes tr[data-mode=${mode}] td:nth-of-type(1)`),
          [count(name)],
          name,
        );
      const reasons = sockets.flatMap(({ fallback }) =>
        fallback ? [fallback.peer_diagnosis ?? fallback.reason] : [],
      );
      for (const { code, text } of reasons) {
        const row = `#fallbacks tr[data-code="${code}"]`;
        t.strictSame(await texts(page, `${row} strong`), [text]);
        const all = reasons.filter((reason) => reason.code === code).length;
        t.strictSame(await texts(page, `${row} td[data-what=open]`), [String(all)]);
      }
      const ends = sockets.flatMap(({ mode, local, peer }) =>
        mode && peer ? [`${local.address}:${local.port} ${peer.address}:${peer.port}`] : [],
      );
      t.strictSame((await texts(page, '#connections tbody th')).sort(), ends.sort(), 'connections');

      const ofR = await json<SmcrLinkGroupsDocument>(smcr, '-j linkgroup', bundle);
      const ofD = await json<SmcdLinkGroupsDocument>(smcd, '-j linkgroup', bundle);
      const links = [
        ...ofR.link_groups.flatMap((group) =>
          group.links.map((link) =>
            [
              `SMC-R ${group.link_group_id}`,
              link.state,
              String(link.connections),
              `${link.gid} ${link.peer_gid}`,
              `${link.ib_device} port ${link.ib_port} ${link.interface}`,
            ].join('|'),
          ),
        ),
        ...ofD.link_groups.map((group) =>
          [
            `SMC-D ${group.link_group_id}`,
            '–',
            String(group.connections),
            `${group.gid} ${group.peer_gid}`,
            'loopback-ism',
          ].join('|'),
        ),
      ];
      const rows = await page.$$eval('#link-table tbody tr', (elements) =>
        elements.map((row) => {
          const [group = '', ...cells] = [...row.children].map((cell) =>
            (cell.textContent ?? '').replace(/\s+/g, ' ').trim(),
          );
          const [device, state, connections, gids] = cells.slice(-4);
          return [group, state, connections, gids, device].join('|');
        }),
      );
      t.strictSame(rows, links, 'link groups');
      t.equal(await page.locator('.links .link').count(), links.length, 'a line for each link');
      t.match(await page.textContent('.note'), /one moment/);
      for (const window of WINDOWS) {
        await page.setViewportSize(window.viewport!);
        await page.emulateMedia({ colorScheme: window.colorScheme! });
        const name = `${window.viewport!.width} ${window.colorScheme}`;
        t.ok(
          await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
          `${name}: no need to scroll sideways`,
        );
        t.strictSame(await violations(page), [], `${name}: accessible`);
      }
    });
  });

interface Live {
  server: PageServer;
  host: BusyHost;
}

async function live(t: Test): Promise<Live> {
  const host = busyHost();
  const look = new PageLook(lookOptions(host, plant(t, busyHostFiles())));
  const take = (): ReturnType<PageLook['take']> => {
    host.step();
    return look.take();
  };
  const times = { watched: 100, first: 100, alone: 3_600_000 };
  const server = await servePage(pageRoutes({ look: take, isLive: true, assets, times }));
  t.teardown(async () => {
    await server.close();
    await look.settle();
  });
  return { server, host };
}

const LIVE = '#connection[data-state=live]';

for (const window of WINDOWS)
  t.test(`live, ${window.viewport!.width} pixels, ${window.colorScheme}`, async (t) => {
    const { server } = await live(t);
    await visit(
      t,
      server.url,
      async (page) => {
        await page.waitForSelector(LIVE);
        await page.waitForSelector('#chart-open canvas');
        t.match(await page.title(), /^SMC works partly – alpha$/);
        t.ok(
          await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
          'no need to scroll sideways',
        );
        t.strictSame(await violations(page), []);
        t.strictSame([...new Set(server.requests)].sort(), ['/', '/events']);
      },
      window,
    );
  });

t.test('a reading changes what is on the page, and nothing else', async (t) => {
  const { server, host } = await live(t);
  await visit(t, server.url, async (page) => {
    await page.waitForSelector(LIVE);
    await page.click('#link-table summary');
    await page.focus('#link-table summary');
    const made = '#modes tr[data-mode=smcr] td:nth-of-type(5)';
    const before = await page.textContent(made);
    await waitUntil('other counters', async () => (await page.textContent(made)) !== before);
    host.failLink();
    await page.waitForSelector('.links .link.down');
    t.strictSame(await texts(page, '.links .down .state'), ['inactive']);
    t.equal(await page.locator('#link-table[open]').count(), 1, 'what was opened stays open');
    t.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY', 'what had the focus keeps it');
    t.equal(await page.textContent('#news'), '', 'the answer is the same: nothing to read out');
  });
});

t.test('a connection that is lost, and found again', async (t) => {
  const { server } = await live(t);
  await visit(t, server.url, async (page) => {
    await page.waitForSelector(LIVE);
    await server.cut();
    await page.waitForSelector('#connection[data-state=lost]');
    t.match(await page.textContent('#connection'), /not connected: what is below is old; trying again/);
    await server.open();
    await page.waitForSelector(LIVE);
    t.equal(await page.textContent('#connection'), 'live');
  });
});

t.test('everything can be reached by keyboard, and the focus is visible', async (t) => {
  const { server } = await live(t);
  await visit(
    t,
    server.url,
    async (page) => {
      await page.waitForSelector(LIVE);
      const reached: string[] = [];
      for (let step = 0; step < 30; step++) {
        await page.keyboard.press('Tab');
        const at = await page.evaluate<string>(`(() => {
        const { activeElement: element } = document;
        if (!element || element === document.body) return '';
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const name = element.getAttribute('aria-labelledby') ?? element.textContent.trim();
        return [element.tagName.toLowerCase(), name, outlineStyle, outlineWidth].join(' ');
      })()`);
        if (at === '' || reached.includes(at)) break;
        reached.push(at);
      }
      t.strictSame(
        reached.map((at) => at.replace(/ solid 2px$/, '')),
        [
          'div by-mode',
          'div by-bytes',
          'div fallbacks-title',
          'summary All link groups as a table',
          'div devices-title',
          'div connections-title',
          'a metrics',
        ],
      );
      t.ok(
        reached.every((at) => at.endsWith(' solid 2px')),
        'with an outline',
      );
    },
    { viewport: { width: 360, height: 740 } },
  );
});

t.test('without scripts it says the same', async (t) => {
  const { server } = await live(t);
  await visit(
    t,
    server.url,
    async (page) => {
      t.match(await page.textContent('h1'), /^Partly: 3 of 20 open connections run over TCP only \(15 %\)/);
      t.strictSame(await texts(page, '#modes tr[data-mode=smcd] td:nth-of-type(1)'), ['3']);
      t.equal(await page.locator('.links .link').count(), 4);
      t.match(await page.textContent('#connection'), /updates itself where scripts may run/);
    },
    { javaScriptEnabled: false },
  );
});
