// SPDX-License-Identifier: MIT
/** What the guest tests share: a guest with our commands on its PATH, and ways to wait for a socket. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from '../helpers/schemas.ts';
import {
  type CommandResult,
  Guest,
  type GuestOptions,
  type GuestProcess,
  projectDirectory,
} from './guest.ts';

/** Enterprise ID of the test networks; soft-RoCE speaks SMC-R version 2 only, which needs one. */
export const UEID = 'SMC-TOOLS.TEST';

/** Boots a guest in which the commands of package.json can be called by name. */
export async function bootWithSuite(options: GuestOptions): Promise<Guest> {
  const guest = await Guest.boot(options);
  const { bin } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const links = Object.entries(bin).map(([name, file]) => `ln -sf "$(pwd)/${file}" /usr/local/bin/${name}`);
  // ordinary users must get at the checkout, wherever it is; the change is to the guest's own view of the directories
  const open = 'd=$(pwd); while [ "$d" != / ]; do chmod o+rx "$d"; d=$(dirname "$d"); done';
  await guest.run(`${links.join('\n')}\nchmod 755 /usr/local/bin\n${open}`, { check: true });
  return guest;
}

/** Adds an enterprise ID. */
export async function addUeid(guest: Guest, ueid = UEID): Promise<void> {
  await guest.run(`smcd ueid add ${ueid}`, { check: true });
}

/**
 * Runs commands of the suite one after the other in one process, since starting Node takes seconds in a guest.
 * @param record the netlink traffic of command N goes to the guest's file /tmp/recording.N
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
  const options = { user, stdin: JSON.stringify(jobs), check: true };
  const { stdout } = await guest.run('node test/vm/programs/batch.cjs', options);
  const results = JSON.parse(stdout) as CommandResult[];
  results.forEach((result, index) => {
    checkDocument(jobs[index]!.words, result);
  });
  return results;
}

/** JSON in a guest is as schemas/ say, whatever else the test looks at. */
function checkDocument(words: readonly string[], { stdout }: CommandResult): void {
  if (!/^\s*\{/.test(stdout)) return;
  const mistakes = validate(words, stdout);
  if (mistakes.length > 0) throw new Error(`${words.join(' ')}: ${mistakes.join('; ')}`);
}

/** Socket of `smcss -j`, as far as the tests look at it. */
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
  const result = await guest.run(`smcss -j ${options}`, { check: true });
  const { stdout } = result;
  checkDocument(['smcss', '-j'], result);
  const document = JSON.parse(stdout) as { sockets: JsonSocket[]; complete: boolean };
  if (!document.complete) throw new Error('smcss -j says its table is not complete');
  return document.sockets;
}

/** Waits until something in the guest holds, asking every 200 ms in one command. */
export async function waitFor(guest: Guest, condition: string, seconds = 60): Promise<CommandResult> {
  return guest.run(
    `n=0; until ${condition}; do n=$((n + 1)); [ $n -lt ${seconds * 5} ] || exit 1; sleep 0.2; done`,
    { check: true, timeoutMs: (seconds + 60) * 1000 },
  );
}

/** Waits for a TCP listener, in an SMC socket or not. */
export async function waitForListener(guest: Guest, port: number): Promise<void> {
  await waitFor(guest, `ss -Hltn sport = :${port} | grep -q .`);
}

/** An echo pair in the guest whose connection stays open until `stop()`. */
export async function echoPair(
  guest: Guest,
  { port, server = 'smc_run', client = 'smc_run', address = '127.0.0.1' }: EchoPair,
): Promise<{ verdict: string; stop: () => Promise<void> }> {
  const programs = 'node test/vm/programs';
  const serving = await guest.start(`exec ${server} ${programs}/echo-server.mjs ${port} ${address}`);
  await waitForListener(guest, port);
  const stopFile = `/tmp/stop-${port}`;
  await guest.run(`mkfifo ${stopFile}`, { check: true });
  const outcome = `/tmp/outcome-${port}`;
  const asking = await guest.start(
    `exec ${client} ${programs}/echo-client.mjs ${port} ${address} 1500000 >${outcome} 2>&1 <${stopFile}`,
  );
  // the fifo opens when it has a writer
  const holding: GuestProcess = await guest.start(`exec 3>${stopFile}; sleep 600 & wait`);
  await waitFor(guest, `grep -q . ${outcome}`);
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
  /** what runs the server and the client: `smc_run`, or `env` for plain TCP */
  server?: string;
  client?: string;
  address?: string;
}

/** Sockets of a port, at either end. */
export const on = (port: number, all: JsonSocket[]) =>
  all.filter(({ local, peer }) => local.port === port || peer?.port === port);

/**
 * Fetches /tmp/www/file from the guest's own web server by `smc_run curl`. Nobody takes the data until the list shows
 * `seen` (a pattern of grep), so the connection stays open that long. The output is the list, then "same" when the file
 * came over unchanged.
 */
export function fetchAndLook(guest: Guest, port: number, list: string, seen: string): Promise<CommandResult> {
  return guest.run(
    `smc_run curl -s http://127.0.0.1:${port}/file | {
  n=0
  until ${list} >/tmp/seen; grep -q '${seen}' /tmp/seen || [ $n -ge 20 ]; do n=$((n + 1)); done
  cat >/tmp/fetched
}
cat /tmp/seen
cmp /tmp/www/file /tmp/fetched && echo same`,
  );
}
