// SPDX-License-Identifier: MIT
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { buildNative, targets } from '../../native/build.mjs';
import { compile, NARROW, nativeSource, run, runsNarrow, scratchDir } from './helpers.ts';

const outputs = targets.map(({ output }) => output);

t.test('builds, then skips, then builds what is missing', async (t) => {
  const outDir = join(scratchDir(t), 'not', 'there', 'yet');
  const paths = outputs.map((output) => join(outDir, output));
  const lines: string[] = [];
  t.strictSame(await buildNative({ outDir, log: (line) => lines.push(line) }), {
    built: paths,
    skipped: [],
    missingCompiler: false,
  });
  t.strictSame(
    lines,
    outputs.map((output) => `${output}: built`),
    'no warnings',
  );
  t.strictSame(
    readdirSync(outDir).sort(),
    ['.stamps.json', 'preload', ...outputs].sort(),
    'leaves nothing else',
  );
  t.strictSame(await buildNative({ outDir }), { built: [], skipped: paths, missingCompiler: false });
  rmSync(paths[0]!);
  t.strictSame(await buildNative({ outDir }), {
    built: [paths[0]],
    skipped: paths.slice(1),
    missingCompiler: false,
  });
  writeFileSync(join(outDir, '.stamps.json'), 'no JSON');
  t.strictSame((await buildNative({ outDir })).built, paths);
  t.strictSame((await buildNative({ outDir, extraFlags: ['-DUNUSED'] })).built, paths, 'other flags');
});

t.test('replaces a library that is in use', async (t) => {
  const outDir = scratchDir(t);
  await buildNative({ outDir });
  const library = join(outDir, outputs[0]!);
  const before = statSync(library).ino;
  await buildNative({ outDir, extraFlags: ['-DUNUSED'] });
  t.not(statSync(library).ino, before, 'a new file, the old one stays whole for those who mapped it');
});

t.test('same result wherever it is built', async (t) => {
  const [one, two] = [scratchDir(t), scratchDir(t)];
  await buildNative({ outDir: one });
  await buildNative({ outDir: two });
  for (const output of outputs) {
    t.ok(readFileSync(join(one, output)).equals(readFileSync(join(two, output))), output);
    t.notMatch(readFileSync(join(one, output), 'latin1'), one, 'names no path');
  }
});

t.test('without a compiler', async (t) => {
  const outDir = scratchDir(t);
  const result = await buildNative({ outDir, cc: 'no-such-compiler' });
  t.strictSame(result, { built: [], skipped: [], missingCompiler: true });

  const direct = run(process.execPath, [nativeSource('build.mjs'), outDir], { CC: 'no-such-compiler' });
  t.equal(direct.status, 1);
  t.match(direct.stdout, 'no C compiler (no-such-compiler): libsmc-preload.so not built\n');

  await buildNative({ outDir, cc: 'cc' });
  t.equal((await buildNative({ outDir, cc: 'cc' })).missingCompiler, false);
});

t.test('a compiler that fails', async (t) => {
  const outDir = scratchDir(t);
  await t.rejects(buildNative({ outDir, extraFlags: ['--no-such-flag'] }), {
    message: /failed on native\/smc-preload\.c \(status 1\)\n.*no-such-flag/s,
  });
  t.notOk(existsSync(join(outDir, outputs[0]!)));

  const compiler = join(outDir, 'compiler');
  writeFileSync(compiler, '#!/bin/sh\nkill -KILL $$\n');
  chmodSync(compiler, 0o755);
  await t.rejects(buildNative({ outDir, cc: compiler }), { message: /killed by SIGKILL/ });
});

t.test('a compiler command with arguments, run directly', async (t) => {
  const outDir = scratchDir(t);
  const { status, stdout, stderr } = run(process.execPath, [nativeSource('build.mjs'), outDir], {
    CC: 'gcc -g0',
  });
  // once the checkout was packed, as test/package/ does, the source of netlink's addon is there, as in a package
  const own = stdout.replace(/netlink\.node: built\n$/, '');
  t.strictSame(
    { status, own, stderr },
    { status: 0, own: outputs.map((output) => `${output}: built\n`).join(''), stderr: '' },
  );
});

t.test('hardening', async (t) => {
  const outDir = scratchDir(t);
  await buildNative({ outDir });
  for (const output of outputs) {
    const { stdout } = run('readelf', ['-W', '-l', '-d', join(outDir, output)]);
    t.match(stdout, 'GNU_RELRO');
    t.match(stdout, /FLAGS.*NOW/);
    t.match(stdout, /GNU_STACK.* RW /, 'no executable stack');
    t.notMatch(stdout, /RPATH|RUNPATH|TEXTREL/);
  }
});

t.test('cross compiler', async (t) => {
  const cc = 's390x-linux-gnu-gcc';
  const outDir = scratchDir(t);
  const { built } = await buildNative({ outDir, cc, extraFlags: ['-Werror'] });
  // there is no C library of 31 bits for it
  t.strictSame(
    built,
    outputs.filter((output) => !output.includes('-32')).map((output) => join(outDir, output)),
  );
  for (const file of built) t.match(run('readelf', ['-h', file]).stdout, /Machine: +IBM S\/390/);
  t.notOk(existsSync(join(outDir, 'preload')));
});

t.test('one LD_PRELOAD for programs of both classes', async (t) => {
  const outDir = scratchDir(t);
  await buildNative({ outDir });
  const source = join(outDir, 'opens.c');
  writeFileSync(
    source,
    '#include <sys/socket.h>\nint main(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0; }\n',
  );
  const narrow = compile(join(outDir, 'narrow'), [source], NARROW);
  const wide = compile(join(outDir, 'wide'), [source]);
  const env = { LD_PRELOAD: `${outDir}/preload/$LIB/libsmc-preload.so`, SMC_DEBUG: '1' };
  const line = /libsmc-preload: IPv4 socket 3 .*\n/.source;
  const alsoNarrow = runsNarrow(narrow);
  const tree = [wide, ...(alsoNarrow ? [narrow] : []), wide];
  t.match(
    run('sh', ['-c', tree.join(' && ')], env).stderr,
    new RegExp(`^(${line}){${tree.length}}$`),
    'in a tree of both',
  );
  for (const [program, library] of [
    [wide, 'libsmc-preload.so'],
    ...(alsoNarrow ? ([[narrow, 'libsmc-preload-32.so']] as const) : []),
  ] as const)
    t.match(
      run(program, [], { ...env, LD_PRELOAD: join(outDir, library) }).stderr,
      new RegExp(`^${line}$`),
      library,
    );
  for (const place of ['libsmc-preload-32.so', 'preload/lib32/libsmc-preload.so'])
    t.match(run('readelf', ['-h', join(outDir, place)]).stdout, /Class: +ELF32/, place);
});
