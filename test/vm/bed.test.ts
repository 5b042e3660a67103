// The guest bed itself: what tests of the project may rely on.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { long } from '../helpers/long.ts';
import { waitUntil } from '../helpers/wait.ts';
import { cable, Guest, kernelsAtHand, projectDirectory, type SmcKernelName, setUpSmcR } from './guest.ts';

/** Runs a test in its own guest. */
async function inGuest(
  options: Parameters<typeof Guest.boot>[0],
  body: (guest: Guest) => Promise<void>,
): Promise<void> {
  const guest = await Guest.boot(options);
  try {
    await body(guest);
  } finally {
    await guest.close();
  }
}

const releases: Record<SmcKernelName, RegExp> = {
  '6.1': /^6\.1\./,
  '6.12': /^6\.12\./,
  '6.12-smcd': /^6\.12\./,
  '7.x': /^7\./,
  '7.x-smcd': /^7\./,
};

// The tests from here to 'commands' boot seven guests. What they show, all other guest tests build on.
for (const kernel of await kernelsAtHand()) {
  long(t, `kernel ${kernel} has SMC`, (t) =>
    inGuest({ kernel, name: 'bed' }, async (guest) => {
      const device = await setUpSmcR(guest);
      const { stdout } = await guest.run('uname -nr; cat /proc/net/protocols; rdma link; dmesg', {
        check: true,
      });
      const [name, release] = stdout.split(/\s/);
      t.equal(name, 'bed');
      t.match(release, releases[kernel]);
      t.match(stdout, /^SMC .* smc /m, 'the protocol family is there');
      t.match(stdout, new RegExp(`^link ${device}/1 state ACTIVE`, 'm'), 'soft-RoCE works');
      const loopback = /adding smcd device (loopback-ism|lo)\b/.test(stdout);
      t.equal(loopback, kernel.endsWith('-smcd'), 'loopback is there only in the other module');
    }),
  );
}

// Any program can make the kernel load smc: this one has no privileges.
const openSmcSocket = `python3 -c 'import socket; socket.socket(43, socket.SOCK_STREAM, 0)'`;

long(t, 'smc is loaded on demand where it is available', (t) =>
  inGuest({ kernel: '6.12', modules: 'available' }, async (guest) => {
    t.equal((await guest.run('grep ^smc /proc/modules')).status, 1, 'not loaded at boot');
    await guest.run(openSmcSocket, { user: 'nobody', check: true });
    t.match((await guest.run('cat /proc/modules')).stdout, /^smc /m);
  }),
);

long(t, 'there is no smc where it is absent', (t) =>
  inGuest({ kernel: '6.12', modules: 'absent' }, async (guest) => {
    const result = await guest.run(`${openSmcSocket}; modprobe smc`);
    t.match(result.stderr, /Address family not supported by protocol/);
    t.match(result.stderr, /Module smc not found/);
    t.equal((await guest.run('modprobe rdma_rxe')).status, 0, 'other modules are there');
  }),
);

long(t, 'two guests reach each other over a cable', async (t) => {
  const [left, right] = cable();
  const guests = await Promise.all([
    Guest.boot({ kernel: '6.12', name: 'left', cable: left }),
    Guest.boot({ kernel: '6.12', name: 'right', cable: right }),
  ]);
  try {
    const [guest] = guests;
    const ping = await guest.run(`/run/busybox ping -c 2 ${right.address}`);
    t.equal(ping.status, 0, ping.stdout);
    t.equal(await setUpSmcR(guest, 'eth0'), 'rxeeth0');
    await t.rejects(Guest.boot({ kernel: '6.12', cable: left }), /plugged into a guest already/);
  } finally {
    await Promise.all(guests.map((guest) => guest.close()));
  }
});

