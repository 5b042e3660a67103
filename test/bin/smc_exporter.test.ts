// SPDX-License-Identifier: MIT
/** smc_exporter as it is installed: many clients, sockets of systemd, signals, memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { long } from '../helpers/long.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tied } from '../helpers/tied.ts';
import { waitUntil } from '../helpers/wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist/native/bin/smc_exporter');
const bundle = join(root, 'test/fixtures/6.12-smcr');

interface Exporter {
  process: ChildProcess;
  url: string;
  stderr: () => string;
}

/** Starts it, and waits until it listens. */
async function start(t: Test, words: readonly string[], script?: string, fd?: number): Promise<Exporter> {
  const argv = [...words, '--from', bundle];
  const command = script ? tied('sh', ['-c', script, program, ...argv]) : tied(program, argv);
  const child = spawn(...command, { stdio: ['ignore', 'ignore', 'pipe', ...(fd === undefined ? [] : [fd])] });
  t.teardown(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // the last output can come after the end of the process
  let isOver = false;
  child.once('close', () => {
    isOver = true;
  });
  await waitUntil('it to listen', () => stderr.includes('listening on') || isOver, { seen: () => stderr });
  return { process: child, url: /http:\S+/.exec(stderr)?.[0] ?? '', stderr: () => stderr };
}

async function ask(options: string | object): Promise<{ status: number; body: string }> {
  const [response] = (await once(get(options as object), 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode ?? 0, body };
}

t.test('500 clients at once, and the end', async (t) => {
  const socket = join(t.testdir({}), 'socket');
  const exporter = await start(t, ['-l', '127.0.0.1:0', '-l', `unix:${socket}`]);
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  const { hostname, port } = new URL(exporter.url);
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => ask({ hostname, port, path: '/metrics', agent })),
  );
  t.ok(answers.every(({ status }) => status === 200));
  t.equal(new Set(answers.map(({ body }) => body)).size, 1);
  t.match(answers[0]?.body, /^smc_traffic_bytes_total{technology="smcr",direction="tx"} 3000000$/m);
  t.match(await ask({ socketPath: socket, path: '/-/healthy' }), { status: 200 });
  t.match(await ask(`${exporter.url}/`), { status: 200 });
  exporter.process.kill('SIGTERM');
  const [status, signal] = await once(exporter.process, 'exit');
  t.strictSame([status, signal], [0, null], exporter.stderr());
  t.notOk(existsSync(socket));
});

t.test('under nohup', async (t) => {
  const exporter = await start(t, ['-l', '127.0.0.1:0'], 'trap "" HUP; exec "$0" "$@"');
  exporter.process.kill('SIGHUP');
  t.match(await ask(`${exporter.url}/-/healthy`), { status: 200 });
  exporter.process.kill('SIGTERM');
  t.strictSame(await once(exporter.process, 'exit'), [0, null], 'and it still ends as always');

  const other = await start(t, ['-l', '127.0.0.1:0']);
  other.process.kill('SIGHUP');
  t.strictSame(await once(other.process, 'exit'), [0, null], 'otherwise SIGHUP ends it');
});

t.test('a socket of systemd', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const script = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"';
  const exporter = await start(t, [], script, fd);
  server.close();
  t.equal(exporter.url, `http://127.0.0.1:${port}`, 'and not the default');
  t.match(await ask(`${exporter.url}/metrics`), { status: 200 });
  exporter.process.kill('SIGINT');
  t.strictSame(await once(exporter.process, 'exit'), [0, null]);
});

t.test('an address that is in use, and a wrong configuration', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const busy = await start(t, ['-l', `127.0.0.1:${port}`]);
  t.equal(busy.stderr(), `smc_exporter: cannot listen on 127.0.0.1:${port}: it is in use\n`);
  const directory = t.testdir({ 'web.yml': 'tls_server_config:\n  certificate: x\n' });
  const wrong = await start(t, ['-l', '127.0.0.1:0', '--web-config', join(directory, 'web.yml')]);
  t.match(wrong.stderr(), `smc_exporter: ${directory}/web.yml line 2: certificate is unknown`);
  t.strictSame([busy.process.exitCode, wrong.process.exitCode], [1, 1]);
});

// The core is above: one scrape of many is like the next.
long(t, 'memory stays the same over 1,000 scrapes', async (t) => {
  const exporter = await start(t, ['-l', '127.0.0.1:0']);
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(exporter.url);
  const resident = (): number => {
    const status = readFileSync(`/proc/${exporter.process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  };
  const scrapes = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await ask({ hostname, port, path: '/metrics', agent });
  };
  await scrapes(300);
  const before = resident();
  await scrapes(1000);
  const after = resident();
  t.comment(`${before} kB before, ${after} kB after`);
  t.ok(after < before * 1.1, `${before} kB before, ${after} kB after`);
  agent.destroy();
});

// The core is above. Resident memory depends on when V8 collects; the objects that are left do not.
long(t, 'objects in memory stay the same over 1,000 scrapes', async (t) => {
  const directory = ownDirectory(t);
  const options = `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${directory}`;
  const script = `NODE_OPTIONS='${options}' exec "$0" "$@"`;
  const exporter = await start(t, ['-l', '127.0.0.1:0'], script);
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(exporter.url);
  const scrapes = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await ask({ hostname, port, path: '/metrics', agent });
  };
  /** How many objects are reachable. */
  const objects = async (snapshots: number): Promise<number> => {
    exporter.process.kill('SIGUSR2');
    const count = await waitUntil(`heap snapshot ${snapshots}`, () => {
      const files = readdirSync(directory).sort();
      if (files.length < snapshots) return undefined;
      return /"node_count":(\d+),/.exec(readFileSync(join(directory, files.at(-1)!), 'utf8'))?.[1];
    });
    return Number(count);
  };
  await scrapes(100);
  const before = await objects(1);
  await scrapes(900);
  const after = await objects(2);
  t.comment(`${before} objects after 100 scrapes, ${after} after 1,000`);
  // code that is compiled meanwhile, or dropped again, is 3,000; what one scrape makes is hundreds
  t.ok(after < before + 5 * 900, `${before} objects after 100 scrapes, ${after} after 1,000`);
  agent.destroy();
});
