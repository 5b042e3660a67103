// SPDX-License-Identifier: MIT
// What `npm install smc-tools` gives: commands that run, man pages, and a library with types.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { targets } from '../../native/build.mjs';
import { nodeFor } from '../nodes/nodes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { bin, man, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  man: string[];
  version: string;
};

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-package-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

// tap's own settings for child processes are not for npm, tsc and what they start
const { NODE_OPTIONS: _, ...env } = process.env;

function npm(...words: string[]): string {
  return execFileSync('npm', words, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Native files that every machine has; those for programs of 32 bits are extras. */
const outputs = (targets as { output: string; narrow?: boolean }[])
  .filter(({ narrow }) => !narrow)
  .map(({ output }) => output);

/** Runs a program with these variables only. */
function run(file: string, argv: readonly string[], variables: Record<string, string>) {
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return spawnSync('env', ['-i', ...words, file, ...argv], { encoding: 'utf8' });
}

execFileSync(process.execPath, ['scripts/prebuild.mjs'], { cwd: root, env, stdio: 'ignore' });

// --ignore-scripts: dist/ is built already, and a build now would disturb tests that run beside this one
const [{ filename, files }] = JSON.parse(
  npm('pack', '--ignore-scripts', '--json', '--pack-destination', scratch),
) as [{ filename: string; files: { path: string }[] }];
const tarball = join(scratch, filename);

t.test('what is packed', async (t) => {
  const paths = files.map(({ path }) => path);
  for (const path of [...Object.values(bin), ...man, 'LICENSE', 'README.md', 'dist/THIRD-PARTY-NOTICES'])
    t.ok(paths.includes(path), path);
  for (const name of Object.keys(bin))
    for (const file of [`bash/${name}`, `zsh/_${name}`, `fish/${name}.fish`])
      t.ok(paths.includes(`dist/completions/${file}`), `completion ${file}`);
  for (const directory of ['schemas', 'systemd'])
    for (const file of readdirSync(join(root, directory))) t.ok(paths.includes(`${directory}/${file}`), file);
  for (const arch of ['x64', 'arm64', 's390x']) {
    for (const output of outputs)
      t.ok(paths.includes(`prebuilds/linux-${arch}/${output}`), `${arch}: ${output}`);
    t.ok(paths.includes(`prebuilds/linux-${arch}/netlink.node`), `${arch}: netlink`);
  }
  t.strictSame(
    paths.filter((path) =>
      /^(src|node_modules|dist\/native|docs\/images)\/|^test\/.*\.ts$|\.cache$|\.stamps\.json$/.test(path),
    ),
    [],
    'no sources, tests, pictures, other packages, or things made for one machine',
  );
  for (const page of paths.filter((path) => path.endsWith('.md'))) {
    // pictures are left out for their size; what they show is in their alternative text
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/!\[[^\]]+\]\(docs\/images\/[^)]*\)/g, '');
    for (const [, link] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      t.ok(paths.includes(join(dirname(page), link!)), `${page} links to ${link}`);
  }
});

/** Newest version of a library that a file asks for: the number behind the prefix. */
function newest(file: string, prefix: string): number {
  const { stdout } = spawnSync('readelf', ['--wide', '--version-info', file], { encoding: 'utf8' });
  const versions = stdout.split(/\s+/).filter((word) => word.startsWith(prefix));
  return Math.max(...versions.map((word) => Number.parseInt(word.slice(prefix.length), 10)));
}

/** What Node 20 itself needs. */
const GLIBC_MINOR = 28;
const GLIBCXX_PATCH = 21;

