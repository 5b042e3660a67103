// SPDX-License-Identifier: MIT
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readInterfaces } from '../../src/host/network-interfaces.ts';
import { readPciFunctions } from '../../src/host/pci-devices.ts';
import { readRdmaDevices } from '../../src/host/rdma-devices.ts';
import { copyHostFiles } from '../../src/recording/recorded-files.ts';
import { mainframe, plant, server } from '../helpers/host-trees.ts';
import { ownDirectory } from '../helpers/own-directory.ts';

t.test('readers see the same in a copy', async (t) => {
  for (const [name, tree] of Object.entries({ server, mainframe }))
    await t.test(name, async (t) => {
      const from = plant(t, tree);
      const to = ownDirectory(t);
      t.strictSame(copyHostFiles(from, to, { release: '6.12' }), []);
      t.ok(readInterfaces(to).length > 1);
      t.strictSame(readInterfaces(to), readInterfaces(from));
      t.ok(readRdmaDevices(to).length > 0);
      t.strictSame(readRdmaDevices(to), readRdmaDevices(from));
      t.strictSame(readPciFunctions(to), readPciFunctions(from));
    });
});

t.test(
  'of long files only some lines, of links nothing outside, of directories none that is not asked for',
  async (t) => {
    const from = plant(t, {
      'lib/modules/6.12/modules.dep': 'kernel/a.ko:\nkernel/net/smc/smc.ko: b\n',
      'lib/modules/6.11/modules.dep': 'kernel/net/smc/smc.ko:\n',
      'proc/self': { link: '77' },
      'proc/77/status': 'Name: x\n',
      'proc/77/smaps': 'Size: 4 kB\nKernelPageSize: 4 kB\n/home/user/secret\n',
      'proc/77/ns/net': { link: 'net:[4026531840]' },
      'proc/77/environ': 'PASSWORD=x',
      'sys/class/net/eth0': { link: '/etc' },
      'sys/class/net/eth1': { link: '../../../../../../../../etc' },
      'sys/class/net/eth2': { link: 'eth2' },
      'etc/shadow': 'root:x',
      'sys/class/infiniband/rxe0/ports/1/gids/0': 'fe80:0000:0000:0000:0000:0000:0000:0001\n',
      'sys/class/infiniband/rxe0/ports/1/gids/1': '0000:0000:0000:0000:0000:0000:0000:0000\n',
    });
    const to = ownDirectory(t);
    t.strictSame(copyHostFiles(from, to, { release: '6.12' }), []);
    const read = (path: string): string => readFileSync(join(to, path), 'utf8');
    t.equal(read('lib/modules/6.12/modules.dep'), 'kernel/net/smc/smc.ko: b\n');
    t.equal(read('proc/self/smaps'), 'KernelPageSize: 4 kB\n');
    t.equal(read('proc/self/status'), 'Name: x\n');
    t.equal(readlinkSync(join(to, 'proc/self/ns/net')), 'net:[4026531840]');
    t.match(read('sys/class/infiniband/rxe0/ports/1/gids/0'), 'fe80:');
    t.notOk(existsSync(join(to, 'sys/class/infiniband/rxe0/ports/1/gids/1')), 'an empty slot');
    for (const path of ['lib/modules/6.11', 'proc/77/environ', 'etc', 'sys/class/net/eth0'])
      t.notOk(existsSync(join(to, path)), path);
  },
);
