// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/**
 * An empty directory that only this user and root control; it is removed after the test. `t.testdir()` is in the checkout,
 * which may belong to another user, and root keeps no state in such a directory.
 */
export function ownDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'smc-tools-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