t.test('commands', (t) =>
  inGuest({ kernel: '6.12' }, async (guest) => {
    await t.test('give status, stdout and stderr', async (t) => {
      t.same(await guest.run('echo out; echo err >&2; exit 3'), {
        status: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      });
      t.equal((await guest.run('kill -9 $$')).status, 137);
      await t.rejects(guest.run('echo why >&2; exit 4', { check: true }), /status 4.*why/s);
      await t.rejects(guest.run('true', { user: 'no one', check: true }), /no user no one/);
    });

    await t.test('have the environment that they are given', async (t) => {
      const options = { env: { WORDS: `it's "quoted" $HOME` }, stdin: 'from\nthe host', cwd: '/usr' };
      const { stdout } = await guest.run('pwd; echo "$WORDS"; cat', options);
      t.equal(stdout, `/usr\nit's "quoted" $HOME\nfrom\nthe host`);
      t.equal((await guest.run('pwd')).stdout, `${projectDirectory}\n`);
      t.equal((await guest.run('node -p process.version')).stdout, `${process.version}\n`);
    });

    await t.test('run without privileges when asked to', async (t) => {
      const { stdout, stderr } = await guest.run(
        'id -un; touch /etc/x; touch /share/y; grep CapEff /proc/self/status',
        {
          user: 'nobody',
        },
      );
      t.match(stdout, /^nobody\nCapEff:\s+0+\n$/);
      t.match(stderr, /\/etc\/x.*Permission denied/);
      t.ok(existsSync(`${guest.share}/y`));
    });

    await t.test('run on a terminal when asked to', async (t) => {
      const { status, stdout } = await guest.run('stty size; test -t 1 && exit 5', { tty: { columns: 100 } });
      t.equal(status, 5);
      t.equal(stdout, '24 100\r\n');
    });

    await t.test('run side by side, and no answer gets lost', async (t) => {
      const numbers = Array.from({ length: 20 }, (_, index) => index);
      const results = await Promise.all(numbers.map((number) => guest.run(`echo ${number}`)));
      t.same(
        results.map(({ stdout }) => Number(stdout)),
        numbers,
      );
    });

    await t.test('may write much', async (t) => {
      const lines = Array.from({ length: 800_000 }, (_, index) => `${index + 1}\n`).join('');
      t.ok((await guest.run('seq 800000')).stdout === lines, '5 MB arrive whole');
      await guest.writeFile('/tmp/lines', lines);
      t.ok((await guest.readBytes('/tmp/lines')).toString() === lines, 'in both directions');
      await t.rejects(guest.readBytes('/no/such'), /No such file/);
    });

    await t.test('are killed with all they started when the time is over', async (t) => {
      const late = async (seconds: number): Promise<string> => {
        const command = 'echo begun; sleep infinity & sleep infinity';
        const error = await guest
          .run(command, { timeoutMs: seconds * 1000 })
          .catch((reason: Error) => reason);
        const { message } = error as Error;
        t.match(message, new RegExp(`not done within ${seconds} s.*end of the console`, 's'));
        // on a busy machine it may not have started in that time
        return message.includes('begun') ? message : late(seconds * 4);
      };
      await late(1);
      await waitUntil('the end of all processes of the killed command', async () => {
        const { stdout } = await guest.run('ps -e -o args');
        return !/sleep infinity/.test(stdout);
      });
    });

    await t.test('may go on in the background', async (t) => {
      const running = await guest.start('trap "echo bye; exit 6" TERM; echo hello; sleep infinity & wait');
      await waitUntil('the greeting', async () => (await running.output()) === 'hello\n');
      t.equal(running.hasEnded, false);
      running.kill();
      t.same(await running.wait(), { status: 6, stdout: 'hello\nbye\n', stderr: '' });
      t.equal(await running.output(), 'hello\nbye\n');

      t.equal(running.hasEnded, true);

      const interrupted = await guest.start('exec sleep infinity');
      interrupted.kill('SIGINT');
      t.equal((await interrupted.wait()).status, 130);
    });

    await t.test('leave the files of the host alone', async (t) => {
      await guest.run('echo changed > package.json; rm biome.json; ls /tmp', { check: true });
      t.not(readFileSync(`${projectDirectory}/package.json`, 'utf8'), 'changed\n');
      t.ok(existsSync(`${projectDirectory}/biome.json`));
    });

    await t.test('fail with the console when the kernel dies', async (t) => {
      const crash = guest.run(
        'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep infinity',
      );
      await t.rejects(crash, /the guest is gone.*the kernel reported: .*end of the console/s);
      await t.rejects(guest.run('true'), /the guest is gone/);
    });
  }),
);

t.test('nothing stays behind', async (t) => {
  const guest = await Guest.boot({ kernel: '6.12' });
  const qemu = machineOf(process.pid);
  t.ok(qemu);
  const pending = guest.run('sleep infinity');
  const rejected = t.rejects(pending, /the guest is closed/);
  await Promise.all([guest.close(), guest.close()]);
  await rejected;
  t.notOk(isAlive(qemu), 'after close');
  t.notOk(existsSync(guest.share), 'no files either');

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    const script = fileURLToPath(new URL('shell.ts', import.meta.url));
    const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-bed-'));
    t.teardown(() => rmSync(scratch, { recursive: true }));
    const child = spawn(process.execPath, ['--import=tsx', script, '6.12', '--', 'true'], {
      stdio: 'ignore',
      env: { ...process.env, TMPDIR: scratch },
    });
    const ended = new Promise((resolve) => child.on('exit', (_status, by) => resolve(by)));
    const machine = await waitUntil('the start of QEMU', () => machineOf(child.pid));
    child.kill(signal);
    t.equal(await ended, signal);
    await waitUntil(`the end of QEMU after ${signal}`, () => !isAlive(machine));
    if (signal !== 'SIGKILL') t.notMatch(readdirSync(scratch).join(), /smc-tools/, 'no files either');
  }
});

/** The process ID of the QEMU that a process has started. */
function machineOf(parent: number | undefined): number | undefined {
  return readdirSync('/proc')
    .map(Number)
    .find((pid) => pid > 0 && new RegExp(`^Name:\\tqemu-.*^PPid:\\t${parent}$`, 'ms').test(statusOf(pid)));
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It has ended in the meantime.
    return '';
  }
}

function isAlive(pid: number | undefined): boolean {
  return pid !== undefined && existsSync(`/proc/${pid}`);
}
