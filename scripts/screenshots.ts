// SPDX-License-Identifier: MIT
/**
 * npm run screenshots: makes the pictures of the page of smc_exporter in docs/images/, of a host in memory after an hour
 * of traffic.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContextOptions, chromium } from 'playwright-core';
import { PageLook } from '../src/commands/smc_exporter/page/look.ts';
import { pageRoutes } from '../src/commands/smc_exporter/page/routes.ts';
import type { Seen } from '../src/commands/smc_exporter/page/seen.ts';
import { busyHost, busyHostFiles, lookOptions } from '../test/helpers/busy-host.ts';
import { servePage } from '../test/helpers/page-server.ts';
import { waitUntil } from '../test/helpers/wait.ts';
import { Problem } from './entry.mjs';
import { buildPage } from './page.mjs';

const images = fileURLToPath(new URL('../docs/images/', import.meta.url));

/** Pictures in a README are loaded by everybody who opens it. */
const MOST_BYTES = 150_000;

const PICTURES: Readonly<Record<string, BrowserContextOptions>> = {
  'page.png': { viewport: { width: 1240, height: 900 }, colorScheme: 'light' },
  'page-phone.png': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
};

/** Readings, one a minute. */
const MINUTES = 61;
const START = Date.parse('2026-01-31T12:00:00Z');

const root = mkdtempSync(join(tmpdir(), 'smc-tools-screenshots-'));
try {
  for (const [path, content] of Object.entries(busyHostFiles())) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(file, content);
    else symlinkSync(content.link, file);
  }
  await takePictures();
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function takePictures(): Promise<void> {
  const host = busyHost();
  let seconds = 0;
  let questions = 0;
  // the second list of sockets comes a moment after the first
  const clock = (): number => 1000 * seconds + 0.01 * questions++;
  const look = new PageLook({ ...lookOptions(host, root), clock });
  const take = async (): Promise<Seen> => {
    const minute = seconds / 60;
    const step = minute < MINUTES ? 60 : 5;
    seconds += step;
    const made = step === 60 ? { smc: 18 + (minute % 5), tcp: minute % 3 } : { smc: 0, tcp: 0 };
    host.step(made, step * (1 + Math.sin(minute / 7) / 3));
    const at = 1000 * seconds;
    return { ...(await look.take()), at: START + at, clock: at };
  };
  const times = { watched: 20, first: 20, alone: 20 };
  const server = await servePage(pageRoutes({ look: take, isLive: true, assets: await buildPage(), times }));
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    await waitUntil('an hour', () => seconds > 60 * MINUTES);
    mkdirSync(images, { recursive: true });
    for (const [name, options] of Object.entries(PICTURES)) {
      const context = await browser.newContext({ ...options, locale: 'en-GB', timezoneId: 'UTC' });
      const page = await context.newPage();
      await page.goto(server.url);
      await page.waitForSelector('#chart-bytes canvas');
      const path = join(images, name);
      await page.screenshot({ path });
      const { size } = statSync(path);
      if (size > MOST_BYTES) throw new Problem(`${path} has ${size} bytes, more than ${MOST_BYTES}`);
      process.stdout.write(`${path}: ${size} bytes\n`);
      await context.close();
    }
  } finally {
    await browser.close();
    await server.close();
    await look.settle();
  }
}
