#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run deb [-- [x64|arm64|s390x] [DIRECTORY]]: makes a Debian package of the built tree; default this machine, build/.
// The same tree gives the same bytes: times are SOURCE_DATE_EPOCH, else that of the last commit, if any. DEBFULLNAME and DEBEMAIL
// name the maintainer, as for other Debian tools.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildNative } from '../native/build.mjs';
import { machines } from './prebuild.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin, man, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [arch = process.arch, output = join(root, 'build')] = process.argv.slice(2);
const architectures = { x64: 'amd64', arm64: 'arm64', s390x: 's390x' };
const architecture = architectures[arch];
if (!architecture) throw new Error(`${arch} is none of ${Object.keys(architectures).join(', ')}`);

const run = (command, ...argv) => execFileSync(command, argv, { cwd: root, encoding: 'utf8' }).trim();

/** Seconds since 1970 of the last commit, else of package.json: an unpacked archive of the sources has no git. */
function sourceTime() {
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? Number(stdout) : Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000);
}
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? sourceTime());
const maintainer = `${process.env.DEBFULLNAME ?? 'The smc-tools authors'} <${process.env.DEBEMAIL ?? 'smc-tools@users.invalid'}>`;

const work = join(root, 'build', `deb-${architecture}`);
const stage = join(work, 'stage');
rmSync(stage, { recursive: true, force: true });

/**
 * Not smc-tools: that is the name of the C suite in distributions, whose higher version would silently replace ours at
 * the next upgrade.
 */
const NAME = 'smc-tools-node';

/** Where the program is; not multi-arch, as a package manager installs one of it. */
const HOME = 'usr/lib/smc-tools';

