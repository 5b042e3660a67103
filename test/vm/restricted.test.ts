// SPDX-License-Identifier: MIT
// Services that may not make memory executable, or have few threads and little memory: the commands work there, over SMC.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isLong } from '../helpers/long.ts';
import { type CommandResult, projectDirectory } from './guest.ts';
import { bootWithSuite, OVER_SMC, on, setUpAllOfSmcR, sockets, waitFor, waitForListener } from './suite.ts';
import { startSystemd } from './systemd.ts';

const DENIED = 'MemoryDenyWriteExecute=yes';

mkdirSync(join(projectDirectory, 'build'), { recursive: true });
execFileSync('cc', ['-o', 'build/places', 'test/native/places.c'], { cwd: projectDirectory });

t.test('commands in restricted services of a real systemd', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  await setUpAllOfSmcR(guest);
  await guest.run('cp build/places /usr/local/bin/', { check: true });
  const inside = await startSystemd(guest);

  let count = 0;
  /** Runs a command as a service with these settings. */
  const service = async (settings: string, command: string): Promise<CommandResult> => {
    const name = `restricted-${++count}`;
    const file = `/run/${name}`;
    await guest.writeFile(
      `/run/systemd/system/${name}.service`,
      `[Service]\nType=oneshot\nExecStart=/usr/local/bin/${command}\nStandardOutput=file:${file}.out\nStandardError=file:${file}.err\n${settings}\n`,
    );
    await inside(`systemctl daemon-reload; systemctl start ${name}`);
    const status = await inside(`systemctl show -P ExecMainStatus ${name}`, { check: true });
    const [stdout, stderr] = [await guest.run(`cat ${file}.out`), await guest.run(`cat ${file}.err`)];
    return { ...status, status: Number(status.stdout), stdout: stdout.stdout, stderr: stderr.stdout };
  };
  const outcome = ({ status, stdout, stderr }: CommandResult) => ({ status, stdout, stderr });

  await guest.writeFile(
    '/run/systemd/system/server.service',
    `[Service]\nExecStart=/usr/local/bin/smc_run /usr/bin/iperf3 -s -p 7401\n${DENIED}\n`,
  );
  await inside('systemctl daemon-reload; systemctl start server', { check: true });
  await waitForListener(guest, 7401);

  await t.test('where Node alone dies', async (t) => {
    const { status } = await guest.run(
      'places mdwe node -e 0 2>/dev/null; echo $? >&2; exec places filter node -e 0',
    );
    t.ok(status > 128 || status < 0, `status ${status}`);
  });

  await t.test('a server, started by smc_run', async (t) => {
    const client = await guest.start(`exec ${OVER_SMC} python3 test/vm/programs/hold-connection.py 7401`);
    await waitFor(guest, 'smcss', { shows: ':7401 .*SMCR' });
    const found = on(7401, await sockets(guest)).filter(({ state }) => state === 'ACTIVE');
    t.ok(found.length > 0);
    t.ok(found.every(({ mode }) => mode === 'SMCR'));
    client.kill();
    await client.wait();
  });

  await t.test('listings and checks are what they are elsewhere', async (t) => {
    const commands = ['smcss -lj', 'smcr device', 'smc_rnics', 'smc_pnet', 'smcd ueid', 'smcr info'];
    // three starts of Node each, two of them without its compiler; in every run, test/bin/restricted.test.ts has them all
    for (const command of isLong ? commands : commands.slice(0, 1)) {
      const expected = outcome(await guest.run(command));
      t.equal(expected.status, 0, command);
      t.strictSame(outcome(await service(DENIED, command)), expected, `${command}, ${DENIED}`);
      // the same rule, made by the program itself
      if (isLong)
        t.strictSame(outcome(await guest.run(`places mdwe ${command}`)), expected, `${command}, PR_SET_MDWE`);
    }
    const check = await service(DENIED, 'smc_chk -j');
    t.equal(check.stderr, '');
    t.type(JSON.parse(check.stdout).checks, Array);
  });

  await t.test('the live test of smc_chk', async (t) => {
    for (const run of [
      () => service(DENIED, 'smc_chk -j --timeout 1000 -C 127.0.0.1:7401'),
      ...(isLong ? [() => guest.run('places mdwe smc_chk -j --timeout 1000 -C 127.0.0.1:7401')] : []),
    ]) {
      const { stdout, stderr } = await run();
      t.match(JSON.parse(stdout || '{}'), { connection: { mode: 'SMCR' } }, stderr);
    }
  });

  await t.test('a report, and the way by the filter', async (t) => {
    const client = 'python3 -c "import socket; socket.create_connection((\'127.0.0.1\', 7401)).close()"';
    for (const way of ['preload', 'seccomp'])
      t.match(
        await guest.run(`places mdwe smc_run --via ${way} --report ${client}`),
        { status: 0, stderr: /1 sockets? opened as SMC\n.*1 connections?: 1 SMC-R/ },
        way,
      );
  });

  await t.test('few tasks, little memory', async (t) => {
    const listing = outcome(await guest.run('smcss -lj'));
    t.strictSame(outcome(await service('TasksMax=4', 'smcss -lj')), listing);
    // in every run, test/bin/restricted.test.ts has little memory
    if (isLong) t.strictSame(outcome(await service('LimitAS=680M', 'smcss -lj')), listing);
    const none = 'Node.js cannot start: no more threads are allowed here (ulimit -u, TasksMax, pids.max)';
    t.match(await service('TasksMax=1', 'smcss -lj'), { status: 1, stdout: '', stderr: `smcss: ${none}\n` });
    t.match(await service('TasksMax=1', 'smc_run /bin/echo done'), {
      status: 0,
      stdout: 'done\n',
      stderr: `smc_run: ${none}; running the program with the preload library anyway\n`,
    });
    const client = await service(
      'TasksMax=1',
      'smc_run -d /usr/bin/python3 -c "import socket; socket.socket()"',
    );
    t.match(client.stderr, /^libsmc-preload: IPv4 socket \d+ uses SMC$/m, 'over SMC without Node');
  });
});
