#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run demo: sets everything up, then shows the main job of the suite on a real SMC kernel in a guest.
import { spawnSync } from 'node:child_process';
import { root, setUp } from './setup.mjs';

try {
  setUp();
  const { status } = spawnSync(process.execPath, ['--import=tsx', 'test/vm/demo.ts'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status ?? 1;
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
