// SPDX-License-Identifier: MIT
// The runner of the tests counts what has happened, whatever a test file does. On a made-up checkout.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { root } from '../../scripts/entry.mjs';
import { kindOf, processesFor, testFiles } from '../../scripts/tests.mjs';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tied } from '../helpers/tied.ts';

/** Runs `npm run test:unit` in a checkout that has these test files; their text follows the import of tap. */
function unitTests(t: Test, files: Record<string, string>, ...words: string[]) {
  const directory = ownDirectory(t);
  for (const name of [
    'package.json',
    'package-lock.json',
    'scripts',
    'test/helpers/long.ts',
    'test/helpers/several-files.mjs',
  ])
    cpSync(join(root, name), join(directory, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  // the C part counts as built
  mkdirSync(join(directory, 'dist/native'), { recursive: true });
  writeFileSync(join(directory, 'dist/native/smc-native.node'), '');
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, 'test', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `import t from 'tap';\n${text}\n`);
  }
  const { status, stdout, stderr } = spawnSync(
    ...tied(process.execPath, [join(directory, 'scripts/test.mjs'), '--unit', ...words]),
    { cwd: directory, encoding: 'utf8' },
  );
  const lines = stdout.trimEnd().split('\n');
  return { status, stdout, stderr, last: lines.at(-1) };
}

/** The line of a file, which ends with what it has taken. */
const line = (text: string): RegExp =>
  new RegExp(`^${text.replaceAll('.', '\\.')}, \\d+\\.\\d s, processor \\d+\\.\\d s$`, 'm');

t.test('files that share a process', async (t) => {
  const ended = unitTests(t, {
    'a.test.ts': "t.test('sub', async (t) => { t.pass(); t.equal(1, 1); });",
    'b.test.ts': "t.pass('at the top'); t.teardown(() => {});",
    'c.test.ts':
      "// Runs alone: it changes Error.stackTraceLimit.\nError.stackTraceLimit = 3; t.pass('alone');",
    'bin/d.test.ts': "t.fail('not a unit test');",
  });
  t.match(ended.stdout, line('ok     test/a.test.ts: 2 passed, 0 failed'));
  t.match(ended.stdout, line('ok     test/b.test.ts: 1 passed, 0 failed'));
  t.match(ended.stdout, line('ok     test/c.test.ts: 1 passed, 0 failed'));
  t.same([ended.status, ended.last], [0, '4 passed, 0 failed'], ended.stderr);
});

t.test('the processor time of a file has that of the programs it runs', async (t) => {
  const burn = 'while (process.cpuUsage().user < 2e6);';
  const spent = (name: string, stdout: string) =>
    Number(new RegExp(`/${name}\\.test.* processor ([\\d.]+) s$`, 'm').exec(stdout)?.[1]);
  const shared = unitTests(t, {
    'a.test.ts': `import { spawnSync } from 'node:child_process';
      t.equal(spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]).status, 0);`,
    'b.test.ts': 't.pass();',
  });
  t.ok(spent('a', shared.stdout) >= 2, shared.stdout);
  t.ok(spent('b', shared.stdout) < 2, shared.stdout);
  t.match(shared.stdout, /^# all of it: \d+\.\d s, processor \d+\.\d s\n2 passed, 0 failed\n$/m);
  // not beside the others: of two that end at the same moment, one gets the time of both
  const alone = unitTests(t, { 'c.test.ts': `// Runs alone: for this test.\n${burn} t.pass();` });
  t.ok(spent('c', alone.stdout) >= 2, alone.stdout);
});

t.test('what fails, and where', async (t) => {
  const ended = unitTests(t, {
    'a.test.ts': "t.test('sub', async (t) => { t.pass(); t.equal(1, 2, 'one is two'); });",
    'b.test.ts': "t.test('left out', { skip: true }, async () => {}); t.test('to do', { todo: true });",
    'c.test.ts': "throw new Error('the reason');",
    'd.test.ts': "t.pass('runs all the same');",
  });
  t.match(ended.stdout, /^not ok: test\/a\.test\.ts > sub > one is two$[\s\S]*"lineNumber": 2/m);
  t.match(ended.stdout, line('FAILED test/a.test.ts: 1 passed, 1 failed'));
  t.match(ended.stdout, line('FAILED test/b.test.ts: 0 passed, 2 failed'));
  t.match(ended.stdout, /^not ok: test\/c\.test\.ts > the reason$/m);
  t.match(ended.stdout, line('ok     test/d.test.ts: 1 passed, 0 failed'));
  t.same([ended.status, ended.last], [1, '2 passed, 4 failed'], ended.stdout);
});

t.test('a process that ends early', async (t) => {
  const ended = unitTests(t, {
    'a.test.ts': "t.pass('before');",
    'b.test.ts': "t.test('the last one', async () => process.kill(process.pid, 'SIGKILL'));",
    'c.test.ts': "t.pass('never reached');",
    'd.test.ts': '// Runs alone: for this test.\nprocess.exit(0);',
  });
  t.match(ended.stdout, line('ok     test/a.test.ts: 1 passed, 0 failed'));
  t.match(ended.stdout, /^FAILED test\/b\.test\.ts: /m);
  t.match(
    ended.stdout,
    /^not ok: test\/c\.test\.ts\n"its process ended with SIGKILL in test\/b\.test\.ts"$/m,
  );
  t.match(ended.stdout, line('FAILED test/d.test.ts: 0 passed, 1 failed'));
  t.equal(ended.status, 1);
});

t.test('a file that changes what the others see', async (t) => {
  const ended = unitTests(t, {
    'a.test.ts': "process.env['LEFT'] = '1'; t.pass();",
    'b.test.ts': 't.pass();',
  });
  t.match(ended.stdout, /^not ok: test\/a\.test\.ts leaves its process with another environment: /m);
  t.match(ended.stdout, line('ok     test/b.test.ts: 1 passed, 0 failed'));
  t.same([ended.status, ended.last], [1, '2 passed, 1 failed'], ended.stdout);
});

t.test('tests of the long run', async (t) => {
  const files = {
    'a.test.ts':
      "import { long } from './helpers/long.ts'; t.pass(); long(t, 'more', async (t) => t.pass());",
  };
  t.equal(unitTests(t, files).last, '1 passed, 0 failed');
  t.equal(unitTests(t, files, '--long').last, '2 passed, 0 failed');
});

t.test('chosen files', async (t) => {
  const files = { 'a.test.ts': 't.pass();', 'bin/b.test.ts': 't.pass();' };
  t.equal(unitTests(t, files, 'test/a.test.ts').last, '1 passed, 0 failed');
  const other = unitTests(t, files, 'test/bin/b.test.ts');
  t.match(other.stdout, 'not a unit test, so it takes a set-up: npm test -- test/bin/b.test.ts');
  t.equal(other.last, '0 passed, 1 failed');
  t.match(
    unitTests(t, files, 'test/c.test.ts').stdout,
    /^not ok: test\/c\.test\.ts\n"there is no such file"$/m,
  );
});

t.test('the files of this checkout', async (t) => {
  const files = testFiles();
  const all = processesFor(files).flat();
  t.same([...all].sort(), files, 'each runs once');
  const unit = files.filter((file) => kindOf(file) === 'unit');
  const kinds = files.map(kindOf);
  t.ok(kinds.includes('guest') && kinds.includes('long'), 'some of the guest tests take long');
  t.ok(unit.length > 50 && processesFor(unit).length < 20, 'few processes for many files');
});
