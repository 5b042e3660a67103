// SPDX-License-Identifier: MIT
/** Without another mode: serves the metrics until it is told to stop. */
import { untilInterrupted } from '../../cli/interrupt.ts';
import type { Context } from '../../cli/run.ts';
import { SmcError } from '../../smc/error.ts';
import { explain } from '../../smc/explain.ts';
import { DEFAULT_LISTEN, type ExporterOptions } from './options.ts';
import type { PageRoutes } from './page/routes.ts';
import { routesOf } from './routes.ts';
import type { Scraper } from './scrape.ts';
import { type Access, OPEN } from './server/access.ts';
import { type ListenAddress, passedSockets, readAddress } from './server/addresses.ts';
import { MetricsServer } from './server/server.ts';

/** @throws UsageError; SmcError when it cannot listen or the web configuration is wrong; Node's own error */
export async function serve(context: Context, scraper: Scraper, options: ExporterOptions): Promise<void> {
  const { io, note } = context;
  const addresses = addressesOf(options, io.env);
  const access = await accessOf(options.webConfig, note);
  const page = await pageOf(context, scraper);
  const server = new MetricsServer({
    routes: routesOf(scraper, page.routes),
    access,
    onError: (error) => note(explain(error)?.text ?? `internal error: ${error}`),
  });
  await untilInterrupted(async (stop) => {
    try {
      for (const address of addresses) note(`listening on ${await server.listen(address)}`);
      // what makes every scrape fail is said now
      await scraper.read();
      await aborted(stop);
    } finally {
      page.close();
      await server.end();
    }
  });
}

/** What systemd passes and what options say, or the default where neither says anything. */
function addressesOf({ listen }: ExporterOptions, env: Context['io']['env']): ListenAddress[] {
  const addresses = [...passedSockets(env), ...listen.map(readAddress)];
  return addresses.length > 0 ? addresses : [readAddress(DEFAULT_LISTEN)];
}

/** @throws SmcError when the file is wrong; Node's own error when it cannot be read */
async function accessOf(file: string | undefined, note: Context['note']): Promise<() => Access> {
  if (file === undefined) return () => OPEN;
  const { WebAccess } = await import('./server/web-access.ts');
  const { WebConfigError } = await import('./server/web-config.ts');
  try {
    const access = new WebAccess(file, note);
    return () => access.current();
  } catch (error) {
    throw error instanceof WebConfigError ? new SmcError('INVALID', error.message) : error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function pageOf({ recordedAt, isRecorded }: Context, scraper: Scraper): Promise<PageRoutes> {
  const [{ PageLook }, { pageRoutes }] = await Promise.all([
    import('./page/look.ts'),
    import('./page/routes.ts'),
  ]);
  const look = new PageLook({ ...scraper, recordedAt });
  return pageRoutes({ look: () => look.take(), isLive: !isRecorded });
}
