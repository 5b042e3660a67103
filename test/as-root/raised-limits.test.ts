// SPDX-License-Identifier: MIT
// Limits of the kernel that smc_run raises, and that it cannot raise as another user.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { type Outcome, runCommand } from '../helpers/run-command.ts';
import { NOWHERE, notFound, smcRunOn } from '../helpers/smc-run.ts';

if (process.geteuid?.() !== 0) {
  t.fail('these tests need root, to raise limits and to act as another user');
  process.exit();
}

const limitOf = (t: Test, name: string): string =>
  readFileSync(join(t.testdirName, 'proc/sys/net/core', name), 'utf8');

t.test('limits are raised by root, and that is said', async (t) => {
  const { status, stderr } = await smcRunOn(t, `-r 1m -t 212993 ${NOWHERE}`);
  t.equal(status, 127);
  t.equal(
    stderr,
    'smc_run: net.core.rmem_max raised from 212992 to 1048576 bytes, for the whole host until it reboots\n' +
      'smc_run: net.core.wmem_max raised from 212992 to 212993 bytes, for the whole host until it reboots\n' +
      notFound(NOWHERE).stderr,
  );
  t.strictSame([limitOf(t, 'rmem_max'), limitOf(t, 'wmem_max')], ['1048576\n', '212993\n']);
  const only = await smcRunOn(t, `-t 1m ${NOWHERE}`);
  t.notMatch(only.stderr, 'rmem_max');
  t.equal(limitOf(t, 'rmem_max'), '212992\n');
});

t.test('limits that cannot be raised are told', async (t) => {
  const NOBODY = 65534;
  // the checkout may be closed to others
  const hostRoot = mkdtempSync(join(tmpdir(), 'smc-run-limits-'));
  t.teardown(() => rmSync(hostRoot, { recursive: true, force: true }));
  const asNobody = async (argv: string): Promise<Outcome> => {
    // the program's own files must stay readable, so only this test's tree is looked at as someone else
    process.seteuid?.(NOBODY);
    try {
      return await runCommand(smcRun, argv, { hostRoot });
    } finally {
      process.seteuid?.(0);
    }
  };
  const file = join(hostRoot, 'proc/sys/net/core/rmem_max');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '212992\n');
  chmodSync(hostRoot, 0o755);
  const { stderr } = await asNobody(`-r 1m ${NOWHERE}`);
  if (/cannot be loaded|is missing/.test(stderr)) t.comment('the checkout is closed to others');
  else
    t.equal(
      stderr,
      `smc_run: buffers are capped at net.core.rmem_max = 212992 bytes; as root: sysctl -w net.core.rmem_max=1048576\n${notFound(NOWHERE).stderr}`,
    );
  t.equal(readFileSync(file, 'utf8'), '212992\n');
});
