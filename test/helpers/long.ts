// SPDX-License-Identifier: MIT
/** Tests that take long, and that `npm test` leaves out: `npm run test:long` runs them, and all the others as well. */
import type { Test } from 'tap';

/** Whether this is the long run. */
export const isLong = process.env['SMC_TOOLS_LONG'] === '1';

/** A subtest of the long run. In other runs there is no such test; a comment beside the call says what tests the core. */
export async function long(t: Test, name: string, body: (t: Test) => Promise<void>): Promise<void> {
  if (isLong) await t.test(name, body);
}
