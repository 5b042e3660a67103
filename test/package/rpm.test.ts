// SPDX-License-Identifier: MIT
// The RPM: rpmlint has no complaints, it is what it says, it works where rpm, dnf and zypper install it, its removal leaves no
// trace, and nothing replaces a distribution's smc-tools by it, or the other way round, unless that is asked for.
// Other machines' and identical builds are tried by `npm run test:release`.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { makeSmallRoot } from '../helpers/small-root.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const { bin, man, version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  man: string[];
  version: string;
};
const names = Object.keys(bin);
const machine = { x64: 'x86_64', arm64: 'aarch64', s390x: 's390x' }[process.arch as string];

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-rpm-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs a program in a new environment, without the settings of tap. */
function run(...words: string[]) {
  const env = ['-i', `PATH=${process.env['PATH']}`, `HOME=${scratch}`, 'SOURCE_DATE_EPOCH=1790000000'];
  return spawnSync('env', [...env, ...words], { cwd: project, encoding: 'utf8' });
}

const made = run('node', 'scripts/rpm.mjs', process.arch, scratch);
if (made.status !== 0) throw new Error(made.stderr);
const file = made.stdout.trim();
const ask = (...words: string[]) => run('rpm', '-q', '--package', file, ...words).stdout;

t.test('the package', async (t) => {
  t.equal(basename(file), `smc-tools-node-${version}-1.${machine}.rpm`);
  const lint = run('rpmlint', '-c', 'rpm/rpmlint.toml', file);
  t.match(lint.stdout, / 0 errors, 0 warnings,/, lint.stdout);
  t.match(ask('--requires'), /^nodejs >= 18$/m);
  t.notMatch(ask('--requires'), /env|\(\)$/m, 'no interpreter of PATH, no library of 32 bits');
  t.equal(ask('--conflicts'), 'smc-tools\n');
  t.equal(ask('--obsoletes'), '', 'an update replaces nothing');
  t.match(ask('--provides'), /^smc-tools = 1\.8\.7$/m);
  const files = ask('--list').split('\n');
  for (const path of [
    '/usr/lib64/libsmc-preload.so',
    ...names.flatMap((name) => [
      `/usr/bin/${name}`,
      `/usr/share/bash-completion/completions/${name}`,
      `/usr/share/zsh/site-functions/_${name}`,
      `/usr/share/fish/vendor_completions.d/${name}.fish`,
    ]),
    ...man.map((page) => `/usr/share/man/man${page.at(-1)}/${basename(page)}.gz`),
    '/usr/share/licenses/smc-tools-node/LICENSE',
    '/usr/lib/systemd/system/smc-tools.service',
    '/usr/lib/systemd/system/smc-tools@.service',
    '/usr/lib/systemd/system/smc_exporter.service',
    '/usr/lib/systemd/system/smc_exporter.socket',
    '/usr/lib/udev/rules.d/90-smc-tools.rules',
    '/usr/share/smc-tools/examples/smc.yaml',
    '/usr/share/smc-tools/examples/prometheus/smc-alerts.yml',
    '/usr/share/smc-tools/examples/grafana/smc.json',
  ])
    t.ok(files.includes(path), path);
  t.notMatch(files.join('\n'), /node_modules|\/test\/|\.ts$|\.stamps/m);
  t.equal(
    ask('--queryformat', '%{BUILDTIME} %{BUILDHOST}'),
    '1790000000 localhost',
    'nothing of this machine',
  );
});

const root = join(scratch, 'root');
makeSmallRoot(root);
// what the package `filesystem` has in each distribution
for (const place of [
  'lib',
  'lib64',
  'share/doc',
  'share/licenses',
  'share/man/man5',
  'share/man/man7',
  'share/man/man8',
])
  mkdirSync(join(root, 'usr', place), { recursive: true });

/** Runs a script as root of a user namespace, with R for that directory. */
function inRoot(script: string) {
  const text = `export R=${root} PATH=$PATH:/usr/sbin:/sbin
r() { rpm --force-debian --root "$R" --dbpath /var/lib/rpm "$@"; }
mount --rbind /proc "$R/proc" && mount --rbind /dev "$R/dev" || exit
${script}`;
  return run('unshare', '--user', '--map-root-user', '--mount', '--fork', 'sh', '-c', text);
}
const LIST =
  'cd "$R" && find . \\( -path ./proc -o -path ./dev -o -path ./var/lib/rpm \\) -prune -o -print | sort';

