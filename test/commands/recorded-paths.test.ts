// SPDX-License-Identifier: MIT
// What a command says of a recorded system has the paths of that system, wherever its copy lies.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { smcChk } from '../../src/commands/smc_chk/command.ts';
import { smcDbg } from '../../src/commands/smc_dbg/command.ts';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { plant, server } from '../helpers/host-trees.ts';
import { inspectedKernel } from '../helpers/inspected-kernel.ts';
import { runCommand } from '../helpers/run-command.ts';

const SYSCTLS = { 'proc/sys/net/smc/wmem': '65536\n', 'proc/sys/net/smc/rmem': '65536\n' };

/** Files whose absence is worth a word, and others. */
const FILES = [
  ...[
    'meminfo',
    'buddyinfo',
    'self/limits',
    'self/ns/net',
    'net/protocols',
    'modules',
    'version',
    'cmdline',
  ].map((file) => `proc/${file}`),
  ...['smc/wmem', 'smc/rmem', 'smc/smcr_buf_type', 'core/wmem_max', 'core/rmem_max'].map(
    (file) => `proc/sys/net/${file}`,
  ),
  'proc/sys/kernel/random/boot_id',
  'dev/kmsg',
  'etc/modprobe.d/smc.conf',
  'sys/module/smc/parameters',
];

/** The trace of a root in front of a path. */
const DOUBLED = /(?<![a-z:])\/\/(proc|sys|etc)/;

/** smc_dbg runs the others. */
const LISTINGS = ['smc_chk', 'smc_rnics -a', 'smcd sysctl', 'smcr sysctl show wmem', 'smcd stats', 'smcss'];

for (const [name, tree] of Object.entries({
  'nothing is there': {},
  'files are missing': { ...server, ...SYSCTLS },
  'files cannot be read': server,
  'most files cannot be read': { ...server, ...SYSCTLS },
  'a module is blocked': { ...server, 'etc/modprobe.d/smc.conf': 'blacklist smc\n' },
}))
  t.test(name, async (t) => {
    const hostRoot = plant(t, tree);
    // reading a directory fails for root as well
    if (name.includes('cannot'))
      for (const file of FILES.filter((path) => !(path in tree)))
        mkdirSync(join(hostRoot, file), { recursive: true });
    const world = { hostRoot, isRecorded: true, transport: inspectedKernel() };
    let said = '';
    for (const line of LISTINGS)
      for (const terminal of [false, true]) {
        const [program = '', ...words] = line.split(' ');
        const { stdout, stderr } = await runCommand(await SUITE[program]!(), words, {
          ...world,
          terminal,
          env: { HOME: '/nonexistent' },
        });
        t.notMatch(`${stdout}${stderr}`, hostRoot, line);
        t.notMatch(`${stdout}${stderr}`, DOUBLED, line);
        said += stdout + stderr;
      }
    for (const words of ['', '-j']) {
      const { stdout, stderr } = await runCommand(smcDbg, words, world);
      t.notMatch(`${stdout}${stderr}`, hostRoot, `smc_dbg ${words}`);
      t.notMatch(`${stdout}${stderr}`, /smc-tools-\w{6}/, 'nor is its copy named');
      t.notMatch(`${stdout}${stderr}`, DOUBLED);
    }
    if (tree !== server && 'proc/sys/net/smc/wmem' in tree)
      t.match(said, / \/proc\/meminfo: /, 'a path is said at all');
  });

t.test('a table is as wide wherever the copy lies', async (t) => {
  const name = 'a-directory-with-a-name-that-would-be-seen';
  const tree = { ...server, ...SYSCTLS };
  const near = plant(t, tree);
  const far = plant(
    t,
    Object.fromEntries(Object.entries(tree).map(([path, content]) => [`${name}/${path}`, content])),
  );
  const outputs = [near, join(far, name)].map((hostRoot) =>
    runCommand(smcChk, '', { hostRoot, isRecorded: true, transport: inspectedKernel(), terminal: true }),
  );
  const [one, other] = await Promise.all(outputs);
  t.match(one!.stdout, '/proc/meminfo: ');
  t.strictSame(other, one);
});
