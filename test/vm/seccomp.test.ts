// SPDX-License-Identifier: MIT
// smc-launch on real SMC: programs that no preload library reaches, with their data verified, and what the observer reports.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { targets } from '../../native/build.mjs';
import { isLong, long } from '../helpers/long.ts';
import { type Guest, projectDirectory } from './guest.ts';
import { addUeid, bootWithSuite, hasDibs, listener, on, setUpAllOfSmcR, sockets } from './suite.ts';

const build = join(projectDirectory, 'build');
mkdirSync(build, { recursive: true });
function compile(command: string, args: string[], env: Record<string, string> = {}): void {
  execFileSync(command, args, { cwd: projectDirectory, env: { ...process.env, ...env } });
}
const staticC = ['-O2', '-static', '-pthread', '-o'];
compile('cc', [...staticC, 'build/echo-glibc', 'test/vm/programs/echo.c']);
compile('musl-gcc', [...staticC, 'build/echo-musl', 'test/vm/programs/echo.c']);
compile('go', ['build', '-o', 'build/echo-go', 'test/vm/programs/echo.go'], {
  CGO_ENABLED: '0',
  GO111MODULE: 'off',
});
compile('cc', [...staticC, 'build/launch-tester', 'test/native/launch-tester.c']);
compile('cc', ['-O2', '-pthread', '-o', 'build/preload-tester', 'test/native/preload-tester.c']);
compile('cc', [
  '-m32',
  '-O2',
  '-o',
  'build/echo-32',
  'test/vm/programs/echo.c',
  '-pthread',
  ...narrowHeaders(),
]);

/** Debian has the kernel's headers, which are the same for 32 and 64 bits, only where 64-bit compilers look. */
function narrowHeaders(): string[] {
  return ['-idirafter', '/usr/include/x86_64-linux-gnu'];
}

compile('cc', [
  ...[
    '-g',
    '-O1',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
    '-o',
    'build/launch-sanitized',
  ],
  ...targets.find(({ output }) => output === 'smc-launch')!.sources.map((file) => `native/${file}`),
]);

interface Outcome {
  command: string;
  mode: string;
  reason: number | null;
  peer_diagnosis: number | null;
  count: number;
}

interface Document {
  status: number | null;
  signal: number | null;
  observed: boolean;
  sockets: { smc: number; tcp: number };
  refused: { errno: number; count: number }[];
  connections: Outcome[];
}

const launcher = 'dist/native/smc-launch';

/** A command line under the observed launcher; the result document goes to a file. */
const observed = (file: string, command: string, options = ''): string => {
  const [program = ''] = command.split(' ');
  return `${launcher} ${options} --observe --finish /bin/sh /tmp/keep --finish-arg ${file} -- ${program} ${command}`;
};

interface Pair {
  server: string;
  client: string;
  port: number;
  /** what runs them; the observed launcher by default */
  serverBy?: (command: string) => string;
  clientBy?: (command: string) => string;
}

/** Runs a server and a client to their end; returns what the client printed, and both documents. */
async function pair(guest: Guest, { server, client, port, serverBy, clientBy }: Pair) {
  const { stdout, stderr } = await guest.run(
    `rm -f /tmp/doc-server /tmp/doc-client
${(serverBy ?? ((command) => observed('/tmp/doc-server', command)))(server)} </dev/null &
wait_for '${listener(port)}' . || exit 1
${(clientBy ?? ((command) => observed('/tmp/doc-client', command)))(client)}
echo "status $?"
wait
cat /tmp/doc-server /tmp/doc-client`,
  );
  const lines = stdout.split('\n');
  const documents = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Document);
  return {
    output: lines.filter((line) => line && !line.startsWith('{')).join(' '),
    documents,
    stderr,
  };
}

const total = (document: Document | undefined, mode: string): number =>
  (document?.connections ?? [])
    .filter((entry) => entry.mode === mode)
    .reduce((sum, { count }) => sum + count, 0);

