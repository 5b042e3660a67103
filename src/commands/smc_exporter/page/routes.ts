// SPDX-License-Identifier: MIT
/** The page and its stream of readings as handlers of the server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Assets, builtAssets } from './assets.ts';
import { pageHeaders, renderPage } from './render.ts';
import type { Seen } from './seen.ts';
import { Watch, type WatchTimes } from './watch.ts';

/** What a handler of the server gets; see server/server.ts. */
export interface PageExchange {
  request: Pick<IncomingMessage, 'method'>;
  response: ServerResponse;
  /** aborted when the server ends */
  stop: AbortSignal;
  /** for an answer without an end */
  keepOpen(): void;
}

export type PageHandler = (exchange: PageExchange) => void | Promise<void>;

/** Streams of readings at the same time. */
export const MOST_WATCHERS = 32;

/** A reader that is so many bytes behind has stopped reading. */
const MOST_BEHIND = 1 << 20;

/** When a refused browser may ask again, in seconds. */
const RETRY_S = 10;

const SOON = { 'Retry-After': String(RETRY_S), 'Content-Type': 'text/plain; charset=utf-8' };

/** Handlers by path, and what ends their readings. */
export interface PageRoutes {
  routes: ReadonlyMap<string, PageHandler>;
  close(): void;
}

export interface PageRoutesOptions {
  look: () => Promise<Seen>;
  /** whether the host may change; a bundle does not, and its page has no stream */
  isLive: boolean;
  /** for tests */
  assets?: Assets;
  times?: WatchTimes;
}

export function pageRoutes({ look, isLive, assets = builtAssets, times }: PageRoutesOptions): PageRoutes {
  const watch = new Watch(look, times);
  if (isLive) watch.start();
  const events = new Events(watch);
  const page: PageHandler = async ({ response }) => {
    const overview = await watch.now();
    const text = renderPage(overview, { assets, history: watch.points, isLive });
    response.writeHead(200, pageHeaders(assets)).end(text);
  };
  return {
    routes: new Map<string, PageHandler>([
      ['/', page],
      ...(isLive ? [['/events', (exchange: PageExchange) => events.answer(exchange)] as const] : []),
    ]),
    close: () => watch.close(),
  };
}

/** Server-sent events: the history once, then a message for each reading. */
class Events {
  readonly #watch: Watch;
  #count = 0;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  answer({ request, response, stop, keepOpen }: PageExchange): void {
    const headers = {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    };
    if (request.method === 'HEAD') {
      response.writeHead(200, headers).end();
      return;
    }
    if (this.#count >= MOST_WATCHERS) {
      response.writeHead(503, SOON).end(`${MOST_WATCHERS} pages are open already\n`);
      return;
    }
    this.#count++;
    keepOpen();
    response.writeHead(200, headers);
    const send = (event: string, data: unknown): void => {
      if (response.writableLength > MOST_BEHIND) response.destroy();
      else response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    response.write('retry: 2000\n\n');
    send('history', this.#watch.points);
    const leave = this.#watch.follow((overview) => send('reading', overview));
    const end = (): void => {
      response.end();
    };
    stop.addEventListener('abort', end);
    response.on('close', () => {
      stop.removeEventListener('abort', end);
      leave();
      this.#count--;
    });
    if (stop.aborted) end();
  }
}