t.test('what is prebuilt', async (t) => {
  const machines = {
    x64: [/X86-64/, 'x86_64-linux-gnu', []],
    arm64: [/AArch64/, 'aarch64-linux-gnu', ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']],
    s390x: [/S\/390/, 's390x-linux-gnu', ['qemu-s390x', '-L', '/usr/s390x-linux-gnu']],
  } as const;
  for (const [arch, [machine, compiler, emulator]] of Object.entries(machines)) {
    const directory = join(root, 'prebuilds', `linux-${arch}`);
    for (const output of outputs) {
      const file = join(directory, output);
      t.match(spawnSync('readelf', ['-h', file], { encoding: 'utf8' }).stdout, machine, `${arch}: ${output}`);
      t.ok(newest(file, 'GLIBC_2.') <= GLIBC_MINOR, `${arch}: ${output} is content with an old glibc`);
    }
    const netlink = join(directory, 'netlink.node');
    t.match(spawnSync('readelf', ['-h', netlink], { encoding: 'utf8' }).stdout, machine, `${arch}: netlink`);
    t.ok(newest(netlink, 'GLIBC_2.') <= GLIBC_MINOR, `${arch}: netlink is content with an old glibc`);
    t.ok(newest(netlink, 'GLIBCXX_3.4.') <= GLIBCXX_PATCH, `${arch}: and with an old C++ library`);

    const cc = (name: string, source: string, ...flags: string[]): string => {
      const file = join(scratch, `${name}-${arch}`);
      execFileSync(`${compiler}-gcc`, ['-x', 'c', '-', '-o', file, ...flags], { input: source, env });
      return file;
    };
    const emulate = (program: string, ...argv: string[]): { stdout: string; stderr: string } =>
      spawnSync('env', [...emulator, program, ...argv], { encoding: 'utf8', env });

    // the preload library: a socket goes through it, and stays TCP, as there is no AF_SMC in the emulator or in this kernel
    const opener = cc(
      'opener',
      '#include <stdio.h>\n#include <sys/socket.h>\nint main(void) { printf("%d\\n", socket(AF_INET, SOCK_STREAM, 0) > 2); return 0; }\n',
    );
    const setting = `LD_PRELOAD=${join(directory, 'libsmc-preload.so')}`;
    const through = emulator.length
      ? spawnSync(emulator[0]!, [...emulator.slice(1), '-E', setting, '-E', 'SMC_DEBUG=1', opener], {
          encoding: 'utf8',
          env,
        })
      : spawnSync('env', [setting, 'SMC_DEBUG=1', opener], { encoding: 'utf8', env });
    t.match(
      through,
      { status: 0, stdout: '1\n', stderr: /IPv4 socket \d+/ },
      `${arch}: the preload library works`,
    );

    // the launcher is run by smc_run only, and says so
    t.match(emulate(join(directory, 'smc-launch'), '--help').stderr, /run by smc_run/, `${arch}: smc-launch`);

    // the program that starts commands: here it starts what says with which options it was started
    const fake = join(scratch, `node-${arch}`);
    mkdirSync(fake);
    writeFileSync(join(fake, 'node'), '#!/bin/sh\necho "$*" "$(echo "$SMC_RUN_STATE" | cut -d, -f1)"\n', {
      mode: 0o755,
    });
    const PATH = `${fake}:${env['PATH']}`;
    t.match(
      spawnSync('env', [`PATH=${PATH}`, ...emulator, join(directory, 'smc-start'), '/x/smc_run.js', 'word'], {
        encoding: 'utf8',
        env,
      }),
      { status: 0, stdout: '--v8-pool-size=1 /x/smc_run.js word closed=\n', stderr: '' },
      `${arch}: smc-start`,
    );

    // the addons: all they need is there when a program has the functions of Node
    for (const addon of [join(directory, 'smc-native.node'), netlink]) {
      const { stdout } = spawnSync('readelf', ['--wide', '--dyn-syms', addon], { encoding: 'utf8' });
      const functions = [...stdout.matchAll(/ UND ((?:napi|node|uv)_\w+)/g)].map(([, name]) => name);
      t.ok(functions.length > 5, `${functions.length} functions of Node`);
      const host = cc(
        'host',
        `#include <dlfcn.h>\n#include <stdio.h>\n${functions.map((name) => `void ${name}(void) {}`).join('\n')}\nint main(int c, char **v) { void *h = dlopen(v[c - 1], RTLD_NOW); puts(h ? "loaded" : dlerror()); return 0; }\n`,
        '-rdynamic',
        '-ldl',
      );
      t.equal(emulate(host, addon).stdout, 'loaded\n', `${arch}: ${addon}`);
    }
  }
});

/** A PATH with node, the shell and its tools, and nothing that compiles. */
function withoutCompiler(): string {
  const directory = join(scratch, 'no-compiler');
  mkdirSync(directory);
  for (const program of ['node', 'sh', 'od', 'env', 'true', 'uname', 'cat', 'readlink']) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), join(directory, program));
  }
  return directory;
}

const PREFIX = join(scratch, 'prefix');
const INSTALLED = join(PREFIX, 'lib/node_modules/smc-tools');
const LIBRARY = join(INSTALLED, 'prebuilds', `linux-${process.arch}`, 'libsmc-preload.so');

/** Every command answers, finds what is native, and has its addon ask this kernel, which may have no SMC. */
function allWork(t: Test, PATH: string, as: readonly string[] = []): void {
  for (const command of Object.keys(bin)) {
    const [program = '', ...argv] = [...as, join(PREFIX, 'bin', command), '-v'];
    t.match(run(program, argv, { PATH }), {
      status: 0,
      stdout: `${command} utility, smc-tools-${version}\n`,
      stderr: /^$/,
    });
  }
  const [program = '', ...argv] = [...as, join(PREFIX, 'bin/smc_run'), 'sh', '-c', 'echo $LD_PRELOAD'];
  t.equal(run(program, argv, { PATH }).stdout, `${LIBRARY}\n`);
  const [shell = '', ...line] = [...as, 'sh', '-c', 'exec "$0" -v >&-', join(PREFIX, 'bin/smcss')];
  t.equal(run(shell, line, { PATH }).status, 1, 'smc-start is in front of Node');
  const [lister = '', ...more] = [...as, join(PREFIX, 'bin/smcss')];
  t.notMatch(run(lister, more, { PATH }).stderr, /addon|internal error/);
}

