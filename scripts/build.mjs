#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds dist/: a CommonJS bundle per command (measured: half the start-up cost of ES modules on Node 20), the
// library as an ES module with its types, and the native part.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
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
import { buildNative } from '../native/build.mjs';
import { buildPage } from './page.mjs';
import { provideNetlink } from './prebuild.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const { version, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** @satisfies {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node18',
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

/**
 * To load node:process, Node 18 asks it for all that it has, and so opens the standard streams, which makes them
 * non-blocking for the program that smc_run becomes, too. The global variable is the same object.
 */
/** @type {import('esbuild').Plugin} */
const withGlobalProcess = {
  name: 'with-global-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:process$/ }, () => ({ path: 'process', namespace: 'global' }));
    onLoad({ filter: /.*/, namespace: 'global' }, ({ path }) => ({ contents: `module.exports = ${path};` }));
  },
};

/** The package netlink looks for its addon in node_modules, which are not there at run time: ours has it among its own. */
/** @type {import('esbuild').Plugin} */
const withOurAddon = {
  name: 'with-our-addon',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node-gyp-build$/ }, () => ({ path: 'netlink', namespace: 'addon' }));
    onLoad({ filter: /.*/, namespace: 'addon' }, ({ path }) => ({
      contents: `module.exports = () => require('./host/native-addon.ts').loadNative('${path}.node');`,
      resolveDir: join(root, 'src'),
    }));
  },
};

/** Packages of npm that few runs load: one file each, which all bundles share. */
const BESIDE = ['tar', 'yaml'];

/** @type {import('esbuild').Plugin} */
const withOthersBeside = {
  name: 'with-others-beside',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${BESIDE.join('|')})$`) }, ({ path }) => ({
      path: `./${path}.cjs`,
      external: true,
    }));
  },
};

/**
 * Which commands each bundle has, as load.cjs knows, too: smcd and smcr are the same code, and smc_dbg contains what
 * smc_chk does.
 */
const shares = [
  ['smcd', 'smcr'],
  ['smc_chk', 'smc_dbg'],
];
const bundles = [
  ...Object.keys(bin)
    .filter((name) => !shares.flat().includes(name))
    .map((name) => [name]),
  ...shares,
];

/** The bundles' entry: the definitions of the commands, and the runner. */
function entry(/** @type {string[]} */ commands) {
  const names = commands.map((command) =>
    command.replace(/_(.)/g, (_, /** @type {string} */ letter) => letter.toUpperCase()),
  );
  const imports = commands.map(
    (command, i) => `import { ${names[i]} } from './commands/${command}/command.ts';`,
  );
  const table = commands.map((command, i) => `${command}: ${names[i]}`);
  return /** @type {const} */ ({
    contents: `import { main } from './cli/run.ts';
${imports.join('\n')}
const commands = { ${table.join(', ')} };
export const run = (argv, world, name = '${commands[0]}') => main(commands[name], argv, world);
`,
    resolveDir: join(root, 'src'),
    sourcefile: 'entry.ts',
    loader: 'ts',
  });
}

/** @satisfies {import('esbuild').BuildOptions} */
const forCommands = {
  ...shared,
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  metafile: true,
};

async function buildJavaScript() {
  rmSync(join(root, 'dist/commands'), { recursive: true, force: true });
  const page = await buildPage();
  const results = await Promise.all([
    ...bundles.map((commands) =>
      build({
        ...forCommands,
        stdin: entry(commands),
        outfile: `dist/commands/${commands.join('-')}.cjs`,
        // an ES import of the addon's wrapper would load Node's whole module loader; it is CommonJS anyway
        supported: { 'dynamic-import': false },
        define: {
          ...shared.define,
          'import.meta.url': 'importMetaUrl',
          SMC_TOOLS_PAGE_STYLE: JSON.stringify(page.style),
          SMC_TOOLS_PAGE_SCRIPT: JSON.stringify(page.script),
        },
        banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
        plugins: [withoutChildProcess, withGlobalProcess, withOurAddon, withOthersBeside],
      }),
    ),
    ...BESIDE.map((name) =>
      build({
        ...forCommands,
        entryPoints: [require.resolve(name)],
        outfile: `dist/commands/${name}.cjs`,
      }),
    ),
  ]);
  for (const commands of bundles) identify(join(root, `dist/commands/${commands.join('-')}.cjs`));
  await build({
    ...shared,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/index.js',
    format: 'esm',
    // names stay, for stack traces
    minifyWhitespace: true,
    minifySyntax: true,
    // netlink is CommonJS; what it makes of its directory, our loader ignores
    define: { ...shared.define, __dirname: "''" },
    banner: {
      js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);",
    },
    plugins: [withOurAddon],
  });
  writeNotices([...page.inputs, ...results.flatMap(({ metafile }) => Object.keys(metafile.inputs))]);
}

/** Puts in front of a bundle by what load.cjs knows whether a code cache belongs to it. */
function identify(/** @type {string} */ file) {
  const text = readFileSync(file);
  const identity = createHash('sha256').update(text).digest('hex').slice(0, 32);
  writeFileSync(file, `//${identity}\n${text}`);
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

/** What npm links to has no suffix. It is the script; the programs of this checkout are in dist/native/bin. */
function buildLaunchers() {
  for (const file of Object.values(bin)) {
    const temporary = join(root, dirname(file), `.${basename(file)}.${process.pid}.tmp`);
    copyFileSync(join(root, `${file}.js`), temporary);
    renameSync(temporary, join(root, file)); // somebody may be reading it
  }
}

/** Puts the program that starts commands where it knows by its own name which one to start, as distributions do. */
function placeStarters() {
  const directory = join(native, 'bin');
  mkdirSync(directory, { recursive: true });
  for (const name of Object.keys(bin)) {
    const temporary = join(directory, `.${name}.${process.pid}.tmp`);
    linkSync(join(native, 'smc-start'), temporary);
    renameSync(temporary, join(directory, name));
    // a rename to another link of the same file does nothing
    rmSync(temporary, { force: true });
  }
}

const native = join(root, 'dist/native');
/** Says that all of dist/ is there, for `buildIsCurrent` in setup.mjs; in dist/native/, which is in no package. */
const mark = join(native, '.built');
rmSync(mark, { force: true });
await buildJavaScript();
buildLaunchers();
for (const file of readdirSync(join(root, 'src/launch')))
  copyFileSync(join(root, 'src/launch', file), join(root, 'dist/commands', file));
await require(join(root, 'dist/commands/write-caches.cjs')).writeCaches();
buildTypes();
buildCompletions();
const { missingCompiler } = await buildNative({ log: (line) => console.error(`native: ${line}`) });
provideNetlink(process.arch, native, process.env.CXX || 'c++');
if (existsSync(join(native, 'smc-start'))) placeStarters();
if (missingCompiler)
  console.error(
    'native: without the C part smc_run does not work; all other commands do. Install a C compiler.',
  );
else writeFileSync(mark, process.version);