t.test('installed, used, verified, removed', async (t) => {
  const before = inRoot(`rpmdb --root "$R" --dbpath /var/lib/rpm --initdb && ${LIST}`);
  t.match(before.stdout, /^\.\/usr\/bin\/node$/m, before.stderr);
  t.notMatch(before.stdout, /smcss/);
  // nothing here was installed by rpm, so it knows neither Node nor the C library
  const installed = inRoot(`r --install --nodeps ${file} && ${LIST}`);
  t.equal(installed.status, 0, installed.stderr);
  t.match(
    installed.stdout,
    /^\.\/usr\/lib\/smc-tools\/dist\/commands\/smcss\.cache$/m,
    'the code cache is made',
  );
  const used = inRoot(`for c in ${names.join(' ')}; do chroot "$R" /usr/bin/$c -v; done`);
  t.equal(used.stdout, names.map((name) => `${name} utility, smc-tools-${version}\n`).join(''), used.stderr);
  const preload = inRoot(
    'chroot "$R" /bin/env -i PATH=/nowhere /usr/bin/smc_run /usr/bin/node -p process.env.LD_PRELOAD',
  );
  t.match(preload.stdout, /^\/usr\/lib\/smc-tools\/dist\/native\/.*libsmc-preload\.so\n$/, preload.stderr);
  t.match(
    inRoot('chroot "$R" /usr/bin/smcss').stderr,
    /^smcss: (?!.*(native|internal))/,
    'the addon is loaded',
  );
  const verified = inRoot('r --verify --nodeps smc-tools-node');
  t.strictSame([verified.status, verified.stdout], [0, ''], 'all is as it was packed');
  const tampered = inRoot('echo >>"$R/usr/lib/smc-tools/package.json"; r --verify --nodeps smc-tools-node');
  t.match(tampered.stdout, /^S.5.* \/usr\/lib\/smc-tools\/package\.json$/m, 'a change is seen');
  const removed = inRoot('r --erase smc-tools-node');
  t.strictSame([removed.status, removed.stdout + removed.stderr], [0, '']);
  t.equal(inRoot(LIST).stdout, before.stdout, 'no trace is left');
});

/** Makes a package without files, for a repository; returns its file. */
function madeUp(name: string, version: string, ...fields: string[]): string {
  const spec = join(scratch, `${name}.spec`);
  const head = [
    ...[
      `Name: ${name}`,
      `Version: ${version}`,
      'Release: 1',
      'Summary: x',
      'License: x',
      'BuildArch: noarch',
    ],
    ...fields,
  ];
  writeFileSync(spec, `${head.join('\n')}\n%description\nx\n%files\n`);
  run('rpmbuild', '-bb', '--quiet', '--define', `_topdir ${scratch}/made-up`, spec);
  return join(scratch, `made-up/RPMS/noarch/${name}-${version}-1.noarch.rpm`);
}
const theirs = madeUp('smc-tools', '1.8.9');

t.test("a distribution's smc-tools and ours do not replace each other", async (t) => {
  const CONFLICT = /^\s*smc-tools conflicts with .*smc-tools-node/m;
  const ours = inRoot(`r -i --nodeps ${theirs} && r -U --test ${file}`);
  t.match(ours.stderr, CONFLICT, 'an update to ours');
  const other = inRoot(`r -e smc-tools; r -i --nodeps ${file} && r -U --test ${theirs}`);
  t.match(other.stderr, CONFLICT, 'an update to theirs');
  t.not(other.status, 0);
  const again = inRoot(`r -U --test --replacepkgs ${file}`);
  t.match(again.stderr, /nodejs >= 18 is needed/, 'what is missing is said');
  t.notMatch(again.stderr, /conflicts/, 'an update of ours');
  inRoot('r -e smc-tools-node');
});

