// SPDX-License-Identifier: MIT
/** Addresses of SMC listeners if the kernel cannot list TCP sockets by netlink. */
import t from 'tap';
import { bootWithSuite, OVER_SMC, waitForListener } from './suite.ts';

t.test('without tcp_diag addresses come from /proc/net/tcp, and from a bundle as well', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12', modules: 'available' });
  t.teardown(() => guest.close());
  // as on a hardened host
  await guest.run(
    'mount -t tmpfs none /etc/modprobe.d; echo "install tcp_diag /bin/false" > /etc/modprobe.d/block.conf; modprobe smc_diag',
    { check: true },
  );
  for (const [port, address] of [
    [7301, '::'],
    [7302, '0.0.0.0'],
    [7303, '127.0.0.1'],
  ])
    await guest.start(`exec ${OVER_SMC} python3 -m http.server -b ${address} ${port}`);
  for (const port of [7301, 7302, 7303]) await waitForListener(guest, port);
  const { stdout: loaded } = await guest.run('ls -d /sys/module/tcp_diag', { check: false });
  t.equal(loaded, '', 'the kernel has no tcp_diag');
  const addresses = async (options: string): Promise<string[]> => {
    const { stdout } = await guest.run(`smcss -l -H ${options}`, { check: true });
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ +/)[3] ?? '')
      .sort();
  };
  const expected = ['0.0.0.0:7302', '127.0.0.1:7303', ':::7301'];
  t.strictSame(await addresses(''), expected);
  await guest.run('smc_dbg -o /tmp/bundle.tgz', { check: true });
  t.strictSame(await addresses('--from /tmp/bundle.tgz'), expected, 'from a bundle');
});
