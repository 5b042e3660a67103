// SPDX-License-Identifier: MIT
// A kernel without SMC: every command says so, and programs run over TCP.
import t from 'tap';
import { batch, bootWithSuite, waitForListener, waitForOutput } from './suite.ts';

const guest = await bootWithSuite({ kernel: '6.12', modules: 'absent' });
t.teardown(() => guest.close());

const fix =
  'boot a kernel that was built with CONFIG_SMC, CONFIG_SMC_DIAG and, since Linux 6.18, CONFIG_DIBS';
const sentence = `this kernel has no SMC: there is no module smc for it; ${fix}`;

t.test('smcss and smc_pnet', async (t) => {
  const commands = ['smcss', 'smc_pnet', 'smc_pnet -a NET1 -I lo', 'smc_pnet -f'];
  const outcomes = await batch(guest, commands);
  for (const [index, command] of commands.entries())
    t.strictSame(
      outcomes[index],
      { status: 1, stdout: '', stderr: `${command.split(' ')[0]}: ${sentence}\n` },
      command,
    );
  t.strictSame(await guest.run('smcss -j'), {
    status: 1,
    stdout: `{"sockets":[],"complete":false,"error":"this kernel has no SMC: there is no module smc for it"}\n`,
    stderr: `smcss: ${sentence}\n`,
  });
});

t.test('smcd and smcr', async (t) => {
  const expected: Record<string, [status: number, stderr: string]> = {
    'smcd info': [1, `smcd: ${sentence}\n`],
    'smcr ueid add X': [1, `smcr: ${sentence}\n`],
    'smcr info show more': [255, "smcr: unexpected word 'more'; smcr info help shows the usage\n"],
    'smcr sysctl': [1, `smcr: there are no settings net.smc.*: this kernel has no SMC; ${fix}\n`],
  };
  const outcomes = await batch(guest, Object.keys(expected));
  for (const [index, [command, [status, stderr]]] of Object.entries(expected).entries())
    t.strictSame(outcomes[index], { status, stdout: '', stderr }, command);
});

t.test('smc_exporter', async (t) => {
  const [outcome] = await batch(guest, ['smc_exporter --once --timeout 60'], { user: 'nobody' });
  const { status, stdout, stderr } = outcome!;
  t.strictSame([status, stderr], [0, '']);
  t.match(stdout, 'smc_module_loaded{module="smc"} 0\n');
  t.notMatch(stdout, /_total|^smc_scrape_collector_success.* 0$/m, 'that there is no SMC is an answer');
});

t.test('smc_run', async (t) => {
  t.strictSame(await guest.run('smc_run echo done'), {
    status: 0,
    stdout: 'done\n',
    stderr: 'smc_run: this kernel has no SMC: the program will run over TCP\n',
  });
  // the preload library opens the requested TCP socket if AF_SMC is not available
  const server = await guest.start('smc_run node test/vm/programs/echo-server.mjs 7000 2>/dev/null');
  await waitForListener(guest, 7000);
  const client = await guest.run(
    'smc_run node test/vm/programs/echo-client.mjs 7000 127.0.0.1 200000 </dev/null',
  );
  t.match(client.stdout, /^same /);
  server.kill();
});

t.test('smc_chk', async (t) => {
  const { status, stdout, stderr } = await guest.run('smc_chk');
  t.equal(status, 3);
  t.equal(stderr, '');
  t.match(
    stdout,
    /^FAIL module smc: this host has no SMC: Linux (6\.12|7)\.\S+ has no module smc\n {2}reason: .*CONFIG_SMC/,
  );
  t.match(stdout, /^FAIL rdma-device: /m, 'and the rest');
  t.match(stdout, /^UNKNOWN ueid: .*\n {2}reason: there is no SMC in the kernel at the moment$/m);
  t.match(stdout, /^PASS rlimit nofile: /m);
});

t.test('the live test of smc_chk', async (t) => {
  const server = await guest.start('exec smc_chk -S');
  await waitForOutput(server, 'the start of the server', (text) => text.includes('started on port'));
  const { status, stdout } = await guest.run('smc_chk -C 127.0.0.1');
  t.equal(status, 3);
  t.match(
    stdout,
    `Failed  TCP fallback\n          Cause at this host: this kernel has no SMC\n          Fix: ${fix}\n`,
  );
  server.kill('SIGINT');
  const seen = await server.wait();
  t.equal(seen.status, 0);
  t.match(seen.stdout, /^127\.0\.0\.1:\d+ TCP; cause at this host: this kernel has no SMC/m);
});
