// SPDX-License-Identifier: MIT
// The commands as they are installed, as far as that needs no SMC in the kernel. Needs `npm run build`.
import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { NODE } from '../helpers/node.ts';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';
import { compile, here, scratchDir } from '../native/helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { bin, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  version: string;
};
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

/** Runs a program with PATH and the given variables only; the test runner would add NODE_OPTIONS. */
function start(
  file: string,
  argv: readonly string[],
  { env, ...options }: SpawnSyncOptions = {},
): SpawnSyncReturns<string> {
  const variables = Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`);
  return spawnSync(...tied('env', ['-i', ...variables, file, ...argv]), {
    timeout: PATIENCE_S * 1000,
    ...options,
    encoding: 'utf8',
  });
}

/** The end of a pipe that can be written to, and nobody will ever read it. */
function pipeWithoutReader(t: Test): number {
  const fifo = join(scratchDir(t), 'fifo');
  spawnSync('mkfifo', [fifo]);
  const readEnd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(fifo, constants.O_WRONLY);
  closeSync(readEnd);
  return writeEnd;
}

/** Runs a shell script in which "$0" is the command. */
const script = (text: string, file: string, options?: SpawnSyncOptions): SpawnSyncReturns<string> =>
  start('sh', ['-c', text, file], options);

for (const [name, path] of Object.entries(bin)) {
  /** What packages of distributions have; the script, which npm links to, is tried below. */
  const file = join(root, 'dist/native/bin', name);
  const launcher = join(root, path);

  t.test(`${name}: answers`, async (t) => {
    t.equal(statSync(join(root, path)).mode & 0o111, 0o111, `${path} is executable`);
    for (const option of ['--version', '-v'])
      t.match(start(file, [option]), {
        status: 0,
        stdout: `${name} utility, smc-tools-${version}\n`,
        stderr: /^$/,
      });
    for (const option of ['--help', '-h']) {
      const help = start(file, [option]);
      t.strictSame([help.status, help.stderr], [0, '']);
      t.ok(help.stdout.startsWith(`Usage: ${name} `));
      t.ok(help.stdout.endsWith(`${name}(8) has the details.\n`));
      t.notMatch(help.stdout, '\x1b');
    }
  });

  t.test(`${name}: mistakes are one line on standard error`, async (t) => {
    for (const option of ['--no-such-option', '-Z', `--${'x'.repeat(100_000)}`]) {
      const { status, stdout, stderr } = start(file, [option]);
      t.equal(stdout, '');
      t.not(status, 0);
      t.ok(stderr.startsWith(`${name}: unknown option '${option}'; ${name} --help`), stderr.slice(0, 100));
      t.equal(stderr.split('\n').length, 2);
    }
    const debug = start(file, ['-Z'], { env: { SMC_TOOLS_DEBUG: '1' } });
    t.match(debug.stderr, /^.*: unknown option '-Z'; .*\n/);
  });

  t.test(`${name}: standard output`, async (t) => {
    const silent = { status: 0, stdout: '', stderr: '' };
    t.match(script('"$0" --help >/dev/null', file), silent);
    const full = script('"$0" --help >/dev/full', file);
    t.equal(full.stderr, `${name}: standard output: no space left on device\n`);
    t.not(full.status, 0);
    const { status } = full;
    for (const lost of ['>&-', '<&- >&-'])
      for (const one of [file, launcher])
        t.match(
          script(`"$0" --help ${lost}`, one),
          { status, stderr: `${name}: standard output: bad file descriptor\n` },
          `${one} ${lost}`,
        );
    t.equal(script('"$0" --help >&- 2>&-', file).status, status, 'nobody can be told');
    const writeEnd = pipeWithoutReader(t);
    const gone = start(file, ['--help'], { stdio: ['ignore', writeEnd, 'pipe'] });
    t.match(gone, { status: 0, stderr: '' }, 'no reader: no message either');
    closeSync(writeEnd);
    t.match(script('"$0" --help | head -n 1', file), { status: 0, stdout: /^Usage: .*\n$/, stderr: '' });
    t.match(script('"$0" --version <&-', file), {
      status: 0,
      stdout: `${name} utility, smc-tools-${version}\n`,
    });
    t.equal(script('"$0" -Z 2>&-', file).status, start(file, ['-Z']).status);
    t.equal(script('"$0" -Z 2>/dev/full', file).status, start(file, ['-Z']).status);
  });

  t.test(`${name}: started by a link, from elsewhere`, async (t) => {
    const directory = scratchDir(t);
    symlinkSync(file, join(directory, name));
    const expected = `${name} utility, smc-tools-${version}\n`;
    t.equal(start(name, ['-v'], { env: { PATH: `${directory}:${PATH}` }, cwd: '/' }).stdout, expected);
    t.equal(start(`./${name}`, ['-v'], { cwd: directory }).stdout, expected);
  });

  t.test(`${name}: the script`, async (t) => {
    for (const file of [launcher, `${launcher}.js`]) {
      const { mode, size } = statSync(file);
      t.equal(mode & 0o111, 0o111, 'executable');
      t.ok(size < 3000, `${size} bytes`);
      const text = readFileSync(file, 'utf8');
      t.equal(text.split('*/').length, 2, 'to JavaScript, all that is for the shell is one comment');
      t.ok(text.startsWith('#!/bin/sh\n":" /*\n'));
      t.notMatch(text, '\r');
    }
    const expected = `${name} utility, smc-tools-${version}\n`;
    const directory = scratchDir(t);
    symlinkSync(launcher, join(directory, name));
    t.equal(start(join(directory, name), ['-v']).stdout, expected, 'by a link');
    t.equal(start(launcher, ['-v']).stdout, expected);
    t.equal(start('sh', [`${name}.js`, '-v'], { cwd: join(root, 'bin') }).stdout, expected);
    t.equal(start(NODE, [launcher, '-v']).stdout, expected);
    t.equal(start(NODE, [`${launcher}.js`, '-v']).stdout, expected);
  });
}

t.test('results that nobody gets are a failure', async (t) => {
  const fixture = join(root, 'test/fixtures/6.12-smcr');
  // without the C part as well, by the shell
  const copy = scratchDir(t);
  cpSync(join(root, 'bin'), join(copy, 'bin'), { recursive: true });
  mkdirSync(join(copy, 'dist'));
  symlinkSync(join(root, 'dist/commands'), join(copy, 'dist/commands'));
  for (const [name, words] of [
    ['smcss', ''],
    ['smcss', '-j'],
    ['smc_exporter', '--once'],
    ['smc_exporter', '--page -'],
    ['smc_conf', 'export'],
  ] as const)
    for (const file of [join(root, 'dist/native/bin', name), join(copy, 'bin', name)]) {
      const text = `"$0" ${words} --from "$1"`;
      const run = (more: string) => start('sh', ['-c', text + more, file, fixture]);
      t.match(run(' >&-'), { status: 1, stderr: /^[a-z_]+: standard output: bad file descriptor\n$/ }, text);
      t.match(run(''), { status: 0, stderr: '', stdout: /\n$/ }, `${text}, and otherwise`);
    }
});

t.test('all scripts do the same', async (t) => {
  const start = readFileSync(join(root, 'bin/smcss.js'), 'utf8');
  const part = (text: string): string => text.slice(text.indexOf('try {'));
  for (const [name, path] of Object.entries(bin)) {
    const text = readFileSync(join(root, `${path}.js`), 'utf8').replaceAll(
      new RegExp(`\\b${name}\\b`, 'g'),
      'smcss',
    );
    t.equal(name === 'smc_run' ? part(text) : text, name === 'smc_run' ? part(start) : start, name);
    t.equal(readFileSync(join(root, path), 'utf8'), readFileSync(join(root, `${path}.js`), 'utf8'));
  }
});

t.test('nothing is loaded that takes long and is not needed', async (t) => {
  const listing = join(scratchDir(t), 'listing.cjs');
  writeFileSync(
    listing,
    "process.on('exit', () => require('fs').writeSync(2, process.moduleLoadList.join('\\n')));\n",
  );
  const empty = join(scratchDir(t), 'empty.cjs');
  writeFileSync(empty, '');
  const loadedBy = (...words: string[]): string[] =>
    start(NODE, ['--require', listing, ...words]).stderr.split('\n');
  // Node 18 itself loads stream
  const always = loadedBy(empty);
  for (const [name, file] of Object.entries(bin)) {
    const loaded = loadedBy(join(root, `${file}.js`), '--version');
    t.ok(loaded.includes('NativeModule fs'));
    const added = loaded.filter((line) => !always.includes(line));
    // each takes a few percent of the time in which Node starts
    for (const module of ['child_process', 'crypto', 'net', 'process', 'readline', 'stream'])
      t.notOk(added.includes(`NativeModule ${module}`), `${name}: ${module}`);
  }
});

t.test('a file that was copied alone', async (t) => {
  for (const [name, path] of Object.entries(bin)) {
    const copy = scratchDir(t);
    for (const file of [path, `${path}.js`, `dist/native/bin/${name}`]) {
      const target = join(copy, file.endsWith('.js') ? `${name}.js` : name);
      cpSync(join(root, file), target);
      const { status, stdout, stderr } = start(target, ['-v']);
      t.strictSame(
        [status, stdout, stderr],
        [
          1,
          '',
          `${name}: ${target} is part of the package smc-tools and does not work alone; install the package, or link to the file in it\n`,
        ],
        file,
      );
      rmSync(target);
    }
  }
});

t.test('a Node that is too old', async (t) => {
  const said = (version: string): string =>
    start(
      NODE,
      [
        '-e',
        `Object.defineProperty(process, 'versions', { value: { node: '${version}' } });
        require('./bin/start.js').start('smcss')`,
      ],
      { cwd: root },
    ).stderr;
  t.match(said('16.20.2'), /^smcss: Node\.js 18 or newer is needed, and \/.* is v.*\n$/);
  t.notMatch(said('18.0.0'), 'is needed');
});

/** Commands that end with what netlink tells: not smc_run, which opens no socket, and smc_dbg, which goes on. */
const speaking = Object.keys(bin).filter((name) => !['smc_run', 'smc_dbg'].includes(name));

/** What makes a command read and end. */
const reading = (name: string): string[] =>
  ({ smcd: ['info'], smcr: ['info'], smc_conf: ['export'], smc_exporter: ['--once'] })[name] ?? [];

t.test('a package without its bundles', async (t) => {
  const copy = scratchDir(t);
  cpSync(join(root, 'bin'), join(copy, 'bin'), { recursive: true });
  for (const [name, path] of Object.entries(bin))
    t.match(start(join(copy, path), ['--version']), {
      status: 1,
      stdout: '',
      stderr: `${name}: dist/commands is missing: install the whole package, or in a checkout run: npm run build\n`,
    });
});

t.test('the code caches can be made again, by another Node', async (t) => {
  const copy = join(scratchDir(t), 'copy');
  cpSync(join(root, 'dist/commands'), copy, { recursive: true });
  const caches = () => readdirSync(copy).filter((file) => file.endsWith('.cache'));
  const all = caches();
  for (const file of all) rmSync(join(copy, file));
  t.match(start(NODE, [join(copy, 'write-caches.cjs')]), { status: 0, stdout: '', stderr: '' });
  t.strictSame(caches(), all);
  const names = Object.keys(bin);
  const told = start(NODE, [
    '-e',
    `const load = require(${JSON.stringify(join(copy, 'load.cjs'))});
    for (const name of ${JSON.stringify(names)})
      console.log(load.bundleOf(name), load.compile(name, true).script.cachedDataRejected);`,
  ]);
  const lines = told.stdout.trimEnd().split('\n');
  t.equal(lines.length, names.length);
  for (const line of lines) {
    const [bundle = '', isRejected] = line.split(' ');
    t.ok(all.includes(`${bundle}.cache`), bundle);
    t.equal(isRejected, 'false', 'they are used');
  }
});

t.test('without the netlink addon', async (t) => {
  const copy = join(scratchDir(t), 'copy');
  mkdirSync(copy);
  for (const part of ['bin', 'dist/commands', 'package.json', 'native/build.mjs'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  for (const name of speaking) {
    const file = join(copy, bin[name]!);
    t.equal(start(file, ['--version']).status, 0);
    if (name === 'smc_rnics') {
      t.match(start(file, []), {
        status: 0,
        stderr: /^smc_rnics: the netlink addon cannot be loaded [^\n]+\n$/,
      });
      continue; // lists what sysfs tells
    }
    const argv = reading(name);
    t.match(
      start(file, argv),
      {
        status: 1,
        stdout: '',
        stderr: `${name}: the netlink addon cannot be loaded (${copy}/dist/native/netlink.node); install a C and a C++ compiler, then: node ${copy}/native/build.mjs\n`,
      },
      name,
    );
  }
  const json = start(join(copy, bin['smcss']!), ['-j']);
  t.match(JSON.parse(json.stdout), { sockets: [], complete: false });
});

t.test('a recording that cannot be written', async (t) => {
  for (const name of speaking) {
    const argv = reading(name);
    const env = { SMC_TOOLS_RECORD: '/no/such/directory/file' };
    const { status, stderr } = start(join(root, bin[name]!), argv, { env });
    t.equal(status, 1);
    const lines = stderr.trimEnd().split('\n');
    t.match(lines.at(-1), /: no such file or directory$/);
    t.ok(
      lines.every((line) => line.startsWith(`${name}: `)),
      stderr,
    );
  }
});

t.test('a slow reader gets every byte', async (t) => {
  const directory = scratchDir(t);
  const streams = new URL('../../src/cli/io.ts', import.meta.url).href;
  const writer = join(directory, 'writer.mjs');
  writeFileSync(
    writer,
    `import { processIo } from ${JSON.stringify(streams)};
    const io = processIo();
    for (let i = 0; i < 300000; i++) io.write(i + '\\n');
    io.flush();
    io.error('done');`,
  );
  const write = (before: string): SpawnSyncReturns<string> =>
    script(`{ ${before}node --import=tsx "$0"; } | { sleep 0.5; cat; } | cksum`, writer, { cwd: root });
  const expected = script('seq 0 299999 | cksum', '').stdout;
  const plain = write('');
  t.strictSame([plain.stdout, plain.stderr], [expected, 'done\n']);
  // makes its standard input non-blocking, which is the pipe here
  const probe = compile(join(directory, 'exec-probe'), [here('exec-probe.c')]);
  const nonblocking = write(
    `${probe} prepare true <&1; sed -n 's/^flags:[^0-9]*//p' /proc/self/fdinfo/9 9>&1 >&2; `,
  );
  const [flags = '', ...rest] = nonblocking.stderr.split('\n');
  const O_NONBLOCK = 0o4000;
  t.equal(Number.parseInt(flags, 8) & O_NONBLOCK, O_NONBLOCK, 'the pipe was non-blocking');
  t.strictSame([nonblocking.stdout, rest], [expected, ['done', '']]);
});
