// SPDX-License-Identifier: MIT
// All kinds of programs over SMC-R and SMC-D by smc_run: the data comes back unchanged, the kernel reports what it used,
// and smc_run reports the same. How the launcher does it is in seccomp.test.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { isLong, long } from '../helpers/long.ts';
import { NARROW } from '../native/helpers.ts';
import { type Guest, projectDirectory } from './guest.ts';
import { addUeid, bootWithSuite, listener, setUpAllOfSmcR } from './suite.ts';

interface Report {
  way: string;
  all_smc: boolean;
  observed: boolean;
  sockets: { smc: number; tcp: number };
  totals: Record<'smcr' | 'smcd' | 'tcp' | 'unknown', number>;
  connections: { command: string; mode: string | null; reason: { name: string } | null; count: number }[];
}

const PROGRAMS = 'test/vm/programs';

function host(file: string, args: string[], env: Record<string, string> = {}): void {
  execFileSync(file, args, { cwd: projectDirectory, env: { ...process.env, ...env }, stdio: 'pipe' });
}

const hasRust = ((): boolean => {
  try {
    host('rustc', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

/** Builds into build/, which the guest sees. */
function compileAll(): void {
  mkdirSync(join(projectDirectory, 'build'), { recursive: true });
  const c = (name: string, compiler: string, ...flags: string[]) =>
    host(compiler, ['-O2', ...flags, '-o', `build/${name}`, `${PROGRAMS}/pair.c`]);
  c('pair', 'gcc');
  c('pair-static', 'gcc', '-static');
  c('pair-pie', 'gcc', '-static-pie');
  c('pair-musl', 'musl-gcc');
  c('pair-musl-static', 'musl-gcc', '-static');
  c('pair-32', 'gcc', ...NARROW);
  for (const cgo of ['0', '1'])
    host('go', ['build', '-o', `build/pair-go${cgo}`, `${PROGRAMS}/pair.go`], { CGO_ENABLED: cgo });
  if (hasRust) host('rustc', ['-o', 'build/pair-rust', `${PROGRAMS}/pair.rs`]);
  // the compiler is in the modules of Debian's JRE, but its command is in the JDK
  if (isLong)
    host('java', ['-m', 'jdk.compiler/com.sun.tools.javac.Main', '-d', 'build', `${PROGRAMS}/Pair.java`]);
}

const JAVA = 'java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp build';

/** Command, the way that --via auto chooses, and the line about it. */
const KINDS: readonly (readonly [
  name: string,
  command: string,
  way: 'preload' | 'seccomp',
  remark: RegExp | null,
])[] = [
  ['C, dynamic', 'build/pair', 'preload', null],
  ['C, static', 'build/pair-static', 'seccomp', /linked statically/],
  ['C, static and position independent', 'build/pair-pie', 'seccomp', /linked statically/],
  ['C with musl', 'build/pair-musl', 'preload', null],
  ['C with musl, static', 'build/pair-musl-static', 'seccomp', /linked statically/],
  ['C, 32-bit', 'build/pair-32', 'preload', null],
  ['Go', 'build/pair-go0', 'seccomp', /is a Go program/],
  ['Go with cgo', 'build/pair-go1', 'seccomp', /is a Go program/],
  ...(hasRust ? [['Rust', 'build/pair-rust', 'preload', null] as const] : []),
  ['Python', `python3 ${PROGRAMS}/pair.py`, 'preload', null],
  ['Node', `node ${PROGRAMS}/pair.mjs`, 'preload', null],
  // the kernel accepts IPv4-mapped addresses only for SMC-D, and Java uses them by default
  ['Java', `${JAVA} -Djava.net.preferIPv4Stack=true Pair`, 'preload', null],
  ['a shell script', '/tmp/script', 'preload', null],
  ['a script without a first line', '/tmp/bare', 'preload', null],
  ['a script of a static interpreter', '/tmp/by-static', 'seccomp', /pair-static is linked statically/],
  ['an emptied environment', 'env -i build/pair', 'seccomp', /'env -i' does not pass LD_PRELOAD on/],
  ['a setuid program', '/tmp/setuid', 'seccomp', /is setuid user 65534/],
];

/** The kinds of every run; the others differ from one of them by what the host does, and not the kernel. */
const CORE: Record<'smcr' | 'smcd', readonly string[]> = {
  smcr: [
    ...['C, dynamic', 'C, static', 'C with musl, static', 'C, 32-bit', 'Go', 'Python', 'Node'],
    ...['a shell script', 'an emptied environment', 'a setuid program'],
  ],
  smcd: ['C, dynamic', 'C, static', 'Go', 'Node'],
};

async function prepare(guest: Guest): Promise<void> {
  await guest.run(
    `pwd=$(pwd)
printf '#!/bin/sh\\nexec %s/build/pair "$@"\\n' "$pwd" >/tmp/script
printf '%s/build/pair\\n' "$pwd" >/tmp/bare
printf '#!%s/build/pair-static\\n' "$pwd" >/tmp/by-static
cp build/pair build/pair-static /tmp; cp build/pair /tmp/setuid; cp build/pair /tmp/setuid-root
chmod 755 /tmp/script /tmp/bare /tmp/by-static
chown 65534:65534 /tmp/setuid; chmod 4755 /tmp/setuid /tmp/setuid-root`,
    { check: true },
  );
}

/** The report at the end of stderr, and the lines before it. */
function reportOf(stderr: string): { report: Report; before: string } {
  const lines = stderr.trimEnd().split('\n');
  const last = lines.pop() ?? '';
  return { report: JSON.parse(last) as Report, before: lines.join('\n') };
}

async function everyKind(t: Test, guest: Guest, mode: 'smcr' | 'smcd'): Promise<void> {
  for (const [name, command, way, remark] of isLong
    ? KINDS
    : KINDS.filter(([name]) => CORE[mode].includes(name)))
    await t.test(name, async (t) => {
      const { status, stdout, stderr } = await guest.run(`smc_run -j --require-smc ${command}`);
      t.equal(stdout, 'same\n', 'data came back unchanged');
      const { report, before } = reportOf(stderr);
      t.equal(status, 0, stderr);
      if (remark) t.match(before, remark);
      else t.equal(before, '', 'nothing to say');
      t.match(report, {
        way,
        all_smc: true,
        observed: true,
        sockets: { tcp: 0 },
        totals: { smcr: 0, smcd: 0, [mode]: 2, tcp: 0, unknown: 0 },
      });
      // Java opens some to find out what the system supports
      if (name === 'Java') t.ok(report.sockets.smc >= 2);
      else t.equal(report.sockets.smc, 2, 'listener and client');
    });
}

async function bothWays(t: Test, guest: Guest, mode: 'smcr' | 'smcd'): Promise<void> {
  for (const way of ['preload', 'seccomp'])
    for (const socket of ['af_smc', 'inet', 'auto']) {
      const { status, stdout, stderr } = await guest.run(
        `smc_run -j --require-smc --strict --via ${way} --socket ${socket} build/pair`,
      );
      t.equal(stdout, 'same\n', `${way} ${socket}`);
      t.equal(status, 0, stderr);
      t.match(reportOf(stderr).report, { way, totals: { [mode]: 2 } });
    }
  for (const way of ['preload', 'seccomp']) {
    const { status, stdout } = await guest.run(`smc_run --via ${way} build/pair flags`);
    t.strictSame([status, stdout], [0, 'kept\n'], `flags and limits, ${way}`);
  }
}

t.test('SMC-R over soft-RoCE, kernel 6.12', async (t) => {
  compileAll();
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  const run = (command: string, options = {}) => guest.run(command, options);
  await prepare(guest);

  await t.test('where SMC does not come about, the report says why', async (t) => {
    const { status, stdout, stderr } = await run('smc_run -j --require-smc build/pair');
    t.strictSame([status, stdout], [123, 'same\n']);
    const lines = stderr.trimEnd().split('\n');
    t.equal(lines.pop(), 'smc_run: --require-smc: 2 connections ran over TCP');
    const { report } = reportOf(lines.join('\n'));
    t.match(report, { all_smc: false, totals: { smcr: 0, tcp: 2 } });
    t.ok(
      report.connections.every(({ reason }) => /^(PEERDECL|NOSMCDEV|NOSMCRDEV)$/.test(reason?.name ?? '')),
    );
    const words = await run('smc_run --report build/pair-static');
    t.match(words.stderr, /^smc_run: 2 sockets opened as SMC\nsmc_run: 2 connections: 2 TCP\n/m);
    t.match(words.stderr, /^smc_run: {3}\d of pair-static over TCP, .*0x0303000\d NOSMC\w*DEV: /m);
  });

  await setUpAllOfSmcR(guest);

  await everyKind(t, guest, 'smcr');
  await t.test('ways and flavors', async (t) => bothWays(t, guest, 'smcr'));

  await t.test('programs of both classes in one tree', async (t) => {
    for (const way of ['preload', 'seccomp']) {
      const { status, stdout, stderr } = await run(
        `smc_run -j --require-smc --via ${way} sh -c 'build/pair-32 && build/pair && exec build/pair-32'`,
      );
      t.equal(stdout, 'same\nsame\nsame\n', way);
      t.equal(status, 0, stderr);
      t.match(reportOf(stderr), { before: '', report: { totals: { smcr: 6 } } });
    }
  });

  await t.test('rules', async (t) => {
    for (const way of isLong ? ['preload', 'seccomp'] : ['preload'])
      for (const [rule, isConverted] of [
        ['--only command=pair', true],
        ['--only command=pa*', true],
        ['--only command=curl', false],
        ['--except command=pair', false],
        ['--except command=curl', true],
        ['--only command=p* --except command=pair', false],
      ] as const) {
        const { stdout, stderr } = await run(`smc_run -j --via ${way} ${rule} sh -c 'build/pair; true'`);
        t.equal(stdout, 'same\n');
        const { totals } = reportOf(stderr).report;
        t.equal(totals.smcr, isConverted ? 2 : 0, `${way} ${rule}`);
      }
  });

  await long(t, 'Java with IPv4-mapped addresses falls back', async (t) => {
    const { status, stdout, stderr } = await run(`smc_run --report --require-smc ${JAVA} Pair`);
    t.strictSame([status, stdout], [123, 'same\n']);
    t.match(stderr, /1 of java over TCP, 0x0303000\d NOSMC/);
  });

  await t.test('the peer does not speak SMC', async (t) => {
    const { status, stdout, stderr } = await run(
      `cd /tmp && mkdir -p empty && cd empty && python3 -m http.server -b 127.0.0.1 7301 >/dev/null 2>&1 & server=$!
wait_for '${listener(7301)}' .
smc_run --require-smc --report curl -sf -o /dev/null http://127.0.0.1:7301/; echo $?; kill $server`,
    );
    t.strictSame([status, stdout], [0, '123\n']);
    t.match(stderr, /^smc_run: 1 connection: 1 TCP\nsmc_run: {3}1 of curl over TCP, 0x03010000 PEERNOSMC: /m);
  });

  await t.test('the log', async (t) => {
    const { stdout, stderr } = await run(
      'smc_run -j --log /tmp/log build/pair && cat /tmp/log && smc_run --log /tmp/words build/pair && cat /tmp/words',
    );
    t.equal(stderr, '', 'all is in the log');
    const lines = stdout.split('\n');
    t.equal(lines[0], 'same');
    const events = lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { event: string; mode?: string });
    t.strictSame(events.map(({ event }) => event).sort(), [
      'connection',
      'connection',
      'end',
      'report',
      'socket',
      'socket',
    ]);
    t.ok(events.every(({ event, mode }) => event !== 'connection' || mode === 'smcr'));
    t.match(
      stdout,
      /^20\S+Z build\/pair \(preload\)\nsmc_run: 2 sockets opened as SMC\nsmc_run: 2 connections: 2 SMC-R$/m,
    );
  });

  await t.test('as process 1 of a container', async (t) => {
    const first = (words: string) => run(`unshare --pid --kill-child --mount-proc smc_run ${words}`);
    for (const way of ['preload', 'seccomp']) {
      const watched = await first(`-j --require-smc --via ${way} build/pair`);
      t.strictSame([watched.status, watched.stdout], [0, 'same\n'], watched.stderr);
      t.match(reportOf(watched.stderr).report, { way, all_smc: true, totals: { smcr: 2 } });
      t.equal((await first(`--via ${way} build/pair`)).stdout, 'same\n', 'and where nobody waits');
    }
    const { status, stdout, stderr } = await first(`-j --via seccomp sh -c '
(sh -c "build/pair; kill -TERM 1" &)
for i in $(seq 600); do sleep 0.5; done'`);
    t.strictSame([status, stdout], [128 + 15, 'same\n'], 'SIGTERM reaches the program');
    t.match(reportOf(stderr).report, { signal: 15, totals: { smcr: 2 } }, 'what an orphan did counts, too');
  });

  await t.test('ordinary users', async (t) => {
    const asNobody = (command: string) => run(command, { user: 'nobody' });
    const plain = await asNobody('smc_run -j --require-smc /tmp/pair-static');
    t.strictSame([plain.status, plain.stdout], [0, 'same\n'], plain.stderr);
    t.match(reportOf(plain.stderr).report, { way: 'seccomp', totals: { smcr: 2 } });

    const privileged = await asNobody('smc_run /tmp/setuid-root');
    t.strictSame(privileged, {
      status: 0,
      stdout: 'same\n',
      stderr:
        'smc_run: /tmp/setuid-root is setuid root, so the dynamic loader ignores preloaded libraries, and the seccomp way sets no_new_privs for an ordinary user, so /tmp/setuid-root would not be setuid root: it runs over TCP\n',
    });
    const refused = await asNobody('smc_run --strict /tmp/setuid-root');
    t.strictSame([refused.status, refused.stdout], [125, '']);
    const forced = await asNobody('smc_run -j --via seccomp /tmp/setuid-root');
    t.match(forced.stderr, /^smc_run: the seccomp way sets no_new_privs for an ordinary user/);
    t.match(reportOf(forced.stderr).report, { totals: { smcr: 2 } });
  });
});

t.test('SMC-D over loopback-ism, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  await prepare(guest);
  await addUeid(guest);
  await everyKind(t, guest, 'smcd');
  await long(t, 'Java with IPv4-mapped addresses', async (t) => {
    const { stdout, stderr } = await guest.run(`smc_run -j ${JAVA} Pair`);
    t.equal(stdout, 'same\n');
    t.match(reportOf(stderr).report, { totals: { smcr: 0, smcd: 2, tcp: 0 } });
  });
  await long(t, 'ways and flavors', async (t) => bothWays(t, guest, 'smcd'));
});