async function scenarios(t: Test, guest: Guest, mode: 'smcr' | 'smcd'): Promise<void> {
  await guest.writeFile('/tmp/keep', 'cat <&$SMC_RUN_RESULT >"$1"\n');

  /** Both ends report that all connections were SMC, and the data came back. */
  const same = async (name: string, count: number, job: Pair, expected: string = mode) =>
    t.test(name, async (t) => {
      const { output, documents, stderr } = await pair(guest, job);
      t.equal(output, `same ${count} status 0`, 'data came back unchanged');
      t.equal(stderr, '');
      t.equal(documents.length, 2);
      for (const document of documents) {
        t.equal(total(document, expected), count, JSON.stringify(document.connections));
        t.match(document, { status: 0, signal: null, observed: true, refused: [], sockets: { tcp: 0 } });
        t.equal(
          document.connections.reduce((sum, entry) => sum + entry.count, 0),
          count,
          'and nothing else',
        );
      }
      t.ok(documents[1]!.sockets.smc >= count);
    });

  await same('static, glibc', 3, {
    server: 'build/echo-glibc serve plain 7201 3',
    client: 'build/echo-glibc ask plain 7201 200000 3',
    port: 7201,
  });
  await same('static, musl', 3, {
    server: 'build/echo-musl serve plain 7202 3',
    client: 'build/echo-musl ask plain 7202 100000 3',
    port: 7202,
  });
  await same('Go without cgo', 4, {
    server: 'build/echo-go serve 7203 4',
    client: 'build/echo-go ask 7203 100000 4',
    port: 7203,
  });
  await same('32 bits: socketcall', 2, {
    server: 'build/echo-32 serve plain 7204 2',
    client: 'build/echo-32 ask plain 7204 20000 2',
    port: 7204,
  });
  await same('a fork server whose children exit with open sockets', 6, {
    server: 'build/echo-glibc serve fork 7205 6',
    client: 'build/echo-musl ask plain 7205 5000 6',
    port: 7205,
  });
  await same('64 threads at once', 64, {
    server: 'build/echo-glibc serve thread 7206 64',
    client: 'build/echo-glibc ask thread 7206 3000 64',
    port: 7206,
  });
  // soft-RoCE supports only version 2 of SMC-R, which needs IPv4; kernels since 6.14 take the IPv4 address out of a mapped one
  await same(
    'IPv4-mapped IPv6',
    2,
    {
      server: 'build/echo-musl serve ipv6 7207 2',
      client: 'build/echo-glibc ask mapped 7207 5000 2',
      port: 7207,
    },
    mode === 'smcr' && !hasDibs ? 'tcp' : mode,
  );
  await same('the IPPROTO_SMC flavor', 2, {
    server: 'build/echo-glibc serve plain 7208 2',
    client: 'build/echo-glibc ask plain 7208 20000 2',
    port: 7208,
    serverBy: (command) => observed('/tmp/doc-server', command, '--convert inet'),
    clientBy: (command) => observed('/tmp/doc-client', command, '--convert inet'),
  });
  const preloading = (file: string) => (command: string) =>
    `LD_PRELOAD=$PWD/dist/native/libsmc-preload-32.so ${observed(file, command, '--convert none')} 2>/dev/null`;
  await same('the preload library, only observed; 32 bits', 2, {
    server: 'build/echo-32 serve plain 7209 2',
    client: 'build/echo-32 ask plain 7209 20000 2',
    port: 7209,
    serverBy: preloading('/tmp/doc-server'),
    clientBy: preloading('/tmp/doc-client'),
  });

  // an AF_SMC socket has no SO_REUSEPORT in newer kernels (EOPNOTSUPP), an IPPROTO_SMC one has
  await t.test('two processes on one port', async (t) => {
    const { output, documents } = await pair(guest, {
      server: 'build/echo-glibc serve reuse 7210 100',
      client: '/bin/sh sh -c "build/echo-glibc ask plain 7210 3000 8; pkill -TERM -x echo-glibc"',
      port: 7210,
      serverBy: (command) => observed('/tmp/doc-server', command, '--convert inet'),
      clientBy: (command) =>
        `${launcher} --observe --finish /bin/sh /tmp/keep --finish-arg /tmp/doc-client -- ${command}`,
    });
    t.match(output, 'same 8');
    t.match(documents[0], { status: null, signal: 15, sockets: { smc: 2 } });
    t.equal(total(documents[0], mode), 8);
    t.equal(total(documents[1], mode), 8);
  });

  await t.test('a pipeline of a shell, with an empty environment', async (t) => {
    const { output, documents } = await pair(guest, {
      server: 'build/echo-glibc serve plain 7211 1',
      client: "/usr/bin/env env -i PATH=/usr/bin:/bin sh -c 'build/echo-musl ask plain 7211 5000 1 | cat'",
      port: 7211,
      clientBy: (command) =>
        `${launcher} --observe --finish /bin/sh /tmp/keep --finish-arg /tmp/doc-client -- ${command}`,
    });
    t.equal(output, 'same 1 status 0');
    t.match(documents[1], { sockets: { smc: 1, tcp: 0 } });
    t.match(documents[1]?.connections, [{ command: 'echo-musl', mode, count: 1 }]);
  });

  await t.test('fallback, and its reason', async (t) => {
    const plainClient = await pair(guest, {
      server: 'build/echo-glibc serve plain 7212 1',
      client: 'build/echo-glibc ask plain 7212 1000 1',
      port: 7212,
      clientBy: (command) => command,
    });
    t.match(plainClient.documents[0]?.connections, [
      { command: 'echo-glibc', mode: 'tcp', reason: 0x03010000, peer_diagnosis: null, count: 1 },
    ]);
    const plainServer = await pair(guest, {
      server: 'build/echo-glibc serve plain 7213 2',
      client: 'build/echo-glibc ask plain 7213 1000 2',
      port: 7213,
      serverBy: (command) => command,
    });
    t.match(plainServer.documents[0]?.connections, [{ mode: 'tcp', reason: 0x03010000, count: 2 }]);
  });

  await t.test('a killed process', async (t) => {
    const { documents } = await pair(guest, {
      server: 'build/echo-glibc serve plain 7214 1',
      client: 'build/echo-glibc hold 7214',
      port: 7214,
      clientBy: (command) =>
        `${observed('/tmp/doc-client', command, '--log 9')} 9>/tmp/log &
wait_for 'cat /tmp/log' '"event":"connection"'
pkill -KILL -f '^build/echo-glibc hold'; wait $!`,
    });
    t.equal(documents.length, 2);
    t.match(documents[1], { status: null, signal: 9, sockets: { smc: 1 } });
    t.equal(total(documents[1], mode), 1, 'seen while it ran');
  });
}

