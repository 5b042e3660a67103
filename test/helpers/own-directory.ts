// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/**
 * An empty directory, removed after the test, that only this user and root have a say in. `t.testdir()` lies in the
 * checkout, which may belong to somebody else: root does not keep state there.
 */
export function ownDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'smc-tools-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
