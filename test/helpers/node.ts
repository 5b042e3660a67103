// SPDX-License-Identifier: MIT
/**
 * The Node that runs the programs under test: this one, or the one that `npm run test:nodes` tries, which is also the
 * first in PATH. The tests themselves run on this one.
 */
export const NODE = process.env['SMC_TOOLS_TEST_NODE'] || process.execPath;
