// SPDX-License-Identifier: MIT
// The Debian package: two builds are identical, lintian has no complaints, it works on a real kernel, and its removal
// leaves no trace.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { isLong } from '../helpers/long.ts';
import { Guest, projectDirectory } from './guest.ts';

const { bin, man, version } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  man: string[];
  version: string;
};

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-deb-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs a program in a new environment, without the settings of tap. */
function run(...words: string[]) {
  const env = ['-i', `PATH=${process.env['PATH']}`, `HOME=${scratch}`, 'SOURCE_DATE_EPOCH=1790000000'];
  return spawnSync('env', [...env, ...words], { cwd: projectDirectory, encoding: 'utf8' });
}

function make(architecture: string, directory: string): string {
  const { status, stdout, stderr } = run('node', 'scripts/deb.mjs', architecture, join(scratch, directory));
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

const file = make('x64', 'first');

t.test('the package', async (t) => {
  t.equal(basename(file), `smc-tools-node_${version}_amd64.deb`);
  t.ok(readFileSync(file).equals(readFileSync(make('x64', 'second'))), 'the same tree gives the same bytes');
  // lintian takes 10 s and more for each; the others differ in their binaries only
  const others = isLong ? ['arm64', 's390x'].map((architecture) => make(architecture, 'others')) : [];
  for (const package_ of [file, ...others]) {
    const { stdout } = run('lintian', '--allow-root', '--fail-on', 'error,warning', package_);
    t.equal(stdout, '', `lintian has nothing to say about ${basename(package_)}`);
  }
  const control = run('dpkg-deb', '--field', file, 'Depends').stdout;
  for (const [field, value] of [
    ['Provides', 'smc-tools (= 1.8.7)'],
    ['Conflicts', 'smc-tools'],
    ['Replaces', 'smc-tools'],
  ] as const)
    t.equal(
      run('dpkg-deb', '--field', file, field).stdout,
      `${value}\n`,
      `${field}: the package of a distribution`,
    );
  t.match(control, /^nodejs \(>= 18\), libc6 \(>= 2\.\d+\)/);
  const list = run('dpkg-deb', '--contents', file).stdout;
  for (const name of Object.keys(bin))
    for (const path of [
      `/usr/bin/${name} ->`,
      `/usr/share/bash-completion/completions/${name}\n`,
      `/usr/share/zsh/vendor-completions/_${name}\n`,
      `/usr/share/fish/vendor_completions.d/${name}.fish\n`,
    ])
      t.ok(list.includes(path), path);
  for (const page of man)
    t.ok(list.includes(`/usr/share/man/man${page.at(-1)}/${basename(page)}.gz\n`), page);
  for (const path of [
    'systemd/system/smc-tools.service',
    'systemd/system/smc-tools@.service',
    'systemd/system/smc_exporter.service',
    'systemd/system/smc_exporter.socket',
    'udev/rules.d/90-smc-tools.rules',
  ])
    t.ok(list.includes(`/usr/lib/${path}\n`), path);
  t.notMatch(list, /\.cache$|\/test\/|\.ts$/m);
});

t.test('no interpreter is looked for in PATH', async (t) => {
  const tree = join(scratch, 'tree');
  run('dpkg-deb', '--extract', file, tree);
  for (const name of Object.keys(bin)) {
    const start = readFileSync(join(tree, 'usr/lib/smc-tools/bin', name), 'latin1');
    // the compiler may hold the path in two constants of eight bytes, which overlap
    t.match(start, /^\x7fELF[\s\S]*(?:\/usr\/bin\/node|\/usr\/bin[^%]{1,24}in\/node)\0/, name);
    const script = readFileSync(join(tree, `usr/lib/smc-tools/bin/${name}.js`), 'utf8');
    t.match(script, /^#!\/bin\/sh\n[\s\S]*\nexec \/usr\/bin\/node "\$0" "\$@"\n/, `${name}.js`);
    t.notMatch(script, /env node|(exec|-v) node|\$PATH/, `${name}.js`);
  }
});

/** Directories of the package that exist. Removing the package must remove those that it has made. */
const directories = run('dpkg-deb', '--contents', file)
  .stdout.split('\n')
  .flatMap((line) => (line.startsWith('d') ? (/ \.(\/\S*)\/$/.exec(line)?.[1] ?? []) : []));

/**
 * Lists these directories, and all files that were written or deleted since boot, except the state of dpkg, man-db and
 * ldconfig.
 */
const TRACES = `cd / && ls -d ${directories.join(' ')} 2>/dev/null
find /run/changes ! -type d ! -path '/run/changes/var/lib/dpkg/*' ! -path /run/changes/var/log/dpkg.log ! -path '/run/changes/var/cache/man/*' ! -path '/run/changes/var/cache/ldconfig/*' ! -path /run/changes/etc/ld.so.cache | sort`;

t.test('installed, used, removed, purged', async (t) => {
  const guest = await Guest.boot({ kernel: '6.12' });
  t.teardown(() => guest.close());
  copyFileSync(file, join(guest.share, 'smc-tools.deb'));
  // each change of packages would have man-db index all pages, which takes longer here than the rest of the test
  await guest.run('rm -f /var/lib/man-db/auto-update', { check: true });
  const before = (await guest.run(TRACES)).stdout;
  t.match(before, /^\/usr\/bin$/m);
  t.notMatch(before, /smc-tools/);

  // on this machine Node may come from elsewhere
  const installed = await guest.run('dpkg -i --force-depends /share/smc-tools.deb 2>&1');
  t.equal(installed.status, 0, installed.stdout);
  const names = Object.keys(bin);
  const versions = await guest.run(`cd / && for c in ${names.join(' ')}; do command -v $c && $c -v; done`);
  t.equal(
    versions.stdout,
    names.map((name) => `/usr/bin/${name}\n${name} utility, smc-tools-${version}\n`).join(''),
    'every command',
  );
  t.match(
    (await guest.run(TRACES)).stdout,
    /^\/usr\/lib\/smc-tools$[\s\S]*changes\/usr\/bin\/smcss$/m,
    'traces are seen',
  );
  const used = await guest.run(
    `cd / && smcd ueid add DEB.TEST && smcd ueid && smc_pnet -a NET1 -I lo && smc_pnet -j && smcss -j &&
smc_run sh -c 'echo $LD_PRELOAD'`,
  );
  t.equal(used.stderr, '');
  t.equal(
    used.stdout,
    `${'DEB.TEST'.padEnd(32)}\n{"pnet_table":[{"pnet_id":"NET1","kind":"ethernet","interface":"lo","ib_device":null,"ib_port":null}]}\n{"sockets":[],"complete":true}\n/usr/lib/smc-tools/dist/native/${process.arch === 'x64' ? 'preload/$LIB/' : ''}libsmc-preload.so\n`,
  );
  const short = await guest.run("cd / && prlimit --as=60000000 smc_run sh -c 'echo $LD_PRELOAD'");
  t.equal(short.stdout, used.stdout.slice(used.stdout.lastIndexOf('\n/') + 1), 'smc_run without Node');
  const files = await guest.run(
    `ls /usr/lib/smc-tools/dist/commands/smcss.cache &&
for p in ${man.map((page) => `/usr/share/man/man${page.at(-1)}/${basename(page)}.gz`).join(' ')}; do zcat $p | head -n 1 | grep -q . || echo "$p"; done
bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader smcr; complete -p smcr'
dpkg -V smc-tools-node`,
  );
  t.equal(
    files.stdout,
    '/usr/lib/smc-tools/dist/commands/smcss.cache\ncomplete -F _smc_tools_smcr smcr\n',
    'the code cache, the man pages, the completions; all as packed',
  );

  const preloaded = await guest.run(
    `cd / && smc_run --preload-path
LD_PRELOAD=libsmc-preload.so SMC_DEBUG=1 curl -s http://127.0.0.1:1/`,
  );
  t.match(preloaded.stdout, /^\/usr\/lib\/smc-tools\/dist\/native\/.*libsmc-preload\.so\n$/);
  t.match(preloaded.stderr, /^libsmc-preload: IPv4 socket \d+ uses SMC\n/, 'the bare name is enough');

  const boot = await guest.run('cd / && smc_conf status; smc_conf enable && smc_conf status');
  t.match(
    boot.stdout,
    /^at boot {3}no \(\/(usr\/)?lib\/systemd\/system\/smc-tools\.service\)$/m,
    'not enabled by itself',
  );
  t.match(boot.stdout, /^at boot {3}yes /m);

  // the package of a distribution takes our place: what was enabled is undone first
  await guest.run(
    `mkdir -p /tmp/other/DEBIAN /etc/systemd/system
printf '[Service]\\nExecStart=/usr/bin/env\\n' >/etc/systemd/system/deb-test.service
cp /etc/systemd/system/deb-test.service /etc/systemd/system/deb-hand.service
smc_run --enable deb-test && smc_run --via seccomp --enable deb-hand
echo '# by hand' >>/etc/systemd/system/deb-hand.service.d/zz-smc.conf
printf 'Package: smc-tools\\nVersion: 1.8.6-1\\nArchitecture: all\\nMaintainer: x <x@x.invalid>\\nDescription: other\\n' >/tmp/other/DEBIAN/control
dpkg-deb --build /tmp/other /tmp/other.deb`,
    { check: true },
  );
  const alone = await guest.run('cd / && dpkg -i /tmp/other.deb 2>&1');
  t.match(alone.stdout, /smc-tools-node conflicts with smc-tools/, 'nothing replaces it unasked');
  t.not(alone.status, 0);
  // as apt does when somebody agrees to that
  const replaced = await guest.run(
    'cd / && echo smc-tools-node deinstall | dpkg --set-selections && dpkg -i /tmp/other.deb 2>&1',
  );
  t.match(replaced.stdout, /deb-hand\.service\.d\/zz-smc\.conf .*is now .*\.disabled$/m, replaced.stdout);
  t.match(
    await guest.run(
      'ls /etc/systemd/system/sysinit.target.wants/smc-tools.service /etc/systemd/system/deb-test.service.d /etc/systemd/system/*.d/zz-smc.conf; dpkg -l smc-tools | tail -n 1',
    ),
    {
      stdout: /^ii +smc-tools +1\.8\.6-1/,
    },
  );
  await guest.run(
    `rm -r /etc/systemd/system/deb-*; dpkg -P smc-tools && dpkg -i --force-depends /share/smc-tools.deb`,
    { check: true },
  );

  const removed = await guest.run('cd / && dpkg -r smc-tools-node 2>&1 && dpkg -P smc-tools-node 2>&1');
  t.equal(removed.status, 0, removed.stdout);
  t.notMatch(removed.stdout, /not empty|cannot|error/);
  t.equal((await guest.run(TRACES)).stdout, before, 'no trace is left');
  t.match(await guest.run('dpkg -s smc-tools-node; command -v smcss'), { stdout: '' });
});
