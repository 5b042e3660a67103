#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds dist/: one CommonJS bundle per command (measured: half the start-up cost of ES modules on Node 20), the
// library as an ES module with its types, and the native part.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildNative, placeStarters } from '../native/build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** @satisfies {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // found in node_modules at run time, because of its native part
  external: ['netlink', 'netlink/*'],
  define: { SMC_TOOLS_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};

/** commander asks for node:child_process to start sub-commands as programs; ours never do, and it costs 3 ms. */
/** @type {import('esbuild').Plugin} */
const withoutChildProcess = {
  name: 'without-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'child_process', namespace: 'nothing' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** The bundles' entry: the command's definition and the runner. Copied alone, a bundle runs all that it can without the rest. */
function entry(/** @type {string} */ command) {
  const name = command.replace(/_(.)/g, (_, /** @type {string} */ letter) => letter.toUpperCase());
  return /** @type {const} */ ({
    contents: `import { main } from './cli/run.ts';\nimport { ${name} } from './commands/${command}/command.ts';\nexport const run = (argv, world) => main(${name}, argv, world);\nif (require.main === module) run();\n`,
    resolveDir: join(root, 'src'),
    sourcefile: `${command}.entry.ts`,
    loader: 'ts',
  });
}

async function buildJavaScript() {
  rmSync(join(root, 'dist/commands'), { recursive: true, force: true });
  const results = await Promise.all(
    Object.keys(bin).map((command) =>
      build({
        ...shared,
        stdin: entry(command),
        outfile: `dist/commands/${command}.cjs`,
        format: 'cjs',
        minify: true,
        // an ES import of the addon's wrapper would load Node's whole module loader; it is CommonJS anyway
        supported: { 'dynamic-import': false },
        define: { ...shared.define, 'import.meta.url': 'importMetaUrl' },
        banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
        legalComments: 'none',
        metafile: true,
        plugins: [withoutChildProcess],
      }),
    ),
  );
  await build({ ...shared, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', format: 'esm' });
  writeNotices(results.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
}

/** The bundles contain these packages, whose licences ask for their text to come along. */
function writeNotices(/** @type {string[]} */ inputs) {
  const packages = new Set(
    inputs.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? '').filter(Boolean),
  );
  const texts = [...packages].sort().map((name) => {
    const directory = join(root, 'node_modules', name);
    const { license, version: theirs } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const text = ['LICENSE', 'license', 'LICENSE.md'].map((file) => {
      try {
        return readFileSync(join(directory, file), 'utf8');
      } catch {
        return '';
      }
    });
    return `${name} ${theirs} (${license})\n\n${text.find(Boolean) ?? ''}`;
  });
  writeFileSync(join(root, 'dist/THIRD-PARTY-NOTICES'), `${texts.join('\n----\n\n')}`);
}

function buildTypes() {
  const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.types.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the type declarations cannot be built');
}

function buildCompletions() {
  const { status } = spawnSync(process.execPath, ['--import=tsx', 'scripts/completions/write.ts'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the completions cannot be made');
}

/**
 * What npm links to has no suffix, as an installation puts a program in its place (scripts/postinstall.mjs). Here, and in
 * the package, it is the script; the programs of this checkout are in dist/native/bin.
 */
function buildLaunchers() {
  for (const file of Object.values(bin)) {
    const temporary = join(root, dirname(file), `.${basename(file)}.${process.pid}.tmp`);
    copyFileSync(join(root, `${file}.js`), temporary);
    renameSync(temporary, join(root, file)); // somebody may be reading it
  }
}

/** Says that all of dist/ is there, for `buildIsCurrent` in setup.mjs; in dist/native/, which is in no package. */
const mark = join(root, 'dist/native/.built');
rmSync(mark, { force: true });
await buildJavaScript();
buildLaunchers();
for (const file of readdirSync(join(root, 'src/launch')))
  copyFileSync(join(root, 'src/launch', file), join(root, 'dist/commands', file));
await createRequire(import.meta.url)(join(root, 'dist/commands/write-caches.cjs')).writeCaches();
buildTypes();
buildCompletions();
const { missingCompiler } = await buildNative({ log: (line) => console.error(`native: ${line}`) });
const start = join(root, 'dist/native/smc-start');
if (existsSync(start)) placeStarters(start, join(root, 'dist/native/bin'), Object.keys(bin));
if (missingCompiler)
  console.error(
    'native: without the C part smc_run does not work; all other commands do. Install a C compiler.',
  );
else writeFileSync(mark, process.version);
