// SPDX-License-Identifier: MIT
// Runs after `npm install`: builds the C part, where there is a compiler, and the code caches for this Node. Neither
// stops an installation: without them smc_run does not work, and commands start a few milliseconds later.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildNative } from '../native/build.mjs';

try {
  const { missingCompiler } = await buildNative();
  if (missingCompiler)
    console.error('smc-tools: no C compiler, so smc_run will not work; all other commands do');
  const loader = fileURLToPath(new URL('../dist/commands/load.cjs', import.meta.url));
  if (existsSync(loader)) await createRequire(import.meta.url)(loader).writeCaches();
} catch (error) {
  console.error(`smc-tools: ${error instanceof Error ? error.message : error}`);
}
