// SPDX-License-Identifier: MIT
// What `npm run demo` and its like do before their program, and how they end when something goes wrong.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { root, step } from '../../scripts/entry.mjs';
import { waitUntil } from '../helpers/wait.ts';
import { ending, lastLine, type Stage, stage } from './stage.ts';

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const run = (entry: string) => ['scripts/run.mjs', entry];

t.test('an unknown entry point', async (t) => {
  const ended = await stage(t).run(run('dmeo'));
  t.equal(ended.status, 2);
  t.match(lastLine(t, ended), /^run\.mjs: "dmeo" is none of demo, guest, /);
});

t.test('an old Node', async (t) => {
  const before = `Object.defineProperty(process, 'versions', { value: { node: '18.19.0' } });
Object.defineProperty(process, 'version', { value: 'v18.19.0' });`;
  const ended = await stage(t).run(run('demo'), { before });
  t.equal(ended.status, 1);
  t.equal(lastLine(t, ended), 'demo: Node 20 or newer is required, and this is v18.19.0');
});

t.test('npm ci', async (t) => {
  const without = stage(t, { npmPackages: false });
  const missing = await without.run(run('demo'));
  t.match(lastLine(t, missing), /^demo: npm ci \(.*\) failed: npm is not installed$/);
  t.match(missing.stderr, /^setup: first run, which fetches .* MB .*: as a rule \d+ minutes$/m);

  without.program(
    'npm',
    `cat >&2 <<'END'
npm warn old lockfile
npm error code EAI_AGAIN
npm error syscall getaddrinfo
npm error errno EAI_AGAIN
npm error request to http://registry.invalid/tap failed, reason: getaddrinfo EAI_AGAIN registry.invalid
npm error A complete log of this run can be found in: /root/.npm/_logs/x.log
END
exit 1`,
  );
  const offline = await without.run(run('demo'));
  t.equal(offline.status, 1);
  const line = lastLine(t, offline);
  t.match(
    line,
    /^demo: npm ci \(\d+ MB to fetch, as a rule under a minute\) failed: EAI_AGAIN: request to http:\/\/registry\.invalid\/tap failed, reason: getaddrinfo EAI_AGAIN registry\.invalid \(details: .*\)$/,
  );
  const [, file = ''] = /details: (.*)\)$/.exec(line) ?? [];
  t.match(readFileSync(file, 'utf8'), /^npm ci .*\nnpm warn old lockfile\n/);
});

/** A checkout whose entry point `deb` is this program, and whose build is counted. */
function stageWithProgram(t: Test, program: string): Stage {
  const checkout = stage(t);
  checkout.file('scripts/deb.mjs', program);
  const installed = ['gcc', 'libc6-dev', 'libc6-dev-i386', 'lib32gcc-14-dev', 'debhelper'];
  checkout.program(
    'dpkg-query',
    `case "$*" in *Depends*) echo gcc-14 ;; *) printf '%s  installed\\n' ${installed.join(' ')} ;; esac`,
  );
  checkout.file(
    'scripts/build.mjs',
    `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync(process.env.LOG, 'build\\n');
mkdirSync('dist/native', { recursive: true });
writeFileSync('dist/native/.built', process.version);`,
  );
  for (const name of [
    'src/x.ts',
    'scripts/page.mjs',
    'native/x.c',
    'scripts/completions/x.ts',
    'tsconfig.json',
    'tsconfig.types.json',
  ])
    checkout.file(name, '');
  return checkout;
}

t.test('the build runs when something has changed', async (t) => {
  const checkout = stageWithProgram(t, 'console.log(process.argv.slice(2).join())');
  const first = await checkout.run([...run('deb'), 'a', '--b']);
  t.equal(first.stdout, 'a,--b\n', first.stderr);
  t.match(first.stderr, /^setup: build …\nsetup: build: done in [\d.]+ s\n$/);
  const second = await checkout.run(run('deb'));
  t.equal(second.stderr, '', 'nothing to say');
  t.same(checkout.log(), ['build']);
  checkout.file('native/x.c', 'int x;');
  await checkout.run(run('deb'));
  t.same(checkout.log(), ['build', 'build']);
  checkout.file('dist/native/.built', 'v1.0.0');
  await checkout.run(run('deb'));
  t.equal(checkout.log().length, 3, 'the code caches are of one Node');
});

