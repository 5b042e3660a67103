// SPDX-License-Identifier: MIT
// smc_pnet and the empty smcss on real kernels, old and new, as root and as an ordinary user.
import t from 'tap';
import { validate } from '../helpers/schemas.ts';
import { setUpSmcR } from './guest.ts';
import { batch, bootWithSuite, fallBack, kernelsOf } from './suite.ts';

const HEADER = 'State          UID   Inode   Local Address           Peer Address            Intf Mode \n';

for (const kernel of kernelsOf('6.12', '6.1'))
  t.test(`kernel ${kernel}`, async (t) => {
    const guest = await bootWithSuite({ kernel, modules: 'available' });
    t.teardown(() => guest.close());
    const run = (command: string, options = {}) => guest.run(command, options);
    /** One command of ours, in the process that runs them all; words with a space in them take a list. */
    const ours = async (command: string | readonly string[], user = 'root') =>
      (await batch(guest, [command], { user }))[0]!;
    const table = async () => (await ours('smc_pnet')).stdout;

    await t.test('a module that may not be loaded is named', async (t) => {
      await run('mkdir -p /etc/modprobe.d && echo "install smc /bin/false" >/etc/modprobe.d/no-smc.conf', {
        check: true,
      });
      for (const command of ['smcss', 'smc_pnet'])
        t.strictSame(await run(command), {
          status: 1,
          stdout: '',
          stderr: `${command}: the kernel module smc is not loaded; load it: modprobe smc\n`,
        });
      await run('rm /etc/modprobe.d/no-smc.conf', { check: true });
    });

    await t.test('the modules are loaded on demand', async (t) => {
      t.notOk((await run('ls /sys/module')).stdout.includes('smc\n'), 'not loaded at first');
      t.strictSame(await run('smcss'), { status: 0, stdout: HEADER, stderr: '' });
      t.match((await run('ls /sys/module')).stdout, /^smc_diag$/m);
    });

    await t.test('pnet table as root', async (t) => {
      await run('modprobe rdma_rxe; ip link add d0 type dummy; ip link add d1 type dummy', { check: true });
      await setUpSmcR(guest);
      t.strictSame(await ours('smc_pnet'), { status: 0, stdout: '', stderr: '' }, 'empty');
      t.strictSame(
        await ours('smc_pnet -f'),
        { status: 0, stdout: '', stderr: '' },
        'flush of an empty table',
      );
      t.strictSame(await ours('smc_pnet -a NET1 -I lo -D rxelo'), { status: 0, stdout: '', stderr: '' });
      t.equal(await table(), 'NET1 lo n/a 255\nNET1 n/a rxelo 1\n');
      t.strictSame(JSON.parse((await ours('smc_pnet -sj NET1')).stdout), {
        pnet_table: [
          { pnet_id: 'NET1', kind: 'ethernet', interface: 'lo', ib_device: null, ib_port: null },
          { pnet_id: 'NET1', kind: 'device', interface: null, ib_device: 'rxelo', ib_port: 1 },
        ],
      });
      t.strictSame(await ours('smc_pnet net2 --add --inter=d0'), {
        status: 0,
        stdout: '',
        stderr: 'smc_pnet: the PNET ID is stored as NET2\n',
      });
      t.strictSame(await ours('smc_pnet -s net2'), { status: 0, stdout: 'NET2 d0 n/a 255\n', stderr: '' });
      t.strictSame(await ours('smc_pnet -s NET9'), { status: 0, stdout: '', stderr: '' }, 'unknown ID');
    });

    await t.test('what is in the way is named, and nothing is done', async (t) => {
      const before = await table();
      const fails = async (command: string | readonly string[], stderr: string) => {
        const [outcome, after] = await batch(guest, [command, 'smc_pnet']);
        t.strictSame(outcome, { status: 1, stdout: '', stderr: `smc_pnet: ${stderr}\n` }, String(command));
        t.equal(after!.stdout, before, 'table unchanged');
      };
      const all = (id: string) => `delete that entry first (smc_pnet -d ${id} deletes all entries of ${id})`;
      await fails(
        'smc_pnet -a NET1 -I d0',
        `interface d0 is already in the table, with PNET ID NET2; ${all('NET2')}`,
      );
      await fails(
        'smc_pnet -a NET2 -I d0',
        `interface d0 is already in the table, with PNET ID NET2; ${all('NET2')}`,
      );
      await fails(
        'smc_pnet -a NET3 -I d1 -D rxelo',
        `device rxelo port 1 is already in the table, with PNET ID NET1; ${all('NET1')}`,
      );
      await fails(
        'smc_pnet -a A-B -I d1',
        'PNET ID "A-B" must not contain the character "-"; a PNET ID has 1 to 16 letters and digits',
      );
      await fails(
        'smc_pnet -a ABCDEFGHIJKLMNOPQ -I d1',
        'PNET ID "ABCDEFGHIJKLMNOPQ" is too long; a PNET ID has 1 to 16 letters and digits',
      );
      await fails(
        ['smc_pnet', '-a', '', '-I', 'd1'],
        'the PNET ID is empty; a PNET ID has 1 to 16 letters and digits',
      );
      await fails(
        'smc_pnet -a NET3 -I abcdefghijklmnop',
        'interface name "abcdefghijklmnop" is too long; interface names have at most 15 bytes',
      );
      await fails(
        'smc_pnet -a NET3 -D rxelo -P 3',
        "--ibport '3': must be 1 or 2; smc_pnet --help shows the usage",
      );
      await fails('smc_pnet -d NET9', 'PNET ID "NET9" is not in the table');
      await fails(['smc_pnet', '-d', 'NET1 junk'], 'PNET ID "NET1 JUNK" is not in the table');
    });

    await t.test('names of what is not there yet are taken, with a word', async (t) => {
      const added = await ours('smc_pnet -a LATER -I eth7 -D mlx5_0 -P 2');
      t.equal(added.status, 0);
      t.match(
        added.stderr,
        /^smc_pnet: there is no interface eth7 yet; the entry takes effect when it appears; this host has d0, d1, lo\n/,
      );
      t.match(
        added.stderr,
        /^smc_pnet: there is no device mlx5_0 yet; the entry takes effect when it appears; this host has rxelo\n/m,
      );
      t.match(await table(), /^LATER eth7 n\/a 255\nLATER n\/a mlx5_0 2\n/m);
    });

    await t.test('another network namespace', async (t) => {
      await run('ip netns add other', { check: true });
      const device = await run('ip netns exec other smc_pnet -a NET1 -I lo -D rxelo');
      t.strictSame(device, {
        status: 1,
        stdout: '',
        stderr:
          'smc_pnet: device rxelo cannot be added in this network namespace; ' +
          'RDMA and ISM devices belong in the table of the initial network namespace\n',
      });
      t.equal((await run('ip netns exec other smc_pnet')).stdout, '', 'nothing half done');
      t.equal((await run('ip netns exec other smc_pnet -a NET1 -D rxelo')).status, 1);
      t.equal((await run('ip netns exec other smc_pnet -a NET1 -I lo')).status, 0);
      t.equal((await run('ip netns exec other smc_pnet')).stdout, 'NET1 lo n/a 255\n');
    });

    await t.test('an ordinary user may look and not touch', async (t) => {
      const user = 'nobody';
      t.equal((await ours('smc_pnet', user)).stdout, await table());
      t.strictSame(await ours('smcss', user), { status: 0, stdout: HEADER, stderr: '' });
      for (const command of ['smc_pnet -a NET3 -I d1', 'smc_pnet -d NET1', 'smc_pnet -f'])
        t.strictSame(await ours(command, user), {
          status: 1,
          stdout: '',
          stderr:
            'smc_pnet: permission denied; CAP_NET_ADMIN is needed: run it as root, outside of containers\n',
        });
    });

    await t.test('delete and flush', async (t) => {
      t.strictSame(await ours('smc_pnet -d net1'), { status: 0, stdout: '', stderr: '' });
      t.notMatch(await table(), /NET1/);
      t.strictSame(await ours('smc_pnet -f'), { status: 0, stdout: '', stderr: '' });
      t.equal(await table(), '');
    });

    await t.test('big table', async (t) => {
      // more than one datagram, and more than the kernel's own buffer for a single request
      await guest.run(
        `ip -batch - <<E\n${Array.from({ length: 300 }, (_, i) => `link add many${i} type dummy`).join('\n')}\nE`,
        { check: true },
      );
      await run('node test/vm/programs/fill-pnet-table.mjs 300', { check: true });
      t.equal((await table()).split('\n').length - 1, 300);
      t.strictSame(
        await run('smc_pnet | head -1'),
        { status: 0, stdout: 'NET1 many0 n/a 255\n', stderr: '' },
        'no complaint about a closed pipe',
      );

      await run('smc_pnet -f', { check: true });
    });

    // of 6.12, smcss-events.test.ts and smcss-watch.test.ts show more
    if (kernel === '6.1')
      await t.test('events and lists', async (t) => {
        const { stdout } = await run(
          `smcss -jE 0.5 >/tmp/events & events=$!
smcss -j --watch 0.5 >/tmp/lists & lists=$!
wait_for 'cat /tmp/events' '"start"' && ${fallBack(1)} >/tmp/pid
wait_for 'cat /tmp/events' '"fallback"' && wait_for 'wc -l </tmp/lists' '^([2-9]|..)'
kill $events $lists; wait $events && wait $lists && cat /tmp/pid /tmp/events /tmp/lists`,
          { check: true },
        );
        const [pid, ...lines] = stdout.trimEnd().split('\n');
        const isEvent = (line: string): boolean => 'event' in JSON.parse(line);
        const events = lines.filter(isEvent);
        t.strictSame(validate('smcss -jE', events.join('\n')), []);
        t.match(
          events.map((line) => JSON.parse(line)),
          [
            { event: 'start', sources: ['list', 'trace'] },
            { event: 'fallback', source: 'trace', owners: [{ pid: Number(pid) }] },
            { event: 'stop' },
          ],
        );
        const lists = lines.filter((line) => !isEvent(line));
        t.ok(lists.length >= 2);
        for (const line of lists) t.strictSame(validate('smcss --watch', JSON.parse(line)), []);
      });
  });
