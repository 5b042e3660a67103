// SPDX-License-Identifier: MIT
/** The demo: an unchanged program over SMC-R, seen by smcss, then the same over TCP. Run by `npm run demo`. */
import { Problem } from '../../scripts/entry.mjs';
import { waitUntil } from '../helpers/wait.ts';
import { type Guest, type GuestProcess, setUpSmcR } from './guest.ts';
import { step } from './progress.ts';
import { type Seen, seenOver, seenWithoutSmc } from './smcss-rows.ts';
import { bootWithSuite, listener, UEID, waitFor, waitForOutput } from './suite.ts';

/** How often a connection may end up as TCP: a handshake that takes too long is given up by the kernel. */
const TRIES = 4;

/** Slow enough to leave the guest's processor to smcss. */
const RATE = '4M';

const say = (text: string): void => void process.stdout.write(`\n# ${text}\n`);

/** Shows a command as a prompt would, runs it in the guest, shows what it prints. */
async function show(guest: Guest, command: string): Promise<void> {
  process.stdout.write(`$ ${command}\n`);
  const { stdout, stderr, status } = await guest.run(command);
  process.stdout.write(stdout + stderr);
  if (status !== 0) throw new Error(`${command}: status ${status}`);
}

/** Runs smcss until it shows what is awaited, and gives what it printed then. */
function lookUntil(
  guest: Guest,
  what: string,
  judge: (output: string) => Seen,
): Promise<Seen & { output: string }> {
  return step(`waiting for ${what}`, async (tell) => {
    let shown = 'nothing yet';
    const look = async () => {
      const { stdout: output } = await guest.run('smcss', { check: true });
      const seen = judge(output);
      shown = `smcss shows ${seen.text}`;
      tell(shown);
      return seen.verdict !== 'wait' && { ...seen, output };
    };
    return waitUntil(what, look, { seen: () => shown });
  });
}

/** What a background program was, when it has ended before it should. */
async function endOf(program: GuestProcess): Promise<never> {
  const { status, stdout, stderr } = await program.wait();
  const last = `${stdout}\n${stderr}`.trim().split('\n').at(-1);
  throw new Problem(`iperf3 has ended too early, with status ${status}: ${last}`);
}

/** Starts a transfer that goes on until it is interrupted, looks at its sockets meanwhile, then ends it. */
async function transfer(guest: Guest, prefix: string, port: number, over: 'SMCR' | 'TCP'): Promise<Seen> {
  process.stdout.write(`$ ${prefix}iperf3 -s -p ${port} &\n`);
  const server = await guest.start(`exec ${prefix}iperf3 -s -1 --forceflush -f m -p ${port}`);
  await Promise.race([endOf(server), waitFor(guest, listener(port), { shows: '.' })]);
  process.stdout.write(`$ ${prefix}iperf3 -c 127.0.0.1 -p ${port} -b ${RATE} &\n`);
  // nobody waits for a day: the interrupt below ends it
  const client = await guest.start(
    `exec ${prefix}iperf3 -f m -i 0 -c 127.0.0.1 -p ${port} -b ${RATE} -t 86400`,
  );

  const looking =
    over === 'SMCR'
      ? lookUntil(guest, 'both connections of iperf3 to be ACTIVE', (output) =>
          seenOver('SMCR', port, output),
        )
      : // one connection for control, one for data
        waitFor(guest, `[ "$(ss -Htn state established dport = :${port} | wc -l)" -ge 2 ]`).then(() =>
          lookUntil(guest, 'the table of SMC sockets', (output) => seenWithoutSmc(port, output)),
        );
  const ended = endOf(client);
  ended.catch(() => {});
  const seen = await Promise.race([ended, looking]);
  process.stdout.write(`$ smcss\n${seen.output}`);
  await waitForOutput(server, 'a second with data at the server of iperf3', (text) =>
    / sec +[1-9][\d.]* [KMG]?Bytes/.test(text),
  );

  client.kill('SIGINT');
  const [sent, received] = await Promise.all([client.wait(), server.wait()]);
  process.stdout.write(sum(sent.stdout, 'sender') + sum(received.stdout, 'receiver'));
  return seen;
}

/** The line of iperf3 that sums up one side. */
function sum(stdout: string, side: 'sender' | 'receiver'): string {
  const line = stdout.split('\n').findLast((text) => text.trimEnd().endsWith(side));
  return line ? `iperf3: ${line.trim()}\n` : '';
}

async function demo(guest: Guest): Promise<void> {
  await show(guest, 'uname -r');

  say('A soft-RoCE device stands for the RDMA card: rxelo, on the interface lo.');
  process.stdout.write('$ rdma link add rxelo type rxe netdev lo\n');
  await setUpSmcR(guest);

  say('The PNET table says that both are on one physical network.');
  await show(guest, 'smc_pnet -a NET1 -I lo -D rxelo');
  await show(guest, 'smc_pnet');

  say(`SMC version 2 needs an enterprise ID that both ends have: ${UEID}.`);
  await show(guest, `smcd ueid add ${UEID}`);

  say('iperf3, a TCP program that knows nothing of SMC, server and client started by smc_run:');
  for (let port = 5201, left = TRIES; ; port++) {
    const seen = await transfer(guest, 'smc_run ', port, 'SMCR');
    if (seen.verdict === 'as awaited') break;
    if (--left === 0)
      throw new Problem(`no connection came up over SMC-R in ${TRIES} tries; smcss shows ${seen.text}`);
    say(
      `That one fell back to TCP, as happens where both ends share a slow processor (${seen.text}). Once more:`,
    );
  }

  say('Mode SMCR: the data went over RDMA. The same once more without smc_run, for contrast:');
  const without = await transfer(guest, '', 5301, 'TCP');
  if (without.verdict !== 'as awaited')
    throw new Problem(`a plain TCP connection is in the table of SMC sockets: ${without.text}`);

  say('No SMC sockets there: that was TCP. (iperf3 is throttled: speeds of an emulated guest say nothing.)');
}

say(
  'Booting a Debian kernel with SMC in QEMU, on the files of this machine; nothing outside the guest changes.',
);
const begin = performance.now();
const guest = await step('booting kernel 6.12', () => bootWithSuite({ kernel: '6.12' }));
try {
  await demo(guest);
  process.stdout.write(`# done in ${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
} finally {
  await guest.close();
}