function put(target, content, mode = 0o644) {
  const file = join(stage, target);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

function copy(source, target, mode) {
  put(target, readFileSync(join(root, source)), mode);
}

function putLink(target, link) {
  mkdirSync(dirname(join(stage, link)), { recursive: true });
  symlinkSync(target, join(stage, link));
}

const compress = (text) => gzipSync(text, { level: 9 });

/** What the package depends on; PATH has nothing to do with it. */
const NODE = '/usr/bin/node';

/** C part for this machine, linked with Debian's own libraries. */
async function native() {
  const outDir = join(work, 'native');
  const { missingCompiler } = await buildNative({
    outDir,
    cc: `${machines[arch]}-gcc`,
    programFlags: [`-DSMC_NODE="${NODE}"`],
  });
  if (missingCompiler) throw new Error(`${machines[arch]}-gcc is missing`);
  const files = readdirSync(outDir).filter(
    (name) => statSync(join(outDir, name)).isFile() && !name.startsWith('.'),
  );
  for (const name of files)
    put(
      `${HOME}/dist/native/${name}`,
      readFileSync(join(outDir, name)),
      name.startsWith('lib') ? 0o644 : 0o755,
    );
  // Debian's places of libraries, so that $LIB in LD_PRELOAD finds the right one for programs of either class
  // scripts and units preload it by its bare name
  putLink('../smc-tools/dist/native/libsmc-preload.so', `usr/lib/${machines[arch]}/libsmc-preload.so`);
  if (files.includes('libsmc-preload-32.so') && arch === 'x64') {
    putLink('../smc-tools/dist/native/libsmc-preload-32.so', 'usr/lib/i386-linux-gnu/libsmc-preload.so');
    // one value of LD_PRELOAD serves programs of both classes, so the library for the other one comes along
    put(
      `usr/share/lintian/overrides/${NAME}`,
      `${NAME}: triplet-dir-and-architecture-mismatch is for i386 instead of amd64 [usr/lib/i386-linux-gnu/]\n`,
    );
    putLink(
      '../../../libsmc-preload.so',
      `${HOME}/dist/native/preload/lib/x86_64-linux-gnu/libsmc-preload.so`,
    );
    putLink(
      '../../../libsmc-preload-32.so',
      `${HOME}/dist/native/preload/lib/i386-linux-gnu/libsmc-preload.so`,
    );
  }
}

/** A script that starts itself as well, without asking PATH. */
function withNode(script) {
  return script
    .replace('command -v node >/dev/null', `[ -x ${NODE} ]`)
    .replace('there is no node in PATH ($PATH)', `${NODE} is missing`)
    .replace('exec node ', `exec ${NODE} `);
}

function commands() {
  const start = readFileSync(join(work, 'native/smc-start'));
  for (const [name, file] of Object.entries(bin)) {
    // the program by which a command starts, and the script that it gives to Node
    put(`${HOME}/${file}`, start, 0o755);
    put(`${HOME}/${file}.js`, withNode(readFileSync(join(root, `${file}.js`), 'utf8')), 0o755);
    copy(`dist/commands/${name}.cjs`, `${HOME}/dist/commands/${name}.cjs`);
    putLink(`../lib/smc-tools/${file}`, `usr/bin/${name}`);
    copy(`dist/completions/bash/${name}`, `usr/share/bash-completion/completions/${name}`);
    copy(`dist/completions/zsh/_${name}`, `usr/share/zsh/vendor-completions/_${name}`);
    copy(`dist/completions/fish/${name}.fish`, `usr/share/fish/vendor_completions.d/${name}.fish`);
  }
  copy('bin/start.js', `${HOME}/bin/start.js`);
  copy('bin/package.json', `${HOME}/bin/package.json`);
  for (const file of ['load.cjs', 'write-caches.cjs'])
    copy(`dist/commands/${file}`, `${HOME}/dist/commands/${file}`);
  copy('package.json', `${HOME}/package.json`);
  // by this the commands know the top of the package
  copy('native/build.mjs', `${HOME}/native/build.mjs`);
}

/** What is loaded at run time of the package netlink: one module and its addon. */
function netlink() {
  const directory = 'node_modules/netlink';
  for (const file of ['package.json', 'dist/raw.js'])
    copy(join(directory, file), `${HOME}/${directory}/${file}`);
  const addon = join(directory, 'prebuilds', `linux-${arch}`, 'node.napi.node');
  if (!existsSync(join(root, addon))) run(process.execPath, 'scripts/prebuild.mjs', arch);
  copy(addon, `${HOME}/${addon}`);
  for (const file of ['package.json', 'index.js', 'node-gyp-build.js'])
    copy(`node_modules/node-gyp-build/${file}`, `${HOME}/node_modules/node-gyp-build/${file}`);
}

function documentation() {
  for (const page of man)
    put(`usr/share/man/man${page.at(-1)}/${basename(page)}.gz`, compress(readFileSync(join(root, page))));
  for (const file of readdirSync(join(root, 'schemas')))
    copy(`schemas/${file}`, `usr/share/smc-tools/schemas/${file}`);
  const doc = `usr/share/doc/${NAME}`;
  copy('README.md', `${doc}/README.md`);
  put(`${doc}/NEWS.md.gz`, compress(readFileSync(join(root, 'CHANGELOG.md'))));
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  put(
    `${doc}/changelog.gz`,
    compress(
      `${NAME} (${version}) unstable; urgency=medium\n\n  * Package of this version; its changes are in NEWS.md.gz.\n\n -- ${maintainer}  ${date}\n`,
    ),
  );
  const notices = ['netlink', 'node-gyp-build'].map(
    (name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`,
  );
  put(
    `${doc}/copyright`,
    [
      `smc-tools\n\n${readFileSync(join(root, 'LICENSE'), 'utf8')}`,
      'It contains, in dist/commands and node_modules:',
      readFileSync(join(root, 'dist/THIRD-PARTY-NOTICES'), 'utf8'),
      ...notices,
    ].join('\n----\n\n'),
  );
}

/** Programs and libraries by their names. */
const isBinary = (name) => /\.(?:so|node)$|^smc-(?:launch|start)$/.test(name) || name in bin;

/** Newest version of a library that the packed binaries ask for. */
function newest(prefix) {
  const files = readdirSync(join(stage, HOME), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isBinary(entry.name) && !entry.name.endsWith('-32.so'))
    .map((entry) => join(entry.parentPath, entry.name));
  const { stdout } = spawnSync('readelf', ['--wide', '--version-info', ...files], { encoding: 'utf8' });
  const numbers = stdout.split(/\s+/).filter((word) => word.startsWith(prefix));
  return Math.max(...numbers.map((word) => Number.parseInt(word.slice(prefix.length), 10)));
}

function strip() {
  const binaries = readdirSync(join(stage, HOME), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isBinary(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  run(`${machines[arch]}-strip`, '--remove-section=.comment', ...binaries);
}

function control() {
  const size = readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + Math.ceil(statSync(join(entry.parentPath, entry.name)).size / 1024), 0);
  put(
    'DEBIAN/control',
    `Package: ${NAME}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${size}
Depends: nodejs (>= 20), libc6 (>= 2.${newest('GLIBC_2.')}), libgcc-s1, libstdc++6 (>= 5.2)
Suggests: bash-completion, pci.ids
Provides: smc-tools
Conflicts: smc-tools
Replaces: smc-tools
Section: net
Priority: optional
Description: tools for Linux SMC (Shared Memory Communications)
 SMC carries TCP connections over RDMA (SMC-R) or over memory that systems of
 one machine share (SMC-D). These commands list SMC sockets, devices, link
 groups and statistics, edit the PNET table and enterprise ids, check whether
 a host or a connection can use SMC and say why not, and run unchanged TCP
 programs over SMC.
`,
  );
  // A code cache fits one version of Node, so it is made here, and again when Node changes.
  put(
    'DEBIAN/postinst',
    `#!/bin/sh
set -e
case "$1" in
  configure | triggered)
    node /${HOME}/dist/commands/write-caches.cjs >/dev/null 2>&1 || true
    ;;
esac
`,
    0o755,
  );
  // Services that were enabled could not start any more without us. Replacement by the package smc-tools is a removal, too
  // (remove in-favour). What is left, since it was changed by hand or Node has gone before us, is set aside.
  put(
    'DEBIAN/prerm',
    `#!/bin/sh
set -e
if [ "$1" = remove ]; then
  if ls /etc/systemd/system/*.service.d/zz-smc.conf >/dev/null 2>&1 && [ "$(node -p 1 2>/dev/null)" = 1 ]; then
    smc_run --disable-all || true
  fi
  reload=
  for file in /etc/systemd/system/*.service.d/zz-smc.conf; do
    [ -e "$file" ] || continue
    case $(head -n 1 "$file") in
      '# made by smc_run '*) ;;
      *) continue ;;
    esac
    echo "$file refers to this package, and is now $file.disabled"
    mv -f "$file" "$file.disabled"
    reload=1
  done
  if [ "$reload" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
  fi
fi
rm -f /${HOME}/dist/commands/*.cache
`,
    0o755,
  );
  put('DEBIAN/triggers', 'interest-noawait /usr/bin/node\nactivate-noawait ldconfig\n');
  const sums = readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('DEBIAN'))
    .map((entry) => join(entry.parentPath, entry.name).slice(stage.length + 1))
    .sort();
  put('DEBIAN/md5sums', execFileSync('md5sum', sums, { cwd: stage, encoding: 'utf8' }));
}

/** Owners are set by dpkg-deb; modes and times are ours. */
function level() {
  const entries = readdirSync(stage, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  chmodSync(stage, 0o755);
  for (const entry of entries) lutimesSync(join(entry.parentPath, entry.name), epoch, epoch);
  lutimesSync(stage, epoch, epoch);
}

await native();
commands();
netlink();
strip();
documentation();
control();
level();
mkdirSync(output, { recursive: true });
const file = join(output, `${NAME}_${version}_${architecture}.deb`);
execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', stage, file], {
  env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  stdio: ['ignore', 'ignore', 'inherit'],
});
rmSync(stage, { recursive: true });
process.stdout.write(`${file}\n`);
