// SPDX-License-Identifier: MIT
/** Imports point down only, and a few things belong in one place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readSources } from '../scripts/imports.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const sources = readSources();

/** Own modules that files of a folder may import, besides what `also` allows. */
const RULES: Record<string, { folders: string[]; also?: (target: string, isTypeOnly: boolean) => boolean }> =
  {
    netlink: { folders: ['netlink'] },
    smc: { folders: ['smc', 'netlink', 'host'] },
    host: { folders: ['host'] },
    recording: {
      folders: ['recording', 'smc', 'netlink', 'host'],
      also: (target, isTypeOnly) => isTypeOnly && target === 'documents/smc_dbg.ts',
    },
    output: { folders: ['output'] },
    documents: { folders: ['documents'] },
    cli: {
      folders: ['cli', 'smc', 'output'],
      also: (target, isTypeOnly) => target === 'version.ts' || (isTypeOnly && target.startsWith('netlink/')),
    },
    commands: {
      folders: ['cli', 'smc', 'recording', 'host', 'output', 'documents'],
      also: (target) => target === 'version.ts',
    },
  };

/** Folders of commands that a file may import, besides its own. */
const SHARED_FOLDERS: readonly [file: RegExp, folder: string][] = [
  [/^commands\/smc[dr]\//, 'smcd-smcr'],
  [/^commands\/smcd-smcr\//, 'smcd-smcr'],
  [/^commands\/smc_(run|conf)\//, 'services'],
  [/^commands\/smc_dbg\/suite\.ts$/, '.*'],
];

/** Whether the folder of one command imports from its own folder, or from one that it shares. */
function isInCommand(file: string, target: string): boolean {
  const [, own] = file.split('/');
  const [top, folder = ''] = target.split('/');
  if (top !== 'commands' || !file.startsWith('commands/')) return false;
  return (
    folder === own ||
    SHARED_FOLDERS.some(([from, to]) => from.test(file) && new RegExp(`^${to}$`).test(folder))
  );
}

/** Loaded by cli/run.ts on demand only: for --from, the debug and the record variable. */
const ON_DEMAND = [
  'host/safe-directory.ts',
  'netlink/debug.ts',
  'netlink/codec.ts',
  'netlink/transport.ts',
  'recording/bundle.ts',
  'recording/recorder.ts',
  'recording/recording.ts',
];

/** Packages that a file may import; everything else is Node's. */
const PACKAGES: Record<string, string[]> = {
  'netlink/transport.ts': ['netlink/dist/raw.js'],
  'cli/options.ts': ['commander'],
  'output/style.ts': ['chalk'],
  'recording/archive.ts': ['tar'],
  'output/grid.ts': ['cli-table3'],
  'commands/smc_conf/yaml.ts': ['yaml'],
  'commands/smc_exporter/exposition.ts': ['prom-client/lib/registry.js'],
  'commands/smc_exporter/server/basic-auth.ts': ['bcryptjs'],
  'commands/smc_exporter/server/web-config.ts': ['yaml'],
  // of the script that runs in the browser
  'commands/smc_exporter/page/client/charts.ts': ['uplot'],
  'commands/smc_exporter/page/client/dom.ts': ['idiomorph'],
};

const isOwn = (target: string): boolean => target.endsWith('.ts');

t.test('the sources are found', async (t) => {
  t.ok(sources.length > 30);
  const count = sources.reduce((sum, { imports }) => sum + imports.length, 0);
  t.ok(count > 100, `${count} imports`);
  const transport = sources.find(({ file }) => file === 'netlink/transport.ts');
  t.ok(
    transport?.imports.some(({ target }) => target === 'netlink/dist/raw.js'),
    'dynamic imports, too',
  );
});

for (const [folder, { folders, also }] of Object.entries(RULES))
  t.test(`${folder} imports ${folders.join(', ')}`, async (t) => {
    for (const { file, imports } of sources.filter((source) => source.file.startsWith(`${folder}/`)))
      for (const { target, isTypeOnly } of imports.filter(({ target }) => isOwn(target))) {
        const [top = ''] = target.split('/');
        const isAllowed =
          folders.includes(top) ||
          also?.(target, isTypeOnly) ||
          isInCommand(file, target) ||
          (file === 'cli/run.ts' && ON_DEMAND.includes(target));
        if (!isAllowed) t.fail(`${file} imports ${target}`);
      }
    t.pass();
  });

t.test('every file is under a rule', async (t) => {
  for (const { file } of sources)
    t.ok(['index.ts', 'version.ts'].includes(file) || file.split('/')[0]! in RULES, file);
});

t.test('packages are imported in one place each', async (t) => {
  for (const { file, imports } of sources)
    for (const { target } of imports.filter(({ target }) => !isOwn(target)))
      if (!target.startsWith('node:') && !target.endsWith('.json') && !PACKAGES[file]?.includes(target))
        t.fail(`${file} imports ${target}`);
  t.pass();
});

t.test('only netlink/transport.ts knows the package netlink', async (t) => {
  for (const { file, code } of sources) if (/['"]netlink\//.test(code)) t.equal(file, 'netlink/transport.ts');
  t.pass();
});

t.test('exit status and standard streams', async (t) => {
  for (const { file, code } of sources) {
    t.notMatch(code, /process\.exit\(/, `${file}: process.exit() cuts piped output`);
    if (file !== 'cli/run.ts') t.notMatch(code, /process\.exitCode/, `${file}: the runner sets the status`);
    t.notMatch(code, /\bconsole\./, `${file}: output goes through Io`);
    if (file !== 'cli/io.ts')
      t.notMatch(code, /process\.(?:stdout|stderr)/, `${file}: streams belong to cli/io.ts`);
  }
});

t.test('every file names its license', async (t) => {
  for (const { file } of sources)
    t.match(readFileSync(join(SRC, file), 'utf8'), /^\/\/ SPDX-License-Identifier: MIT\n/, file);
});
