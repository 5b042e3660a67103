// SPDX-License-Identifier: MIT
/** Acts as a test: starts endless programs in every way in which tests start programs, and waits. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tied } from './tied.ts';

const bin = fileURLToPath(new URL('../../bin/smc_run.js', import.meta.url));
const program = ['sh', '-c', 'exec sleep infinity'];
for (const options of [[], ['--log', '/dev/null'], ['--via', 'seccomp'], ['--via', 'seccomp', '--report']])
  spawn(...tied(bin, [...options, ...program]), { stdio: 'ignore' });
spawnSync(...tied('sleep', ['infinity']));
