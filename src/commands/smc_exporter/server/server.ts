// SPDX-License-Identifier: MIT
/** The HTTP server: listens, checks each request, and calls the handler of its path. */
import { setMaxListeners } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createListener, type Server as Listener, type Socket } from 'node:net';
import type { Access } from './access.ts';
import type { ListenAddress } from './addresses.ts';
import { type ConnectionLimits, Connections, LIMITS } from './connections.ts';
import { isLoopback, isOwnName } from './host-names.ts';
import { listenAt } from './listener.ts';

/** A request that a handler has to answer. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** is aborted when the server ends: answers that have no end have to end themselves then */
  stop: AbortSignal;
  /** For an answer without an end, such as server-sent events: it may be silent for long. */
  keepOpen(): void;
}

/** Answers a GET or HEAD request. What it throws becomes status 500. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

/** Handlers by path, such as `/metrics`. */
export type Routes = ReadonlyMap<string, Handler>;

export interface ServerOptions {
  routes: Routes;
  /** who may ask; looked up for each connection and each request */
  access: () => Access;
  /** is told failures that are no client's fault */
  onError: (error: unknown) => void;
  limits?: ConnectionLimits;
}

/** Request line and headers together; those of Prometheus have some hundred bytes. */
const MAX_HEADER_BYTES = 8192;

const METHODS = 'GET, HEAD';

/** For CONNECT, of which Node makes no request that could be answered. */
const NO_PROXY = `HTTP/1.1 405 Method Not Allowed\r\nAllow: ${METHODS}\r\nConnection: close\r\n\r\n`;

export class MetricsServer {
  readonly #options: ServerOptions;
  readonly #connections: Connections;
  readonly #listeners: Listener[] = [];
  readonly #stop = new AbortController();
  /** loaded when it is first needed */
  #createHttps: typeof import('node:https').createServer | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    // each answer without an end listens to it, and Node warns when there are more than ten
    setMaxListeners(0, this.#stop.signal);
    this.#connections = new Connections(options.limits ?? LIMITS);
  }

  /**
   * Listens at an address, besides those before.
   * @returns what clients type for it: `http://127.0.0.1:10043`
   * @throws SmcError when that is not possible
   */
  async listen(address: ListenAddress): Promise<string> {
    const { tls } = this.#options.access();
    if (tls) await this.#prepareTls();
    const listener = createListener((socket) => {
      const place = listener.address();
      void this.#accept(socket, place !== null && typeof place === 'object' && isLoopback(place.address));
    });
    const place = await listenAt(listener, address, tls ? 'https' : 'http');
    listener.on('error', this.#options.onError);
    this.#listeners.push(listener);
    return place;
  }

  /** Takes no more connections, and resolves when the requests that are here have been answered. */
  async end(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    this.#stop.abort();
    await this.#connections.end();
  }

  async #prepareTls(): Promise<void> {
    this.#createHttps ??= (await import('node:https')).createServer;
  }

  /** Each connection has a server of its own, made by the configuration of this moment. It does not listen. */
  async #accept(socket: Socket, isLocal: boolean): Promise<void> {
    if (!this.#connections.add(socket)) return;
    const access = this.#options.access();
    const answer: RequestListener = (request, response) => {
      void this.#answer({ socket, isLocal }, request, response);
    };
    const options = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 0 };
    let server: Server;
    try {
      if (access.tls) {
        if (!this.#createHttps) await this.#prepareTls();
        server = this.#createHttps!({ ...options, ...access.tls }, answer);
        server.on('secureConnection', (secured: IncomingMessage['socket']) => {
          if (!access.admitsClient(secured)) socket.destroy();
        });
      } else server = createHttp(options, answer);
    } catch (error) {
      socket.destroy();
      this.#options.onError(error);
      return;
    }
    // what a client expects before it sends a body is this answer; Node would answer by itself, and ask for the body
    server.on('checkContinue', answer);
    server.on('checkExpectation', answer);
    server.on('connect', (_request, stream) => stream.end(NO_PROXY));
    server.emit('connection', socket);
  }

  async #answer(
    { socket, isLocal }: { socket: Socket; isLocal: boolean },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    this.#connections.begin(socket);
    response.once('close', () => this.#connections.finish(socket));
    const access = this.#options.access();
    try {
      for (const [name, value] of Object.entries({ ...HEADERS, ...access.headers }))
        response.setHeader(name, value);
      // a body is not read, so what follows it on the connection cannot be found
      if (this.#connections.isEnding || hasBody(request)) response.setHeader('Connection', 'close');
      if ((request.headersDistinct['host'] ?? []).length > 1)
        return fail(response, 400, 'the request has more than one Host');
      if (isLocal && access.isOpen && !isOwnName(request.headers.host))
        return fail(response, 421, 'Host must be an address, localhost or the name of this host');
      if (!access.allows()) return fail(response, 429, 'more requests than the rate limit allows');
      const admitted = await access.admits(request);
      if (admitted === true) await this.#route(socket, request, response);
      else if (admitted === 'busy') fail(response, 503, 'too many requests at once');
      else {
        response.setHeader('WWW-Authenticate', 'Basic realm="smc_exporter", charset="UTF-8"');
        fail(response, 401, 'user and password are needed');
      }
    } catch (error) {
      this.#options.onError(error);
      if (response.headersSent) socket.destroy();
      else fail(response, 500, 'internal error');
    }
  }

  async #route(socket: Socket, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', METHODS);
      fail(response, 405, `only ${METHODS}`);
      return;
    }
    const url = urlOf(request);
    const handler = url && this.#options.routes.get(url.pathname);
    if (!handler) return fail(response, url ? 404 : 400, url ? 'not found' : 'the request has no valid path');
    const keepOpen = (): void => this.#connections.keepOpen(socket);
    await handler({ request, response, url, stop: this.#stop.signal, keepOpen });
  }
}

/** Browsers must neither guess the type of an answer nor show it within another page. */
const HEADERS = { 'X-Content-Type-Options': 'nosniff', 'X-Frame-Options': 'DENY' } as const;

function urlOf({ url = '' }: IncomingMessage): URL | undefined {
  try {
    // the host does not matter; a path that begins with two slashes must not become one
    return url.startsWith('/') ? new URL(`http://localhost${url}`) : new URL(url);
  } catch {
    return undefined;
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Ends an answer with one line of text. */
function fail(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
