// SPDX-License-Identifier: MIT
/** smc_exporter: metrics of SMC for Prometheus and programs that read its formats. */
import { type Context, defineCommand } from '../../cli/run.ts';
import { type ExporterOptions, OPTIONS, RULES } from './options.ts';
import { makeScraper } from './scrape.ts';

export const smcExporter = defineCommand({
  name: 'smc_exporter',
  usage: '[options]',
  summary: 'Serves SMC metrics to Prometheus, and a web page for people, or writes them to a file.',
  options: OPTIONS,
  rules: RULES,
  examples: [
    ['smc_exporter', 'serve http://127.0.0.1:10043/, with /metrics'],
    ['smc_exporter -l :10043 --web-config web.yml', 'serve other hosts, too, with TLS and passwords'],
    ['smc_exporter --once', 'print the metrics'],
    ['smc_exporter --from bundle.tgz --page host.html', 'write the page of the host in a bundle'],
    ['smc_exporter --textfile smc.prom -i 60', 'write the metrics every minute, for node_exporter'],
  ],
  run: dispatch,
});

async function dispatch(context: Context, options: ExporterOptions): Promise<undefined> {
  const { once, textfile, interval, page } = options;
  const scraper = makeScraper(context, options);
  if (page !== undefined) await (await import('./page/write.ts')).writePage(context, scraper, options, page);
  else if (once) await (await import('./once.ts')).printOnce(context, scraper, options);
  else if (textfile !== undefined)
    await (await import('./textfile.ts')).writeTextfile(context, scraper, textfile, interval);
  else await (await import('./serve.ts')).serve(context, scraper, options);
}
