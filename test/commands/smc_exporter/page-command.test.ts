// SPDX-License-Identifier: MIT
/** smc_exporter --page: the page, or its model, of a recorded host and of one that runs. */
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { smcExporter } from '../../../src/commands/smc_exporter/command.ts';
import { PageLook } from '../../../src/commands/smc_exporter/page/look.ts';
import { MOST_WATCHERS, pageRoutes } from '../../../src/commands/smc_exporter/page/routes.ts';
import { OPEN } from '../../../src/commands/smc_exporter/server/access.ts';
import { MetricsServer } from '../../../src/commands/smc_exporter/server/server.ts';
import type { OverviewDocument } from '../../../src/documents/smc_exporter-page.ts';
import { busyHost, busyHostFiles, lookOptions } from '../../helpers/busy-host.ts';
import { plantOnce } from '../../helpers/host-trees.ts';
import { ownDirectory } from '../../helpers/own-directory.ts';
import { runCommand } from '../../helpers/run-command.ts';

const BUNDLE = fileURLToPath(new URL('../../fixtures/6.12-smcr', import.meta.url));

t.test('a bundle as a document, dated by its manifest', async (t) => {
  const { created } = JSON.parse(readFileSync(join(BUNDLE, 'manifest.json'), 'utf8')) as { created: string };
  const { status, stdout, stderr } = await runCommand(smcExporter, ['--page', '-', '--from', BUNDLE]);
  t.strictSame({ status, stderr }, { status: 0, stderr: '' });
  t.match(stdout, /^<!DOCTYPE html>\n<html lang="en">/);
  t.match(stdout, 'Partly: 1 of 5 open connections run over TCP only (20 %): the peer did not offer SMC.');
  t.match(stdout, `<time datetime="${created}">`);
  t.match(stdout, 'one moment of the host');
});

t.test('its model as JSON', async (t) => {
  const { stdout } = await runCommand(smcExporter, ['--page', '-', '-j', '--from', BUNDLE]);
  const { recorded, traffic, recent, link_groups } = JSON.parse(stdout) as OverviewDocument;
  t.strictSame({ recorded, traffic, recent }, { recorded: true, traffic: null, recent: null });
  t.equal(link_groups.length, 2);
});

t.test('a host that runs is read twice, so there are rates', async (t) => {
  const host = busyHost();
  const statistics: string[] = [];
  const transport = {
    order: host.kernel.order,
    open: async (protocol: number) => {
      host.step();
      statistics.push(String(protocol));
      return host.kernel.open(protocol);
    },
  };
  const hostRoot = plantOnce(busyHostFiles());
  const { stdout, stderr } = await runCommand(smcExporter, ['--page', '-', '-j'], { transport, hostRoot });
  t.equal(stderr, '');
  const { recorded, traffic, connections, recent } = JSON.parse(stdout) as OverviewDocument;
  t.equal(recorded, false);
  t.ok(traffic!.seconds >= 1, `${traffic!.seconds} s`);
  t.ok(traffic!.smcr_tx_bytes_per_second > 0);
  t.ok(connections[0]!.tx_bytes_per_second! > 0);
  t.ok(recent!.smcr > 0);
});

t.test('a kernel without SMC', async (t) => {
  const host = busyHost();
  for (const family of ['SMC_GEN_NETLINK', 'SMC_PNETID']) host.kernel.unload(family);
  const { status, stdout } = await runCommand(smcExporter, ['--page', '-', '-j'], {
    transport: host.kernel,
    hostRoot: plantOnce(busyHostFiles()),
  });
  t.equal(status, 0);
  const { verdict, unseen, sockets } = JSON.parse(stdout) as OverviewDocument;
  t.equal(verdict.sentence, 'No: the kernel module smc is not loaded.');
  t.equal(sockets, null);
  t.match(unseen[0], { part: /^sockets, /, why: /no SMC in the kernel/ });
  t.notOk(
    host.kernel.log.some((request) => request.startsWith('SMC')),
    'nothing asks for a module',
  );
});

t.test('into a file', async (t) => {
  const file = join(ownDirectory(t), 'page.html');
  const { status, stdout } = await runCommand(smcExporter, ['--page', file, '--from', BUNDLE]);
  t.strictSame({ status, stdout }, { status: 0, stdout: '' });
  t.match(readFileSync(file, 'utf8'), /<\/html>\n$/);
  const nowhere = join(ownDirectory(t), 'none', 'page.html');
  t.match(await runCommand(smcExporter, ['--page', nowhere, '--from', BUNDLE]), {
    status: 1,
    stderr: /^smc_exporter: .*none.*: no such file or directory\n$/,
  });
  t.notOk(existsSync(nowhere));
  t.match(await runCommand(smcExporter, ['--page', '/dev/full', '--from', BUNDLE]), {
    status: 1,
    stderr: 'smc_exporter: /dev/full: no space left on device\n',
  });
});

t.test('what it does not go with', async (t) => {
  for (const words of ['--once', '--textfile x', '-l :1', '--web-config x', '-A', '--by unit'])
    t.match(await runCommand(smcExporter, `--page - ${words}`), {
      status: 1,
      stdout: '',
      stderr: /exclude each other/,
    });
});

t.test('sockets of a host with too many are not listed', async (t) => {
  const files = busyHostFiles();
  const protocols = Object.keys(files).find((name) => name.endsWith('/net/protocols'))!;
  const hostRoot = plantOnce({
    ...files,
    [protocols]: 'protocol  size sockets  memory\nSMC       1  20000 -1\nSMC6      1   0 -1\n',
  });
  const options = { transport: busyHost().kernel, hostRoot };
  const { stdout } = await runCommand(smcExporter, ['--page', '-', '-j'], options);
  const { sockets, unseen, counted } = JSON.parse(stdout) as OverviewDocument;
  t.equal(sockets, null);
  t.match(unseen, [{ part: 'sockets', why: '20000 sockets are open, more than 10000' }]);
  t.ok(counted, 'the counters are there');
});

t.test('served', async (t) => {
  const host = busyHost();
  const look = new PageLook(lookOptions(host, plantOnce(busyHostFiles())));
  const page = pageRoutes({ look: () => look.take(), isLive: true });
  const metrics = new MetricsServer({
    routes: page.routes,
    access: () => OPEN,
    onError: (error) => t.fail(String(error)),
  });
  const url = await metrics.listen({ host: '127.0.0.1', port: 0 });
  const [status, headers] = await new Promise<[number | undefined, object]>((resolve, reject) => {
    get(url, (response) => {
      response.resume();
      response.on('end', () => resolve([response.statusCode, response.headers]));
    }).on('error', reject);
  });
  t.equal(status, 200);
  t.match(headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': /^default-src 'none'; .*frame-ancestors 'none'$/,
    'x-content-type-options': 'nosniff',
  });
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  // streams end when the server does
  let open = 0;
  const streams = Array.from(
    { length: MOST_WATCHERS },
    () =>
      new Promise<void>((resolve, reject) => {
        get(`${url}/events`, { agent: false }, (response) => {
          response.on('end', resolve).once('data', () => {
            open++;
            if (open < MOST_WATCHERS) return;
            page.close();
            metrics.end().catch(reject);
          });
        }).on('error', reject);
      }),
  );
  await Promise.all(streams);
  process.off('warning', warn);
  t.strictSame(warnings, [], 'Node takes nothing for a leak');
  await look.settle();
});
