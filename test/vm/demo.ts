// SPDX-License-Identifier: MIT
/** The demo: an unchanged program over SMC-R, seen by smcss, then the same over TCP. Run by `npm run demo`. */
import { type Guest, setUpSmcR } from './guest.ts';
import { bootWithSuite, UEID, waitFor, waitForListener } from './suite.ts';

const say = (text: string): void => void process.stdout.write(`\n# ${text}\n`);

/** Shows a command as a prompt would, runs it in the guest, shows what it prints. */
async function show(guest: Guest, command: string): Promise<string> {
  process.stdout.write(`$ ${command}\n`);
  const { stdout, stderr, status } = await guest.run(command);
  process.stdout.write(stdout + stderr);
  if (status !== 0) throw new Error(`${command}: status ${status}`);
  return stdout;
}

/** Runs a transfer and looks at its sockets while it moves data. */
async function transfer(guest: Guest, prefix: string, port: number): Promise<string> {
  const run = (command: string): string => `${prefix}${command}`;
  process.stdout.write(`$ ${run(`iperf3 -s -p ${port}`)} &\n`);
  const server = await guest.start(`exec ${run(`iperf3 -s -1 -p ${port}`)}`);
  await waitForListener(guest, port);
  process.stdout.write(`$ ${run(`iperf3 -c 127.0.0.1 -p ${port}`)} &\n`);
  const client = await guest.start(`exec ${run(`iperf3 -f m -i 0 -c 127.0.0.1 -p ${port} -t 8`)}`);
  await waitFor(guest, `ss -Htn state established | grep -q :${port}`);
  await guest.run('sleep 1');
  const seen = await show(guest, 'smcss');
  const { stdout } = await client.wait();
  process.stdout.write(
    stdout
      .split('\n')
      .filter((line) => /sender|receiver/.test(line))
      .map((line) => `iperf3: ${line.trim()}\n`)
      .join(''),
  );
  await server.wait();
  return seen;
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
  const withSmc = await transfer(guest, 'smc_run ', 5201);
  if (!withSmc.includes('SMCR')) throw new Error('the connection did not come up over SMC-R');

  say('Mode SMCR: the data went over RDMA. The same once more without smc_run, for contrast:');
  const without = await transfer(guest, '', 5202);
  if (without.includes('5202'))
    throw new Error('a plain TCP connection must not be in the table of SMC sockets');

  say('No SMC sockets there: that was TCP. (Speeds in this emulated guest say nothing about real machines.)');
}

say(
  'Booting a Debian kernel with SMC in QEMU, on the files of this machine; nothing outside the guest changes.',
);
const begin = performance.now();
const guest = await bootWithSuite({ kernel: '6.12' });
try {
  process.stdout.write(`# up after ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  await demo(guest);
  process.stdout.write(`# done in ${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
} finally {
  await guest.close();
}
