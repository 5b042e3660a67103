// SPDX-License-Identifier: MIT
/** What is served, by path. */
import { CONTENT_TYPES, exposition, type Format, preferredFormat } from './exposition.ts';
import type { Scraper } from './scrape.ts';
import type { Handler, Routes } from './server/server.ts';

/** The paths, and who answers them. */
export function routesOf(scraper: Scraper, page: Routes): Routes {
  return new Map<string, Handler>([['/metrics', metrics(scraper)], ['/-/healthy', healthy], ...page]);
}

function metrics(scraper: Scraper): Handler {
  /** clients that share a reading share its text, too */
  const texts = new WeakMap<object, Partial<Record<Format, Promise<string>>>>();
  return async ({ request, response }) => {
    const format = preferredFormat(request.headers.accept);
    const seen = await scraper.read();
    const made = texts.get(seen) ?? {};
    texts.set(seen, made);
    made[format] ??= exposition(scraper.samples(seen), format);
    const text = await made[format];
    response.setHeader('Content-Type', CONTENT_TYPES[format]);
    response.end(text);
  };
}

/** For load balancers and the like: says that this program answers, whatever the kernel does. */
const healthy: Handler = ({ response }) => {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('smc_exporter is healthy\n');
};
