// SPDX-License-Identifier: MIT
// Differences between two texts; test/with-packages/diff.test.ts has patch(1) apply them.
import t from 'tap';
import { unifiedDiff } from '../../src/output/diff.ts';

t.test('new, removed and equal files', async (t) => {
  t.strictSame(unifiedDiff('/f', null, 'a\nb\n'), ['--- /dev/null', '+++ /f', '@@ -0,0 +1,2 @@', '+a', '+b']);
  t.strictSame(unifiedDiff('/f', 'a\n', null), ['--- /f', '+++ /dev/null', '@@ -1,1 +0,0 @@', '-a']);
  t.strictSame(unifiedDiff('/f', 'a', 'a'), []);
});
