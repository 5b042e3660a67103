// SPDX-License-Identifier: MIT
// smcss --rates beside iperf3, which sends at a known speed.
import t from 'tap';
import { addUeid, bootWithSuite, iperf, on } from './suite.ts';

/** Bytes per second: iperf3 of suite.ts is throttled to 5 Mbit/s. It sends blocks of 128 KiB, 2% of what it sends in 10 seconds. */
const SPEED = 5e6 / 8;

t.test('SMC-D over loopback-ism, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  await addUeid(guest);
  const { stop } = await iperf(guest, 7111);
  const { stdout } = await guest.run('smcss -j -i 10', { check: true });
  const found = on(7111, JSON.parse(stdout).sockets) as unknown as { rates: Record<string, number> }[];
  t.comment(JSON.stringify(found.map(({ rates }) => rates)));
  const fastest = (key: string): number => Math.max(...found.map(({ rates }) => rates[key] ?? 0));
  for (const key of ['rx_bytes_per_second', 'tx_bytes_per_second'])
    t.ok(Math.abs(fastest(key) / SPEED - 1) < 0.1, `${key}: ${fastest(key)}, iperf3 ${SPEED}`);
  await stop();
});
