// SPDX-License-Identifier: MIT
// smcss --events: a sequence of connections, and what is left of the trace when it ends.
import t, { type Test } from 'tap';
import { isLong } from '../helpers/long.ts';
import { validate } from '../helpers/schemas.ts';
import { begins, type EventRecord, ended, isOn, records } from './event-records.ts';
import { type Guest, type GuestProcess, type KernelName, setUpSmcR } from './guest.ts';
import {
  batch,
  bootWithSuite,
  fallBack,
  firstOverSmcR,
  kernelsOf,
  LOOPBACK,
  OVER_SMC,
  OWN_CONNECTION,
  ownConnection,
  UEID,
  waitFor,
} from './suite.ts';

/** A connection that ends as soon as it is there; the number of the process. */
async function short(guest: Guest, port: number, prefix = ''): Promise<number> {
  const { stdout } = await guest.run(`${prefix} ${OVER_SMC} ${OWN_CONNECTION} ${port} 0 </dev/null`, {
    check: true,
  });
  return Number(stdout);
}

// the long run has 6.1, too; in every run, control-plane.test.ts has a fallback on it
const kernels: KernelName[] = ['6.12-smcd', ...(isLong ? kernelsOf('6.1') : [])];

for (const kernel of kernels)
  t.test(`smcss --events, kernel ${kernel}`, async (t) => {
    const isOld = kernel === '6.1';
    const guest = await bootWithSuite({ kernel });
    t.teardown(() => guest.close());
    await setUpSmcR(guest);
    await guest.run('ip netns add other && ip -n other link set lo up', { check: true });
    // a link group of SMC-R, with SMC-D out of the way
    const withSmcR = [`smc_pnet -a -D ${LOOPBACK} NOWHERE`, `smcd ueid add ${UEID}`];
    // handshakes over soft-RoCE may hang in 6.1
    if (!isOld) {
      await batch(guest, withSmcR);
      await firstOverSmcR(guest);
      await batch(guest, ['smc_pnet -f', 'smcd ueid flush']);
    }
    const instances = async (): Promise<string> => {
      const look =
        'mountpoint -q /run/t || { mkdir -p /run/t && mount -t tracefs t /run/t; }; ls /run/t/instances';
      return (await guest.run(look, { check: true })).stdout;
    };

    await t.test('connections that begin, fall back and end', async (t) => {
      const run = await guest.start('exec smcss -jpE 0.5');
      const [start] = await begins(run);
      t.strictSame(start?.sources, ['list', 'trace']);
      t.match(await instances(), /^smc-tools-\d+-\d+\n$/, 'tracefs is not mounted, and used');

      // no UEID: the server declines; in 6.1, which has no loopback-ism, the client finds no device, and says so
      const [onServer, onClient] = isOld ? ['0x05000000', '0x03030000'] : ['0x03030008', '0x05000000'];
      await short(guest, 7001, 'ip netns exec other');
      const pid = await short(guest, 7002);
      const fallbacks = await records(run, 'both sides', 2, ({ event }) => event === 'fallback');
      const code = (wanted: string) => fallbacks.find(({ fallback }) => fallback?.reason.code === wanted);
      // that the peer declined can be on either side, and work of the kernel has no process
      t.match(code(onServer), { source: 'trace', mode: 'TCP', side: isOld ? null : 'server' });
      t.match(code(onClient), { source: 'trace', side: 'client', owners: [{ command: 'python3', pid }] });

      if (!isOld) await overSmcR(t, run);

      const { status, stdout, stderr, all } = await ended(run);
      t.equal(status, 0);
      t.match(stderr, /^smcss: the sockets are listed every 0\.5 s, which misses .*\n$/);
      t.strictSame(validate('smcss -jE', stdout), []);
      t.equal(all.at(-1)?.event, 'stop');
      t.equal(
        all.filter(({ event }) => event === 'fallback').length,
        2,
        'none twice, and none of another namespace',
      );
      t.equal(await instances(), '', 'the trace is gone');
    });

    async function overSmcR(t: Test, run: GuestProcess): Promise<void> {
      await batch(guest, withSmcR);
      const sent = 1_000_000;
      const connection = await ownConnection(guest, 7003, sent);
      const appeared = await records(run, 'it appears', 2, isOn(7003));
      t.match(appeared, [
        { event: 'appeared', mode: 'SMCR', source: 'list', owners: [{ pid: connection.pid }] },
        { event: 'appeared', mode: 'SMCR' },
      ]);
      // a list that has this one was made after all bytes had come
      const later = await ownConnection(guest, 7004, 0);
      await records(run, 'another one appears', 2, isOn(7004));
      await connection.end();
      const ends = await records(
        run,
        'it ends',
        2,
        (record) => record.event === 'ended' && isOn(7003)(record),
      );
      const client = ends.find(({ peer }) => peer?.port === 7003);
      const server = ends.find(({ local }) => local?.port === 7003);
      t.match(client, { tx_bytes: sent, rx_bytes: 0, side: 'client', owners: [{ pid: connection.pid }] });
      t.match(server, { tx_bytes: 0, rx_bytes: sent, side: 'server' });
      t.ok(Number(client?.lived_seconds) > 0);

      // it waits until the connection is closed
      const removal = await guest.start('exec rdma link del rxelo', { cwd: '/' });
      t.match(await records(run, 'the link fails', 1, ({ event }) => event === 'link_down'), [
        { ib_device: 'rxelo' },
      ]);
      await later.end();
      t.equal((await removal.wait()).status, 0);
    }

    await t.test('a killed run leaves its trace to the next one', async (t) => {
      await guest.run('mount -t tracefs t /sys/kernel/tracing', { check: true });
      const killed = await guest.start('exec smcss -jE');
      await begins(killed);
      await ended(killed, 'SIGKILL');
      const left = await instances();
      t.match(left, /^smc-tools-\d+-\d+\n$/);

      const run = await guest.start('exec smcss -jAE 0.5');
      await begins(run);
      const own = await instances();
      t.match(own, /^smc-tools-\d+-\d+\n$/);
      t.not(own, left);
      const pid = await short(guest, 7005, 'ip netns exec other');
      const fallbacks = await records(run, 'both sides', 2, ({ event }) => event === 'fallback');
      t.ok(fallbacks.every(({ netns }) => netns?.name === 'other'));
      t.ok(fallbacks.some(({ owners }) => owners?.[0]?.pid === pid));
      const { status, stdout } = await ended(run, 'SIGINT');
      t.equal(status, 0);
      t.strictSame(validate('smcss -jE', stdout), []);
      t.equal(await instances(), '');
    });

    await t.test('a reader that has enough', async (t) => {
      const run = await guest.start('{ smcss -jE 0.5; echo $? >/tmp/status; } | head -1');
      await begins(run);
      await short(guest, 7006);
      await waitFor(guest, 'test -s /tmp/status');
      t.equal((await guest.readBytes('/tmp/status')).toString(), '0\n');
      t.equal((await run.wait()).stderr.trimEnd().split('\n').length, 1, 'not a word of it');
      t.equal(await instances(), '');
    });

    await t.test('an ordinary user', async (t) => {
      const run = await guest.start('exec smcss -jE', { user: 'nobody' });
      const [start] = await begins(run);
      t.strictSame(start?.sources, ['list']);
      const { status, stderr } = await ended(run);
      t.equal(status, 0);
      t.match(stderr, /^smcss: .*, and why they fell back: only root may trace the kernel\n$/);
    });

    /** Its files in the kernel, and its process. */
    const traceOf = async () => {
      const name = (await instances()).trim();
      const pid = Number(/^smc-tools-(\d+)-\d+$/.exec(name)?.[1]);
      const enable = `/run/t/instances/${name}/events/smc/smc_switch_to_fallback/enable`;
      return { directory: `/run/t/instances/${name}`, pid, isOn: `grep -q 1 ${enable}` };
    };
    const by = (pid: number, all: EventRecord[]) =>
      all.filter(({ event, owners }) => event === 'fallback' && owners?.[0]?.pid === pid);
    const lossesIn = (all: EventRecord[]) => all.filter(({ event }) => event === 'lost');
    // sockets that were closed can keep the module for a moment
    const reload = async () => {
      await waitFor(guest, 'modprobe -r smc_diag smc');
      await guest.run('modprobe smc_diag', { check: true });
    };

    await t.test('more at once than the kernel keeps', async (t) => {
      const run = await guest.start('exec smcss -jE 0.5');
      await begins(run);
      const { directory, pid } = await traceOf();
      await guest.run(`echo 4 >${directory}/buffer_size_kb`, { check: true });
      run.kill('SIGSTOP');
      await waitFor(guest, `cat /proc/${pid}/stat`, { shows: '\\) T ' });
      const times = 600;
      const { stdout } = await guest.run(fallBack(times), { check: true });
      run.kill('SIGCONT');
      await records(run, 'the loss', 1, ({ event }) => event === 'lost');
      const { status, all } = await ended(run);
      t.equal(status, 0);
      const losses = lossesIn(all);
      t.match(losses, [{ cause: 'overflow', source: 'trace' }]);
      const told = by(Number(stdout), all).length;
      t.ok(told > 0, `${told} are told`);
      // a mark of our own can be among those that are lost
      const missing = times - told;
      t.ok([missing, missing + 1].includes(losses[0]?.count ?? 0), `${losses[0]?.count} of ${missing}`);
    });

    await t.test('smc is removed and loaded again', async (t) => {
      // no list meanwhile: the kernel tells that the module was loaded
      const run = await guest.start('exec smcss -jE 3600');
      await begins(run);
      await reload();
      await waitFor(guest, (await traceOf()).isOn);
      const { stdout: first } = await guest.run(fallBack(1), { check: true });
      const { all, status, stdout, stderr } = await ended(run);
      t.strictSame([status, stderr.split('\n').length], [0, 2], stderr);
      t.strictSame(validate('smcss -jE', stdout), []);
      t.match(lossesIn(all), [{ cause: 'reload', count: null }]);
      t.equal(by(Number(first), all).length, 1);
    });

    await t.test('and nobody has heard of it', async (t) => {
      const run = await guest.start('exec smcss -jE 0.5');
      await begins(run);
      const { directory, pid, isOn } = await traceOf();
      run.kill('SIGSTOP');
      await waitFor(guest, `cat /proc/${pid}/stat`, { shows: '\\) T ' });
      await reload();
      await guest.run(`echo >${directory}/trace; ! ${isOn}`, { check: true });
      run.kill('SIGCONT');
      await waitFor(guest, isOn);
      const { stdout } = await guest.run(fallBack(1), { check: true });
      await records(run, 'a fallback', 1, ({ event }) => event === 'fallback');
      const { all, status } = await ended(run);
      t.equal(status, 0);
      t.match(lossesIn(all), [{ cause: 'reload', count: null }]);
      t.equal(by(Number(stdout), all).length, 1);
      t.equal(await instances(), '');
    });
  });
