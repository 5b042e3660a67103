// SPDX-License-Identifier: MIT
/** smcss --events on made-up lists, without a trace. */
import t, { type Test } from 'tap';
import { smcss } from '../../../src/commands/smcss/command.ts';
import { connectionInfo } from '../../../src/netlink/uapi/smc-diag.ts';
import { FakeKernel } from '../../helpers/fake-kernel.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';
import { listener, socket } from '../../helpers/smc-sockets.ts';

const NOSMCDEV = 0x03030000;

/** A connection that has sent so many bytes, and received five. */
const connection = (sent: number): object => ({
  ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
  rmbeSize: 65_536,
  peerRmbeSize: 65_536,
  rxProd: { reserved: 0, wrap: 0, count: 5 },
  txProd: { reserved: 0, wrap: 0, count: sent },
});

const CLOSING = 22;

const old = socket({ from: '10.0.0.1:1000', inode: 5n });
const served = listener({ from: '10.0.0.1:443', inode: 6n });
const fast = socket({ from: '10.0.0.1:443', to: '10.0.0.3:40000', inode: 7n, mode: 2 });
const slow = socket({ from: '10.0.0.1:1002', to: '10.0.0.4:443', inode: 8n, mode: 1 });

const withData = (one: object, sent: number, more: object = {}): object => {
  const { attributes } = one as { attributes: object };
  return { ...one, attributes: { ...attributes, connection: connection(sent) }, ...more };
};
const fallenBack = (one: object): object => {
  const { attributes } = one as { attributes: object };
  return { ...one, attributes: { ...attributes, fallback: { reason: NOSMCDEV, peerDiagnosis: 0x05000000 } } };
};

/** The lists of which the first two are there at the start. */
const LISTS: readonly (readonly object[])[] = [
  [served],
  [served, old],
  [served, old, withData(fast, 0), fallenBack(slow)],
  [served, old, withData(fast, 1000)],
  [served, old, withData(fast, 3000, { state: CLOSING })],
  [served],
];

async function events(
  t: Test,
  argv: string | readonly string[],
  end: NodeJS.Signals = 'SIGTERM',
): Promise<Outcome> {
  const kernel = new FakeKernel();
  // a list of several datagrams ends a socket one list later
  kernel.datagramSize = 65_536;
  let asked = 0;
  kernel.sockets = () => {
    const list = LISTS[asked++];
    if (!list) process.kill(process.pid, end);
    return [...(list ?? LISTS.at(-1)!)];
  };
  const hostRoot = t.testdir({
    proc: {
      net: { protocols: '' },
      812: {
        comm: 'ngi nx\n',
        cgroup: '0::/system.slice/nginx.service\n',
        fd: { 3: t.fixture('symlink', 'socket:[7]') },
      },
    },
  });
  return runCommand(smcss, argv, { transport: kernel, hostRoot });
}

const documents = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

t.test('one object a line', async (t) => {
  const { status, stdout, stderr } = await events(t, '-jE 0.1 -p');
  t.equal(status, 0, stderr);
  t.match(
    stderr,
    /^smcss: the sockets are listed every 0\.1 s, which misses connections that begin and end between two lists, and why they fell back: .*\n$/,
  );
  const [start, ...records] = documents(stdout);
  t.match(start, { event: 'start', interval_seconds: 0.1, sources: ['list'], sockets: 1, missed: String });
  const stop = records.pop();
  t.match(stop, { event: 'stop', records: 6 });
  for (const { time } of records) t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.match(records, [
    {
      event: 'fallback',
      source: 'list',
      state: 'ACTIVE',
      mode: 'TCP',
      local: { address: '10.0.0.1', port: 1002 },
      side: 'client',
      fallback: { reason: { name: 'NOSMCDEV' } },
      ownership: 'unknown',
    },
    {
      event: 'appeared',
      mode: 'SMCD',
      side: 'server',
      ownership: 'held',
      owners: [{ command: 'ngi nx', pid: 812, fd: 3, unit: 'nginx.service' }],
    },
    { event: 'ended', mode: 'TCP', rx_bytes: null, lived_seconds: Number },
    { event: 'changed', previous_state: 'ACTIVE', previous_mode: 'SMCD', state: 'APPCLOSEWAIT1' },
    { event: 'ended', local: { port: 1000 }, rx_bytes: null, lived_seconds: null },
    { event: 'ended', local: { port: 443 }, rx_bytes: 5, tx_bytes: 3000, lived_seconds: Number },
  ]);
});

t.test('lines for people', async (t) => {
  const { stdout } = await events(t, '-E 0.1 -p', 'SIGINT');
  const lines = stdout.trimEnd().split('\n');
  for (const line of lines) t.match(line, /^\S+Z (start|appeared|changed|fallback|ended|stop) /);
  t.match(
    lines[1],
    / fallback ACTIVE +TCP +10\.0\.0\.1:1002 10\.0\.0\.4:443 client reason=0x03030000\/NOSMCDEV peer-reason=0x05000000\/PEERDECL source=list$/,
  );
  t.match(lines[2], / appeared .* users:\(\("ngi nx",pid=812,fd=3\)\) unit:nginx\.service source=list$/);
  t.match(stdout, / changed {2}APPCLOSEWAIT1 +SMCD .* was=ACTIVE /);
  t.match(stdout, / ended .* rx=5 tx=3000 lived=0\.\d{3}s /);
});

t.test('filters and options choose', async (t) => {
  const names = async (argv: string[]): Promise<unknown[]> =>
    documents((await events(t, ['-jE', '0.1', ...argv])).stdout)
      .slice(1, -1)
      .map(({ event, local }) => `${event} ${(local as { port: number }).port}`);
  t.strictSame(await names(['reason = NOSMCDEV']), ['fallback 1002', 'ended 1002']);
  t.strictSame(await names(['comm = "ngi nx"']), ['appeared 443', 'changed 443', 'ended 443']);
  t.strictSame(await names(['state = active and sport = :443']), ['appeared 443', 'changed 443']);
  t.strictSame(await names(['-l']), []);
});

t.test('what cannot be', async (t) => {
  const refused = async (argv: string, pattern: RegExp): Promise<void> => {
    const { status, stdout, stderr } = await runCommand(smcss, argv);
    t.strictSame([status, stdout], [1, ''], argv);
    t.match(stderr, pattern, argv);
    t.equal(stderr.split('\n').length, 2, 'one line');
  };
  await refused(
    '-E 1 --from test/fixtures/6.12-smcr',
    /^smcss: --events and --from exclude each other: nothing happens in a recording;/,
  );
  await refused('-E 1 -s', /exclude each other/);
  await refused('-E 0', /seconds/);
});
