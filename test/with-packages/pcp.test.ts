// SPDX-License-Identifier: MIT
// examples/pcp/ with a real Performance Co-Pilot: every value that smc_exporter serves arrives. Debian's package pcp cannot
// be installed where systemd does not run, so its files are used without an installation.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tied } from '../helpers/tied.ts';
import { unpackedPackage } from '../helpers/unpacked-package.ts';
import { PATIENCE_S, waitUntil } from '../helpers/wait.ts';
import { text } from '../vm/program.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const directory = ownDirectory(t);
const example = readFileSync(join(project, 'examples/pcp/smc.url'), 'utf8');

// biome-ignore lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
const version = await text('dpkg-query', ['-W', '-f', '${Version}', 'python3-pcp']);
const pcp = await unpackedPackage('pcp', version);

const metrics = await text(process.execPath, [
  join(project, 'bin/smc_exporter.js'),
  '--once',
  '--from',
  join(project, 'test/fixtures/6.12-smcr'),
]);
const http = createServer((_, response) => response.end(metrics)).listen(0, '127.0.0.1');
await new Promise((resolve) => http.once('listening', resolve));
t.teardown(() => http.close().closeAllConnections());

/**
 * A port that was free a moment ago: PCP cannot be told to choose one. It is below those that the kernel gives to others
 * who ask for none in particular (32768 to 60999).
 */
function freePort(): Promise<number> {
  return waitUntil('a free port', async () => {
    const port = randomInt(15_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => server.close(resolve));
    return isFree && port;
  });
}

for (const name of ['config.d', 'var/config/pmda', 'var/pmns', 'tmp', 'run', 'log/pmcd', 'etc'])
  mkdirSync(join(directory, name), { recursive: true });
const { port: served } = http.address() as AddressInfo;
writeFileSync(join(directory, 'config.d/smc.url'), example.replace('127.0.0.1:10043', `127.0.0.1:${served}`));
writeFileSync(join(directory, 'pmns'), 'root {\n  openmetrics 144:*:*\n}\n');
const agent = join(pcp, 'usr/lib/pcp/pmdas/openmetrics/pmdaopenmetrics.python');
writeFileSync(
  join(directory, 'pmcd.conf'),
  `openmetrics 144 pipe binary notready /usr/bin/python3 ${agent} -t ${PATIENCE_S} -c ${directory}/config.d -l ${directory}/openmetrics.log\n`,
);
const { username } = userInfo();
const settings: Record<string, string> = {
  PCP_BINADM_DIR: join(pcp, 'usr/lib/pcp/bin'),
  PCP_VAR_DIR: join(directory, 'var'),
  PCP_TMP_DIR: join(directory, 'tmp'),
  PCP_TMPFILE_DIR: join(directory, 'tmp'),
  PCP_RUN_DIR: join(directory, 'run'),
  PCP_LOG_DIR: join(directory, 'log'),
  PCP_SYSCONF_DIR: join(directory, 'etc'),
  PCP_USER: username,
  PCP_GROUP: (await text('id', ['-gn'])).trim(),
};
writeFileSync(
  join(directory, 'pcp.conf'),
  readFileSync('/etc/pcp.conf', 'utf8').replaceAll(/^(\w+)=.*$/gm, (line, name) =>
    settings[name] === undefined ? line : `${name}=${settings[name]}`,
  ),
);
const env = {
  ...process.env,
  PCP_CONF: join(directory, 'pcp.conf'),
  PMCD_LOCAL: '1',
  PMCD_CONNECT_TIMEOUT: String(PATIENCE_S),
  PMCD_REQUEST_TIMEOUT: String(PATIENCE_S),
};
const place = join(directory, 'run/pmcd.socket');
const words = `-f -A -t 0 -c ${directory}/pmcd.conf -l ${directory}/pmcd.log -p ${await freePort()} -s ${place} -n ${directory}/pmns`;
const daemon = spawn(...tied(join(pcp, 'usr/lib/pcp/bin/pmcd'), words.split(' ')), { env, stdio: 'ignore' });
t.teardown(() => daemon.kill());

const pminfo = (...more: string[]): Promise<string> =>
  text(join(pcp, 'usr/bin/pminfo'), ['-h', `unix://${place}`, ...more], { env });

/** What happened, for the message of a wait that has no end. */
const logs = (): string =>
  ['pmcd.log', 'openmetrics.log']
    .map((name) => {
      try {
        return readFileSync(join(directory, name), 'utf8');
      } catch {
        return `no ${name}`;
      }
    })
    .join('\n');

t.test('every value arrives, with the labels that tell it apart', async (t) => {
  const shown = await waitUntil(
    'the metrics in PCP',
    () =>
      daemon.exitCode === null && !logs().includes('unexpected end-of-file')
        ? pminfo('-f', 'openmetrics.smc').catch(() => '')
        : Promise.reject(new Error(`pmcd or its agent has ended: ${logs()}`)),
    { seen: logs },
  );
  const [, pattern = ''] = /^FILTER: OPTIONAL LABEL (.*)$/m.exec(example) ?? [];
  const described = new RegExp(`^(?:${pattern})$`);
  const expected = metrics
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const instance = [...labels.matchAll(/(\w+)="([^"]*)"/g)]
        .filter(([, label = '']) => !described.test(label))
        .map(([, label, text]) => `${label}:${text}`)
        .sort();
      return [name, ...instance, Number(value)].join(' ');
    });
  const arrived = shown.split('\n\n').flatMap((block) => {
    const [name = '', ...lines] = block.trim().split('\n');
    return lines.map((line) => {
      const [, instance = '', value] = /^ +(?:inst \[\d+ or "\d+ ?(.*)"\] )?value (\S+)$/.exec(line) ?? [];
      return [
        name.replace('openmetrics.smc.', ''),
        ...(instance === '' ? [] : [instance]),
        Number(value),
      ].join(' ');
    });
  });
  t.strictSame(arrived.sort(), expected.sort());
  t.ok(arrived.length > 200, `${arrived.length} values`);
});

t.test('counters are counters, with their unit', async (t) => {
  t.match(await pminfo('-d', 'openmetrics.smc.smc_traffic_bytes_total'), /Semantics: counter +Units: byte/);
  t.match(await pminfo('-d', 'openmetrics.smc.smc_open_connections'), /Semantics: instant/);
  t.match(await pminfo('-t', 'openmetrics.smc.smc_fallbacks_total'), 'Connections that fell back to TCP');
});
