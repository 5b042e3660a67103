// SPDX-License-Identifier: MIT
/** Shared by the guest tests: a guest with our commands on its PATH, and ways to wait for sockets and output. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from '../helpers/schemas.ts';
import { PATIENCE_S, waitUntil } from '../helpers/wait.ts';
import {
  type CommandResult,
  Guest,
  type GuestOptions,
  type GuestProcess,
  type KernelName,
  PATIENCE_MS,
  projectDirectory,
  setUpSmcR,
} from './guest.ts';
import { quote } from './program.ts';

/** Enterprise ID of the test networks; soft-RoCE speaks SMC-R version 2 only, which needs one. */
export const UEID = 'SMC-TOOLS.TEST';

/** `7.x` where `npm run test:kernels` runs the guest tests on that kernel, in place of 6.12. */
const instead = process.env['SMC_TOOLS_TEST_KERNEL'];

/** Whether kernels have the class dibs (`/sys/class/dibs`), as those since Linux 6.18. */
export const hasDibs = instead === '7.x';

/** What stands for loopback in the PNET table. */
export const LOOPBACK = hasDibs ? 'lo' : 'loopback-ism';

/** The kernel to boot where a test names one. */
const bootedFor = (kernel: KernelName): KernelName =>
  hasDibs && kernel !== '6.1' ? (kernel.replace('6.12', '7.x') as KernelName) : kernel;

/** The kernels of these that this run is for: a run on 7.x has nothing to do with 6.1. */
export const kernelsOf = (...names: KernelName[]): KernelName[] =>
  names.filter((name) => !hasDibs || name !== '6.1');

/** Boots a guest in which the commands of package.json can be called by name, and `wait_for` of test/helpers. */
export async function bootWithSuite(options: GuestOptions): Promise<Guest> {
  const guest = await Guest.boot({ ...options, kernel: bootedFor(options.kernel) });
  const { bin } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  // as the packages of distributions have them
  const files = [...Object.keys(bin).map((name) => `dist/native/bin/${name}`), 'test/helpers/wait_for'];
  const links = files.map((file) => `"$PWD/${file}"`).join(' ');
  // ordinary users need access to the checkout, wherever it is; only the guest sees this change of the directories
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
  const open = 'd=$PWD; while [ "$d" ]; do chmod o+rx "$d"; d=${d%/*}; done';
  await guest.run(`ln -sf ${links} /usr/local/bin\nchmod 755 /usr/local/bin\n${open}`, { check: true });
  return guest;
}

/** Adds an enterprise ID. */
export async function addUeid(guest: Guest, ueid = UEID): Promise<void> {
  await guest.run(`smcd ueid add ${ueid}`, { check: true });
}

/** What {@link batch} has in a guest: by user, the directory of the process, once the job before has been answered. */
const runners = new WeakMap<Guest, Map<string, Promise<string>>>();

/** Starts the process that runs the commands of a user; returns its directory. */
async function startRunner(guest: Guest, user: string): Promise<string> {
  const directory = `/run/batch-${user}`;
  await guest.run(
    `mkdir ${directory} && mkfifo ${directory}/ask ${directory}/answer && chown -R ${user} ${directory}`,
    { check: true },
  );
  await guest.start(`exec node test/vm/programs/batch.cjs ${directory}`, { user });
  return directory;
}

/**
 * Runs commands of the suite one after the other, all of a user in one process of the guest, since starting Node takes
 * seconds in a guest. For commands in that process's network namespace which end by themselves.
 * @param record write the netlink traffic of command N to the guest's file /tmp/recording.N
 */
export async function batch(
  guest: Guest,
  commands: readonly (string | readonly string[])[],
  { user = 'root', record = false }: { user?: string; record?: boolean } = {},
): Promise<CommandResult[]> {
  const jobs = commands.map((command, index) => ({
    words: typeof command === 'string' ? command.split(' ') : command,
    ...(record && { record: `/tmp/recording.${index}` }),
  }));
  const users = runners.get(guest) ?? new Map<string, Promise<string>>();
  runners.set(guest, users);
  const runner = users.get(user) ?? startRunner(guest, user);
  const answered = runner.then(async (directory) => {
    const { stdout } = await guest.run(`cat >${directory}/ask && cat ${directory}/answer`, {
      stdin: JSON.stringify(jobs),
      check: true,
    });
    return { directory, answer: JSON.parse(stdout) as CommandResult[] | { error: string } };
  });
  const isFree = answered.then(({ directory }) => directory);
  isFree.catch(() => {});
  users.set(user, isFree);
  const { answer: results } = await answered;
  if ('error' in results) throw new Error(results.error);
  results.forEach((result, index) => {
    checkDocument(jobs[index]!.words, result);
  });
  return results;
}

