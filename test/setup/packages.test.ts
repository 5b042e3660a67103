// SPDX-License-Identifier: MIT
// Which Debian packages are installed for what, and what is said when they cannot be.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { amount, apt } from '../vm/apt.ts';
import { hostPackages, type Use } from '../vm/packages.ts';
import { lastLine, type Stage, stage } from './stage.ts';

t.test('the declaration', async (t) => {
  const names = hostPackages.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, 'each package once');
  t.ok(hostPackages.every((one) => one.for.length > 0 && one.why.length > 0));
  const forDemo = hostPackages.filter((one) =>
    one.for.some((use) => (['build', 'guest', 'transfer'] as Use[]).includes(use)),
  );
  t.same(
    forDemo.map(({ name }) => name),
    [
      ...['gcc', 'libc6-dev', 'qemu-system-x86', 'busybox-static', 'kmod', 'xz-utils', 'iproute2', 'procps'],
      'iperf3',
    ],
    'the demo needs a compiler, a virtual machine and something to run',
  );
});

/** A machine where dpkg-query lists these packages, and apt-get does what a script of sh says. */
function machine(t: Test, installed: string[], aptGet?: string): Stage {
  const made = stage(t);
  made.file('installed', installed.map((name) => `${name}  installed\n`).join(''));
  made.program(
    'dpkg-query',
    `case "$*" in *Depends*) echo 'cpp, gcc-14 (>= 14.2)' ;; *) cat installed ;; esac`,
  );
  if (aptGet) made.program('apt-get', `echo "apt-get $*" >>"$LOG"\n${aptGet}`);
  return made;
}

const ensure = (...wanted: Use[]): string[] => [
  '--import=tsx',
  '--input-type=module',
  '-e',
  `import { ensureHostPackages } from './test/vm/packages.ts';
await ensureHostPackages(${JSON.stringify(wanted)}).catch((error) => { console.error(error.name + ': ' + error.message); process.exit(1); });`,
];

/** As of a user who is not root. */
const USER = 'process.getuid = () => 1000;';

const sizes = `case "$*" in *--print-uris*) echo "'http://x.invalid/a.deb' a.deb 41000000 SHA256:0"; echo "'http://x.invalid/b.deb' b.deb 1600000 SHA256:0"; exit ;; esac`;

t.test('what is missing is installed, and how much that is, is said before', async (t) => {
  const made = machine(t, ['gcc', 'libc6-dev', 'libc6-dev-i386'], `${sizes}; exit 0`);
  const ended = await made.run(ensure('build', 'build-32'));
  t.equal(ended.status, 0, ended.stderr);
  t.match(
    ended.stderr,
    /^vm: installing Debian packages \(43 MB to fetch, as a rule under a minute\): lib32gcc-14-dev …$/m,
  );
  const [asked, installed] = made.log();
  t.match(asked, /^apt-get -q -y --print-uris install --no-install-recommends lib32gcc-14-dev /);
  t.match(
    installed,
    /^apt-get -q -y install --no-install-recommends lib32gcc-14-dev .*DPkg::Lock::Timeout=600/,
  );

  const there = machine(t, ['gcc', 'libc6-dev', 'libc6-dev-i386', 'lib32gcc-14-dev'], 'exit 1');
  const nothing = await there.run(ensure('build', 'build-32'));
  t.same([nothing.status, nothing.stderr, there.log()], [0, '', []], 'nothing to do, nothing to say');
});

t.test('package lists that are missing or old are fetched', async (t) => {
  const missing = machine(
    t,
    ['gcc'],
    `case "$*" in *update*) touch updated; exit ;; esac
[ -e updated ] || { echo 'E: Unable to locate package libc6-dev' >&2; exit 100; }
${sizes}`,
  );
  t.equal((await missing.run(ensure('build'))).status, 0);
  const verbs = (made: Stage) => made.log().map((line) => /print-uris|update|install/.exec(line)?.[0]);
  t.same(verbs(missing), ['print-uris', 'update', 'print-uris', 'install']);

  const old = machine(
    t,
    ['gcc'],
    `${sizes}
case "$*" in *update*) touch updated; exit ;; esac
[ -e updated ] || { echo 'E: Failed to fetch http://x.invalid/a.deb  404  Not Found' >&2; exit 100; }`,
  );
  t.equal((await old.run(ensure('build'))).status, 0);
  t.same(verbs(old), ['print-uris', 'install', 'update', 'install']);
});

