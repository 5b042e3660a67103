// SPDX-License-Identifier: MIT
import t from 'tap';
import { smcPnet } from '../../src/commands/smc_pnet.ts';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { runCommand } from '../helpers/run-command.ts';

t.test('shows the table as the C suite does', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, {
    GET: () => [
      { name: 'ABC', ethName: 'eth0', ibName: 'n/a', ibPort: 255 },
      { name: 'ABC', ethName: 'n/a', ibName: 'mlx5_0', ibPort: 1 },
    ],
  });
  t.strictSame(await runCommand(smcPnet, '', { transport: kernel }), {
    status: 0,
    stdout: 'ABC eth0 n/a 255\nABC n/a mlx5_0 1\n',
    stderr: '',
  });
});
