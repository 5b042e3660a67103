#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm test [-- [--fast] [file…]]: sets everything up, then runs the checks, the fast tests and the guest tests.
// --fast leaves the guest out. The last line is `N passed, N failed`, counted from the results themselves.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, say as sayFor, tellFailure } from './entry.mjs';
import { setUp } from './setup.mjs';

const words = process.argv.slice(2);
const fast = words.includes('--fast');
const chosen = words.filter((word) => !word.startsWith('--'));

/** Counts assertions. A subtest is closed by an assertion of its own, which repeats what was counted inside. */
class Count {
  passed = 0;
  failed = 0;
  failures = [];

  follow(parser, path = []) {
    let child;
    parser.on('child', (inner) => {
      const name = inner.name || '';
      child = { before: this.failed };
      this.follow(inner, [...path, name]);
    });
    parser.on('assert', (result) => {
      const closes = child;
      child = undefined;
      // a test that died has no failed assertion inside, so its closing one counts
      if (closes && (result.ok || this.failed > closes.before)) return;
      if (result.ok && !result.skip && !result.todo) this.passed++;
      else this.fail([...path, result.name].join(' > '), result.diag);
    });
  }

  fail(name, diag) {
    this.failed++;
    this.failures.push(name);
    process.stdout.write(`not ok: ${name}\n`);
    if (diag) process.stdout.write(`${JSON.stringify(diag, undefined, 2)}\n`);
  }
}

const count = new Count();
const say = (text) => sayFor('test', text);

function check(what, command, args) {
  say(`${what} …`);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) count.passed++;
  else count.fail(what, `${stdout}${stderr}`.slice(0, 20_000));
}

/** Runs test files under tap; one line a file, all output of failing assertions. */
async function runTap(files, jobs) {
  if (files.length === 0) return;
  const { Parser } = await import('tap-parser');
  const parser = new Parser();
  const before = count.failed;
  parser.on('child', (file) => {
    const begin = { passed: count.passed, failed: count.failed };
    file.on('complete', () => {
      const passed = count.passed - begin.passed;
      const failed = count.failed - begin.failed;
      process.stdout.write(
        `${failed ? 'FAILED' : 'ok    '} ${file.name}: ${passed} passed, ${failed} failed\n`,
      );
    });
  });
  count.follow(parser);
  const tap = spawn(
    process.execPath,
    ['node_modules/tap/dist/esm/run.mjs', '--reporter=tap', `--jobs=${jobs}`, ...files],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  tap.stdout.pipe(parser);
  const status = await new Promise((resolve) => tap.on('close', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  if (status !== 0 && count.failed === before) count.fail('tap', `ended with status ${status}`);
}

function testFiles(directory = 'test') {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'fixtures' ? [] : testFiles(path);
      return entry.name.endsWith('.test.ts') ? [path] : [];
    })
    .sort();
}

/** Debian packages for the tests that are to run, see test/vm/packages.ts. */
function uses() {
  const isInGuest = (file) => file.startsWith('test/vm/');
  const inGuest = chosen.length > 0 ? chosen.some(isInGuest) : !fast;
  const outside = chosen.length > 0 ? !chosen.every(isInGuest) : true;
  return [
    ...['build', 'build-32'],
    ...(outside ? ['fast-tests'] : []),
    ...(inGuest ? ['guest', 'transfer', 'smcd-kernel', 'guest-tests'] : []),
  ];
}

const FIRST = fast
  ? 'first run, which fetches what is missing of 150 MB of npm packages and 290 MB of Debian packages: as a rule 4 minutes before the first test'
  : 'first run, which fetches what is missing of 150 MB of npm packages, 440 MB of Debian packages and 350 MB for kernels: as a rule 8 minutes beside the tests';

try {
  await setUp({ uses: uses(), tap: true, build: 'always', first: FIRST });
  if (chosen.length > 0) await runTap(chosen, 1);
  else {
    check('formatter and linter (biome)', 'node_modules/.bin/biome', ['check', '.']);
    check('types (tsc)', 'node_modules/.bin/tsc', ['-p', '.']);
    const files = testFiles();
    const inGuest = files.filter((file) => file.startsWith('test/vm/'));
    say(`${files.length - inGuest.length} fast test files …`);
    await runTap(
      files.filter((file) => !inGuest.includes(file)),
      2,
    );
    if (!fast) {
      say(`${inGuest.length} guest test files, on real SMC kernels; the first run fetches kernels …`);
      await runTap(inGuest, 2);
    }
  }
} catch (error) {
  count.fail('set-up');
  tellFailure('test', error);
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