/** What is left of an installation. */
const traces = (): string[] =>
  ['bin', 'share/man/man8', 'lib/node_modules'].flatMap((directory) =>
    existsSync(join(PREFIX, directory))
      ? readdirSync(join(PREFIX, directory)).filter((name) => !name.startsWith('.'))
      : [],
  );

t.test('installed for all users, where there is no compiler', async (t) => {
  const tools = withoutCompiler();
  const HOME = join(scratch, 'home');
  const npms = join(scratch, 'npms');
  const versions = ['9', '10', '11', '12'];
  npm(
    ...['install', '--prefix', npms, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error'],
    ...versions.map((version) => `npm${version}@npm:npm@${version}`),
  );
  const { bin: newer } = await nodeFor('24');
  for (const [version, ...options] of [
    ['9'],
    ['10', '--ignore-scripts'],
    ['11', '--ignore-scripts'],
    ['12'],
  ] as const) {
    const what = ['npm', version, ...options].join(' ');
    // npm 12 needs a newer Node than the oldest on which this runs
    const PATH = version === '12' ? `${newer}:${tools}` : tools;
    const client = (words: string[]) =>
      run('node', [join(npms, `node_modules/npm${version}/bin/npm-cli.js`), ...words], { PATH, HOME });
    // all it needs is in the package, so no registry is asked
    const { status, stdout, stderr } = client([
      ...['install', '--global', '--prefix', PREFIX, '--offline', '--foreground-scripts'],
      ...[...options, tarball],
    ]);
    t.equal(status, 0, `${what}: ${stderr}`);
    t.notMatch(stdout + stderr, /smc-tools: |script/, `${what}: there is no script to run`);
    t.notOk(existsSync(join(INSTALLED, 'node_modules')), `${what}: no other packages`);
    allWork(t, PATH);
    if (version === '9') {
      for (const command of Object.keys(bin))
        t.match(run(join(PREFIX, 'bin', command), ['--help'], { PATH }), {
          status: 0,
          stdout: `Usage: ${command} `,
        });
      for (const page of man)
        t.ok(existsSync(join(PREFIX, 'share', `man/man${page.at(-1)}`, page.slice(4))), page);
      for (const file of readdirSync(join(root, 'schemas')))
        t.ok(existsSync(join(INSTALLED, 'schemas', file)), file);
    }
    const removed = client(['uninstall', '--global', '--prefix', PREFIX, 'smc-tools']);
    t.equal(removed.status, 0, removed.stderr);
    t.strictSame(traces(), [], `${what}: and goes without a trace`);
  }
});

t.test('installed where the user can write nothing', async (t) => {
  const PATH = join(scratch, 'no-compiler');
  npm('install', '--global', '--prefix', PREFIX, '--offline', tarball);
  // root can write everywhere
  const as = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const HOME = join(scratch, 'user');
  mkdirSync(HOME, { mode: 0o700 });
  if (as.length > 0) execFileSync('chown', ['65534:65534', HOME]);
  execFileSync('chmod', ['a+rx', scratch]);
  execFileSync('chmod', ['-R', 'a-w,a+rX', PREFIX]);
  t.teardown(() => execFileSync('chmod', ['-R', 'u+w', PREFIX]));
  const programs = `${PATH}:${process.env['PATH']}`;
  allWork(t, programs, as);
  const [program = '', ...argv] = [...as, join(PREFIX, 'bin/smcss')];
  const caches = join(HOME, '.cache/smc-tools');
  const inodes = () => execFileSync('ls', ['-i', caches], { encoding: 'utf8' });
  run(program, argv, { PATH: programs, HOME });
  const first = inodes();
  t.match(first, /^\d+ smcss-v.*\.cache\n$/, 'the code cache is left at home');
  run(program, argv, { PATH: programs, HOME });
  t.equal(inodes(), first, 'and taken by the next run');
});

/** A copy of the package as npm unpacks it. */
function unpacked(name: string): string {
  const copy = join(scratch, name);
  mkdirSync(copy);
  execFileSync('tar', ['-xzf', tarball, '-C', copy, '--strip-components=1']);
  return copy;
}

t.test('where nothing prebuilt works', async (t) => {
  const copy = unpacked('foreign');
  const builder = join(copy, 'native/build.mjs');
  const PATH = process.env['PATH'] ?? '';
  const directory = join(copy, 'prebuilds', `linux-${process.arch}`);
  rmSync(directory, { recursive: true });
  const nowhere = `${copy}/dist/native`;
  const none = `and none is prebuilt for linux-${process.arch}`;
  t.match(run(join(copy, 'bin/smc_run'), ['true'], { PATH }), {
    status: 1,
    stderr: `smc_run: the preload library is missing (${nowhere}/libsmc-preload.so, ${none}); install a C compiler, then: node ${builder}\n`,
  });
  t.match(run(join(copy, 'bin/smcss'), [], { PATH }), {
    status: 1,
    stderr: `smcss: the netlink addon cannot be loaded (${nowhere}/netlink.node, ${none}); install a C and a C++ compiler, then: node ${builder}\n`,
  });
  const without = run('node', [builder], { PATH: join(scratch, 'no-compiler') });
  t.equal(without.status, 1);
  t.match(without.stdout + without.stderr, /^no C compiler \(cc\): .* not built$/m);
  t.equal(run('node', [builder], { PATH }).status, 0, 'the command that it names');
  for (const output of [...outputs, 'netlink.node'])
    t.ok(existsSync(join(nowhere, output)), `${output} is compiled`);
  t.match(run(join(copy, 'bin/smc_run'), ['sh', '-c', 'echo $LD_PRELOAD'], { PATH }).stdout, nowhere);
  t.notMatch(run(join(copy, 'bin/smcss'), [], { PATH }).stderr, /addon/);
});

t.test('another C library is named', async (t) => {
  const copy = unpacked('musl');
  // Node knows the C library that it runs with, and there is none with musl here
  const preload = join(scratch, 'musl.cjs');
  writeFileSync(preload, 'process.report.getReport = () => ({ header: {} });');
  const addon = join(copy, 'prebuilds', `linux-${process.arch}`, 'netlink.node');
  writeFileSync(addon, 'not for here');
  const env = { PATH: process.env['PATH'] ?? '', NODE_OPTIONS: `--require=${preload}` };
  t.match(run(join(copy, 'bin/smcss'), [], env), {
    status: 1,
    stderr: `smcss: the netlink addon cannot be loaded (${addon} is for glibc, and this Node uses another C library, as musl); install a C and a C++ compiler, then: node ${copy}/native/build.mjs\n`,
  });
});

t.test('as other package managers start the commands', async (t) => {
  const copy = unpacked('by-others');
  const PATH = process.env['PATH'] ?? '';
  for (const [name, path] of Object.entries(bin)) {
    const file = join(copy, path);
    const link = join(scratch, `link-${name}`);
    symlinkSync(file, link);
    // themselves, by a link, and by scripts that call the interpreter that they found in the file, or Node
    for (const [program, ...argv] of [[file], [link], ['sh', file], ['node', file], ['node', link]] as const)
      t.equal(
        run(program, [...argv, '-v'], { PATH }).stdout,
        `${name} utility, smc-tools-${version}\n`,
        `${program} ${argv}`,
      );
  }
});

t.test('the library and its types', async (t) => {
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
  npm('install', '--prefix', scratch, '--no-audit', '--no-fund', '--offline', tarball);
  const program = `
import { SmcClient, SmcError, connectionMode, type SmcSocket, type SocketsDocument } from 'smc-tools';
const first = ({ sockets }: SocketsDocument): string | null | undefined => sockets[0]?.local.address;
const client: SmcClient = new SmcClient({ hostRoot: '/nowhere' });
const mode = (socket: SmcSocket): string | undefined => connectionMode(socket);
console.log(typeof mode, typeof first, typeof SmcError, typeof client.pnet.list);
// the kernel is asked, which takes the addon; it may have no SMC
const answer: unknown = await client.pnet.list().catch(({ code }) => code);
console.log(answer === 'ERR_NO_ADDON');
client.close();
`;
  writeFileSync(join(scratch, 'program.ts'), program);
  const tsc = spawnSync(
    'env', // a fresh environment: tap enters the Nodes that it sees started, and tsc does not survive that
    [
      '-i',
      `PATH=${process.env['PATH']}`,
      join(root, 'node_modules/.bin/tsc'),
      ...'--noEmit --strict --module nodenext --target es2022 --types node'.split(' '),
      ...['--typeRoots', join(root, 'node_modules/@types'), 'program.ts'],
    ],
    { cwd: scratch, encoding: 'utf8' },
  );
  t.equal(tsc.stdout + tsc.stderr, '');
  t.equal(tsc.status, 0);
  const plain = program
    .replace(/, type \w+/g, '')
    .replace(/: (SmcClient|unknown|SmcSocket|SocketsDocument|string \| (null \| )?undefined)/g, '');
  writeFileSync(join(scratch, 'program.js'), plain);
  const { stdout, stderr } = spawnSync(process.execPath, ['program.js'], { cwd: scratch, encoding: 'utf8' });
  t.equal(stdout, 'function function function function\nfalse\n', stderr);
});