/** JSON in a guest must match its schema in every test. */
function checkDocument(words: readonly string[], { stdout }: CommandResult): void {
  if (!/^\s*\{/.test(stdout)) return;
  const mistakes = validate(words, stdout);
  if (mistakes.length > 0) throw new Error(`${words.join(' ')}: ${mistakes.join('; ')}`);
}

/** Socket of `smcss -j`, with the fields that tests use. */
export interface JsonSocket {
  state: string;
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  family: 'ipv4' | 'ipv6' | null;
  uid: number;
  inode: number;
  local: { address: string | null; port: number };
  peer: { address: string | null; port: number } | null;
  fallback: {
    reason: { code: string; name: string };
    peer_diagnosis: { code: string; name: string } | null;
  } | null;
  connection: Record<string, unknown> | null;
  link: { ib_device: string; role: string } | null;
  dmb: Record<string, unknown> | null;
}

/** Runs `smcss -j` with further options. */
export async function sockets(guest: Guest, options = ''): Promise<JsonSocket[]> {
  const [result] = await batch(guest, [`smcss -j ${options}`.trim()]);
  const { status, stdout, stderr } = result!;
  if (status !== 0) throw new Error(`smcss -j ended with ${status}: ${stderr}`);
  const document = JSON.parse(stdout) as { sockets: JsonSocket[]; complete: boolean };
  if (!document.complete) throw new Error('smcss -j says its table is not complete');
  return document.sockets;
}

/**
 * Waits until a command of the guest's sh succeeds, or until it prints a line with `shows` (a pattern of grep -E), whatever
 * its status. In a script that runs in the guest, `wait_for` does the same (see `test/helpers/wait_for`).
 * @throws Error with the command and what it printed last, when the limit is reached
 */
export async function waitFor(
  guest: Guest,
  command: string,
  { shows, seconds = PATIENCE_S }: { shows?: string; seconds?: number } = {},
): Promise<void> {
  const words = [command, ...(shows === undefined ? [] : [shows])].map(quote).join(' ');
  await guest.run(`WAIT_SECONDS=${seconds} wait_for ${words}`, {
    check: true,
    timeoutMs: seconds * 1000 + PATIENCE_MS,
  });
}

/** The command that lists a TCP listener, in an SMC socket or not, for {@link waitFor} and `wait_for` with the pattern '.'. */
export const listener = (port: number): string => {
  const end = port.toString(16).toUpperCase().padStart(4, '0');
  // ss takes eight times as long to start; 0A is TCP_LISTEN. Without quotes, since scripts quote it themselves.
  return `/run/busybox grep -hs :${end}.[0-9A-F]*:0000.0A /proc/net/tcp /proc/net/tcp6`;
};

/** Waits for a TCP listener, in an SMC socket or not. */
export async function waitForListener(guest: Guest, port: number): Promise<void> {
  await waitFor(guest, listener(port), { shows: '.' });
}

/**
 * Waits until `enough` accepts what a background command has written to stdout.
 * @returns the result of `enough`
 * @throws Error with the output, when the command has ended before that, or when the limit is reached
 */
export async function waitForOutput<T>(
  process: GuestProcess,
  what: string,
  enough: (stdout: string) => T,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  let stdout = '';
  const look = async (): Promise<T> => {
    const { hasEnded } = process;
    stdout = await process.output();
    const found = enough(stdout);
    if (!found && hasEnded) {
      const { status, stderr } = await process.wait();
      throw new Error(`${what} did not come: status ${status}, stdout: ${stdout}, stderr: ${stderr}`);
    }
    return found;
  };
  return waitUntil(what, look, { seen: () => stdout });
}

/** Runs a program over SMC as smc_run does it, without the start of Node that smc_run takes. */
export const OVER_SMC = 'env LD_PRELOAD=$PWD/dist/native/libsmc-preload.so';

/**
 * Connects until a connection is over SMC-R, for tests in which the next one has to be. Kernels wait 2 s for the other end
 * to confirm the first link (SMC_LLC_WAIT_TIME). A busy machine can take longer, and then both ends fall back
 * (0x02010000). Later connections find the link group: it stays for ten minutes after the last one.
 * @param server address and port of a server of SMC on another host; without it, both ends are in this guest
 */
export async function firstOverSmcR(guest: Guest, server = ''): Promise<void> {
  const connect = `${OVER_SMC} python3 test/vm/programs/first-connection.py ${server}`;
  await waitFor(guest, `${connect} || { smcr -ad stats; false; }`);
}

/** Sets SMC-R up on lo: soft-RoCE with a PNET ID, an enterprise ID, and the link group. */
export async function setUpAllOfSmcR(guest: Guest): Promise<void> {
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
  await addUeid(guest);
  await firstOverSmcR(guest);
}

/** Makes sockets that fall back at once, by an option that SMC does not have: TCP_FASTOPEN_CONNECT. Prints its process. */
export const fallBack = (times: number): string =>
  `python3 -c '
import os, socket
for _ in range(${times}):
    with socket.socket(43) as one:
        one.setsockopt(socket.IPPROTO_TCP, 30, 1)
print(os.getpid())'`;

/** A program that connects to itself: port, bytes to send. */
export const OWN_CONNECTION = 'python3 test/vm/programs/own-connection.py';

/** A connection of one process, over which all bytes have gone when this returns; it stays until `end()`. */
export async function ownConnection(
  guest: Guest,
  port: number,
  bytes: number,
  over = OVER_SMC,
): Promise<{ pid: number; end: () => Promise<void> }> {
  const fifo = `/tmp/hold-${port}`;
  await guest.run(`mkfifo ${fifo}`, { check: true });
  const program = await guest.start(`exec ${over} ${OWN_CONNECTION} ${port} ${bytes} <${fifo}`);
  const holder = await guest.start(`exec 3>${fifo}; sleep infinity & wait`);
  const pid = await waitForOutput(program, 'all bytes', (stdout) => Number(stdout));
  return {
    pid,
    end: async () => {
      holder.kill();
      await program.wait();
    },
  };
}

/** An echo pair in the guest whose connection stays open until `stop()`. */
export async function echoPair(
  guest: Guest,
  { port, server = OVER_SMC, client = OVER_SMC, address = '127.0.0.1', bytes = 100_000 }: EchoPair,
): Promise<{ verdict: string; stop: () => Promise<void> }> {
  const programs = 'node test/vm/programs';
  const serving = await guest.start(`exec ${server} ${programs}/echo-server.mjs ${port} ${address}`);
  await waitForListener(guest, port);
  const stopFile = `/tmp/stop-${port}`;
  await guest.run(`mkfifo ${stopFile}`, { check: true });
  const outcome = `/tmp/outcome-${port}`;
  const asking = await guest.start(
    `exec ${client} ${programs}/echo-client.mjs ${port} ${address} ${bytes} >${outcome} 2>&1 <${stopFile}`,
  );
  // opening the FIFO succeeds when it has a writer
  const holding: GuestProcess = await guest.start(`exec 3>${stopFile}; sleep infinity & wait`);
  await waitFor(guest, `test -s ${outcome}`);
  const verdict = (await guest.readBytes(outcome)).toString();
  return {
    verdict,
    stop: async () => {
      holding.kill();
      await asking.wait();
      serving.kill();
      await serving.wait();
    },
  };
}

export interface EchoPair {
  port: number;
  /** what runs the server and the client: `smc_run`, where that is the subject, or `env` for plain TCP */
  server?: string;
  client?: string;
  address?: string;
  /** how much is sent and comes back */
  bytes?: number;
}

/**
 * Runs iperf3 with smc_run, at 5 Mbit/s and without a time limit, so that a test can take its time to look at its sockets.
 * @returns when the server has received 1 MB; `stop` ends both sides regularly
 */
export async function iperf(guest: Guest, port: number): Promise<{ stop: () => Promise<void> }> {
  const server = await guest.start(`exec smc_run iperf3 -s -1 -p ${port} -i 1 -f k --forceflush`);
  await waitForListener(guest, port);
  const client = await guest.start(`exec smc_run iperf3 -c 127.0.0.1 -p ${port} -b 5M -t 86400`);
  await waitForOutput(server, '1 MB at the server', (text) => {
    const intervals = [...text.matchAll(/ sec +([\d.]+) KBytes/g)];
    return intervals.reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0) > 1000;
  });
  return {
    stop: async () => {
      client.kill('SIGINT');
      await Promise.all([client.wait(), server.wait()]);
    },
  };
}

/** Sockets with this port, at either end. */
export const on = (port: number, all: JsonSocket[]) =>
  all.filter(({ local, peer }) => local.port === port || peer?.port === port);

/**
 * Fetches /tmp/www/file from the guest's own web server by `smc_run curl`. Nothing reads the data until the list shows
 * `seen` (a pattern of grep -E), so the connection stays open that long. The output is the list, then "same" if the file
 * arrived unchanged.
 */
export function fetchAndLook(guest: Guest, port: number, list: string, seen: string): Promise<CommandResult> {
  return guest.run(
    `smc_run curl -s http://127.0.0.1:${port}/file | {
  wait_for '${list} | tee /tmp/seen' '${seen}'
  cat >/tmp/fetched
}
cat /tmp/seen
cmp /tmp/www/file /tmp/fetched && echo same`,
  );
}