t.test('a build that fails, and what it says of missing parts', async (t) => {
  const checkout = stageWithProgram(t, '');
  checkout.file(
    'scripts/build.mjs',
    "console.error('native: x.so: not built, since …'); throw new Error('a reason')",
  );
  const ended = await checkout.run(run('deb'));
  t.equal(ended.status, 1);
  t.match(ended.stderr, /^setup: native: x\.so: not built, since …$/m);
  t.match(lastLine(t, ended), /^deb: build failed: .*\(details: .*\)$/);
});

t.test('an error that nobody expects is one line, and the rest is in a file', async (t) => {
  const checkout = stageWithProgram(t, "await 0; throw new Error('what went wrong:\\nline 1\\nline 2')");
  const ended = await checkout.run(run('deb'));
  t.equal(ended.status, 1);
  const line = lastLine(t, ended);
  t.match(line, /^deb: what went wrong: line 2 \(details: .*deb\.log\)$/);
  const [, file = ''] = /details: (.*)\)$/.exec(line) ?? [];
  t.match(readFileSync(file, 'utf8'), /line 1\nline 2\n {4}at /);

  const full = await checkout.run(run('deb'), { env: { SMC_TOOLS_CACHE: '/dev/null/cache' } });
  t.equal(lastLine(t, full), 'deb: what went wrong: line 2', 'nothing can be written');
});

/** Keeps a process there until it is told to end. */
const STAY = "(await import('node:net')).createServer().listen(0, '127.0.0.1')";

t.test('signals', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const checkout = stageWithProgram(t, `console.log('here'); ${STAY}`);
    const child = checkout.start(run('deb'));
    child.stdout?.once('data', () => child.kill(signal));
    const ended = await ending(child);
    t.equal(ended.signal, signal);
    t.equal(lastLine(t, ended), `deb: ended by ${signal}`);
  }
  const checkout = stageWithProgram(t, '');
  checkout.file(
    'scripts/build.mjs',
    `await import('node:fs').then((fs) => fs.writeFileSync('begun', String(process.pid))); ${STAY}`,
  );
  const child = checkout.start(run('deb'));
  const ended = ending(child);
  const build = await waitUntil('the build', () => Number(textOf(join(checkout.directory, 'begun'))));
  child.kill('SIGTERM');
  t.equal((await ended).signal, 'SIGTERM');
  await waitUntil('the end of what the set-up had started', () => !existsSync(`/proc/${build}`));
});

t.test('a long step tells how long it has run, and the innermost one speaks', async (t) => {
  const lines: string[] = [];
  const write = process.stderr.write;
  process.stderr.write = ((text: string) => lines.push(text.replace(/[\d.]+ s/, 'N s').trimEnd())) as never;
  try {
    const seen = (line: string) => async () => {
      await waitUntil(line, () => lines.includes(line), { seen: () => lines });
    };
    await step(
      'test',
      'outer',
      async (tell) => {
        await step('test', 'inner', seen('test: inner: N s so far'), 10);
        tell('half of it');
        await seen('test: outer: N s so far, half of it')();
      },
      10,
    );
  } finally {
    process.stderr.write = write;
  }
  const order = [...new Set(lines)].filter((line) => line !== 'test: outer: N s so far');
  t.same(order, [
    'test: outer …',
    'test: inner …',
    'test: inner: N s so far',
    'test: inner: done in N s',
    'test: outer: N s so far, half of it',
    'test: outer: done in N s',
  ]);
});

t.test('every entry point of package.json is one of run.mjs or says why not', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  // for developers, after the set-up: check, format; with a set-up of their own: tests
  for (const [name, command] of Object.entries(scripts))
    if (
      !['check', 'format', 'test', 'test:unit', 'test:fast', 'test:long', 'test:s390x', 'test:busy'].includes(
        name,
      )
    )
      t.equal(command, `node scripts/run.mjs ${name}`);
});