t.test('SMC-R over soft-RoCE, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  const run = (command: string, options = {}) => guest.run(command, options);
  await setUpAllOfSmcR(guest);
  await scenarios(t, guest, 'smcr');

  await t.test('the launcher under AddressSanitizer and UBSan', async (t) => {
    const sanitized = (file: string) => (command: string) =>
      observed(file, command).replace(launcher, 'build/launch-sanitized');
    const { output, documents } = await pair(guest, {
      server: 'build/echo-glibc serve fork 7216 5',
      client: 'build/echo-glibc ask thread 7216 3000 5',
      port: 7216,
      serverBy: sanitized('/tmp/doc-server'),
      clientBy: sanitized('/tmp/doc-client'),
    });
    t.equal(output, 'same 5 status 0');
    t.strictSame(
      documents.map((document) => [document.observed, total(document, 'smcr')]),
      Array(2).fill([true, 5]),
      'a supervisor that found a fault would not have lived to the end',
    );
  });

  await t.test('all sorts of processes', async (t) => {
    const tester = 'build/launch-tester';
    const ways = ['', '--observe --strict', '--convert inet', '--convert af_smc'];
    // each takes as long as all of the scenarios above
    for (const options of isLong ? ways : ways.slice(1, 2)) {
      const { stdout } = await run(
        `${launcher} ${options} -- ${tester} ${tester} one main fork vfork daemon threads limit flags signals lowest`,
      );
      for (const line of [
        'main: smc',
        'fork: smc',
        'vfork: smc',
        'daemon: smc',
        'threads: 1280 smc 0 others',
        'limit: errno 24',
        'limit: highest 7',
        'after limit: smc',
        'flags: number 3 cloexec 0 nonblock 0 smc',
        'flags: number 3 cloexec 1 nonblock 0 smc',
        'flags: number 3 cloexec 0 nonblock 1 smc',
        'flags: number 3 cloexec 1 nonblock 1 smc',
        'signals: 500 smc, 0 leaked',
        'lowest: 0',
      ])
        t.match(stdout.split('\n').includes(line), true, `${options} ${line}`);
    }
  });

  await t.test('every kind of call', async (t) => {
    const tester = 'build/preload-tester';
    const { stdout, status } = await run(`${launcher} -- ${tester} ${tester} --expect converted table`);
    t.equal(status, 0);
    t.match(stdout, /^ok 1 /m);
    t.notMatch(stdout, /^not ok/m);
  });

  await t.test('a socket belongs to the user of its process', async (t) => {
    await run(`${launcher} -- build/launch-tester x user >/tmp/user 2>&1 &
wait_for 'cat /tmp/user' .`);
    t.equal((await run('cat /tmp/user')).stdout, 'user: smc\n');
    const [socket] = (await sockets(guest, '-l')).filter(({ uid }) => uid === 33);
    t.match(socket, { uid: 33, state: 'LISTEN' });
    await run('pkill -CONT launch-tester');
  });

  await t.test('another network namespace', async (t) => {
    const tester = 'build/launch-tester';
    const here = async (options: string, user: string) =>
      (await run(`${options} -- ${tester} ${tester} network`, { user })).stdout;
    t.equal(await here(launcher, 'root'), 'network: smc\n');
    t.equal(
      (
        await run(
          `${launcher} -- /bin/sh sh -c 'unshare -n sh -c "ip link set lo up; build/echo-glibc serve plain 7300 1 & wait_for \\"${listener(7300)}\\" .; build/echo-musl ask plain 7300 1000 1; wait"'`,
        )
      ).stdout,
      'same 1\n',
      'both ends in it',
    );
    t.equal(on(7300, await sockets(guest, '-a')).length, 0);
    t.equal(
      (await run(`${launcher} -- ${tester} ${tester} one outer`, { user: 'nobody' })).stdout,
      'outer: smc\n',
    );
  });

  await t.test('the supervisor is killed', async (t) => {
    const { stdout } = await run(
      `${launcher} -- build/launch-tester x until-tcp >/tmp/until &
wait_for 'cat /tmp/until' smc
for p in $(pgrep -x smc-launch); do pgrep -x smc-launch -P $p; done | xargs kill -KILL
wait; cat /tmp/until`,
    );
    t.equal(stdout, 'first: smc\nfork: tcp\nlast: tcp\n');
  });

  await t.test('without smc_diag the outcome is unknown', async (t) => {
    await run('rmmod smc_diag && echo install smc_diag /bin/false >/etc/modprobe.d/none.conf', {
      check: true,
    });
    const { output, documents } = await pair(guest, {
      server: 'build/echo-glibc serve plain 7215 2',
      client: 'build/echo-glibc ask plain 7215 1000 2',
      port: 7215,
      serverBy: (command) => `${launcher} -- ${command.split(' ')[0]} ${command}`,
    });
    t.equal(output, 'same 2 status 0');
    t.match(documents[0]?.connections, [{ mode: 'unknown', reason: null, count: 2 }]);
  });
});

// in every run, smc_run.test.ts has programs under the launcher over SMC-D
long(t, 'SMC-D over loopback-ism, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  await addUeid(guest);
  await scenarios(t, guest, 'smcd');
});
