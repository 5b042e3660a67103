// SPDX-License-Identifier: MIT
/** What is served, by path. */
import { CONTENT_TYPES, exposition, preferredFormat } from './exposition.ts';
import type { Scraper } from './scrape.ts';
import type { Handler, Routes } from './server/server.ts';

/** The paths, and who answers them. */
export function routesOf(scraper: Scraper): Routes {
  return new Map<string, Handler>([
    ['/metrics', metrics(scraper)],
    ['/-/healthy', healthy],
    ['/', start],
  ]);
}

const metrics =
  (scraper: Scraper): Handler =>
  async ({ request, response }) => {
    const format = preferredFormat(request.headers.accept);
    const text = await exposition(scraper.samples(await scraper.read()), format);
    response.setHeader('Content-Type', CONTENT_TYPES[format]);
    response.end(text);
  };

/** For load balancers and the like: says that this program answers, whatever the kernel does. */
const healthy: Handler = ({ response }) => {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('smc_exporter is healthy\n');
};

const start: Handler = ({ response }) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end(
    '<!doctype html><html lang="en"><title>smc_exporter</title><h1>smc_exporter</h1><p><a href="metrics">metrics</a></html>\n',
  );
};