/** Makes a repository of these packages, and of what ours requires. */
function repository(name: string, ...packages: string[]): string {
  const directory = join(scratch, name);
  mkdirSync(directory);
  for (const one of [...packages, ...REQUIRED]) copyFileSync(one, join(directory, basename(one)));
  const made = run('createrepo_c', '--quiet', directory);
  if (made.status !== 0) throw new Error(made.stderr);
  return directory;
}
const libraries = new Set(
  ask('--requires')
    .split('\n')
    .filter((line) => line && !/^(rpmlib|nodejs)/.test(line)),
);
const REQUIRED = [
  madeUp('system', '1', ...[...libraries].map((one) => `Provides: ${one}`)),
  madeUp('nodejs', '20'),
];
const before = repository('before', madeUp('smc-tools', '1.8.4'));
const after = repository('after', theirs, file, madeUp('needs-smc-tools', '1', 'Requires: smc-tools >= 1.8'));

/** What a package manager takes: where to install, where packages are, and that they are not signed. */
const MANAGERS = {
  dnf: {
    command: (directory: string) =>
      `dnf -y --installroot="$R" --releasever=1 --setopt=reposdir=/nonexistent --setopt=varsdir=/nonexistent --setopt=cachedir=/var/cache/dnf --repofrompath=here,file://${directory} --setopt=here.gpgcheck=0`,
    updates: ['upgrade', 'distro-sync'],
    remove: 'remove --noautoremove',
    nothing: /^Nothing to do\.$/m,
    allow: '',
    agree: '--allowerasing',
  },
  zypper: {
    command: (directory: string) =>
      `zypper --non-interactive --no-gpg-checks --root "$R" --plus-repo dir://${directory}`,
    updates: ['update', 'dist-upgrade'],
    remove: 'remove',
    nothing: /^Nothing to do\.$/m,
    allow: '--allow-unsigned-rpm',
    agree: '--force-resolution',
  },
} as const;

for (const [name, { command, updates, remove, nothing, allow, agree }] of Object.entries(MANAGERS))
  t.test(name, async (t) => {
    const manage = (directory: string, words: string) => inRoot(`${command(directory)} ${words}`);
    const files = () => inRoot('cd "$R" && find usr | sort').stdout;
    const isOurs = () => /^usr\/bin\/smcss$/m.test(files());
    const atFirst = files();
    const installed = manage(before, `install ${allow} ${file}`);
    t.equal(installed.status, 0, installed.stdout + installed.stderr);
    t.match(installed.stdout, /Installing *: nodejs-20-1/, 'with the package of Node');
    const used = inRoot(`for c in ${names.join(' ')}; do chroot "$R" /usr/bin/$c -v; done`);
    t.equal(used.stdout, names.map((one) => `${one} utility, smc-tools-${version}\n`).join(''), used.stderr);
    for (const update of updates) t.match(manage(after, update).stdout, nothing, `${update}: ours stays`);
    const refused = manage(after, 'install smc-tools');
    t.not(refused.status, 0);
    t.match(
      refused.stdout + refused.stderr,
      /smc-tools-node-\S+ conflicts with smc-tools provided by smc-tools-1\.8\.9/,
    );
    t.equal(manage(after, 'install needs-smc-tools').status, 0);
    t.ok(isOurs(), 'ours provides the features of theirs');
    const removed = manage(after, `${remove} needs-smc-tools smc-tools-node`);
    t.equal(removed.status, 0, removed.stdout + removed.stderr);
    t.equal(files(), atFirst, 'no trace is left');

    t.equal(manage(before, 'install smc-tools').status, 0);
    for (const update of updates) t.equal(manage(after, update).status, 0);
    const other = manage(after, 'install smc-tools-node');
    t.not(other.status, 0);
    t.match(
      other.stdout + other.stderr,
      /smc-tools-node-\S+ conflicts with smc-tools provided by smc-tools-1\.8\.9/,
      'theirs was updated, and not replaced',
    );
    t.notOk(isOurs());
    const agreed = manage(after, `install ${agree} smc-tools-node`);
    t.equal(agreed.status, 0, agreed.stdout + agreed.stderr);
    t.ok(isOurs(), 'if that is asked for');
    manage(after, `${remove} smc-tools-node`);
    t.equal(files(), atFirst);
  });