const BY_HAND = 'sudo apt-get update && sudo apt-get install --no-install-recommends gcc libc6-dev';

t.test('what cannot be installed is one line that says what to do', async (t) => {
  const failing = async (complaint: string) => {
    const made = machine(t, [], `${sizes}\necho "${complaint}" >&2\nexit 100`);
    return lastLine(t, await made.run(ensure('build')));
  };
  for (const complaint of [
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. ",
    'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (unattended-upgr)',
  ])
    t.equal(
      await failing(complaint),
      `Problem: Debian packages could not be installed (apt-get -y: ${complaint.slice(3).trim()}); by hand: ${BY_HAND}`,
    );

  const user = machine(t, [], 'exit 1');
  t.equal(
    lastLine(t, await user.run(ensure('build'), { before: USER })),
    `Problem: Debian packages are missing, and this is neither root nor a user with sudo; run: ${BY_HAND}`,
  );
  t.same(user.log(), [], 'apt is not even asked');

  user.program('sudo', 'echo "sudo $*" >>"$LOG"\nshift\nexec "$@"');
  user.program('apt-get', `echo "apt-get $*" >>"$LOG"\n${sizes}`);
  user.program('true', '');
  const proxy = { http_proxy: 'http://proxy.invalid:3128' };
  t.equal((await user.run(ensure('build'), { before: USER, env: proxy })).status, 0);
  t.match(
    user.log().join('\n'),
    /^sudo -n env LC_ALL=C DEBIAN_FRONTEND=noninteractive http_proxy=http:\/\/proxy\.invalid:3128 apt-get -q -y install /m,
    'by sudo, which drops variables',
  );
});

t.test('machines on which it is no use to try', async (t) => {
  const without = stage(t);
  t.match(
    lastLine(t, await without.run(ensure('build'))),
    /^Problem: this takes a machine with Debian or Ubuntu: dpkg-query does not work here, .*: gcc libc6-dev$/,
  );
  const halfway = machine(t, []);
  t.match(
    lastLine(t, await halfway.run(ensure('build'))),
    /^Problem: Debian packages could not be installed \(this takes a machine with Debian or Ubuntu: there is no apt-get here\)/,
  );
  const arm = await machine(t, []).run(ensure('guest'), {
    before: "Object.defineProperty(process, 'arch', { value: 'arm64' });",
  });
  t.match(
    lastLine(t, arm),
    /^Problem: guests boot a kernel for x64 .*, and this is arm64: the commands themselves work/,
  );
});

t.test('how far apt is', async (t) => {
  const made = machine(
    t,
    [],
    `echo 'Reading package lists...'
echo 'Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)...' >&2
echo 'dlstatus:1:45.3333:Retrieving file 3 of 10 (5s remaining)'
echo 'pmstatus:gcc:80.1:Configuring gcc'
echo done`,
  );
  const path = process.env['PATH'];
  process.env['PATH'] = join(made.directory, 'bin');
  process.env['LOG'] = join(made.directory, 'log');
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  const heard: string[] = [];
  const stdout = await apt('apt-get', ['-y', 'install', 'gcc'], { tell: (detail) => heard.push(detail) });
  t.same(heard.sort(), [
    '45 % fetched',
    '80 % installed',
    "waiting for process 4711 (unattended-upgr), which has apt's lock",
  ]);
  t.equal(stdout, 'Reading package lists...\ndone\n', 'what apt says besides');
  t.equal(amount(105_900_000), '106 MB to fetch, as a rule under a minute');
  t.equal(amount(436_000_000), '436 MB to fetch, as a rule 3 minutes');
  t.equal(amount(12), '1 MB to fetch, as a rule under a minute');
});
