// SPDX-License-Identifier: MIT
/** The pages in Markdown name only files, links and npm scripts that exist, and every npm script is in one of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { pageWithGraph } from '../scripts/graph.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'native/README.md',
  'test/vm/README.md',
  'bench/README.md',
  ...readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `examples/${name}`),
];

/** Folders that a build or an installation makes. */
const MADE = new Set(['.git', '.tap', 'build', 'dist', 'node_modules', 'prebuilds']);

/** All files and, with a slash at the end, folders of the project; relative. */
function tree(folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return folder === '' && MADE.has(entry.name) ? [] : [`${path}/`, ...tree(`${path}/`)];
  });
}
const files = tree();
const topFolders = new Set(files.filter((path) => /^[^/]+\/$/.test(path)));

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Names of source files, of folders below a folder of the project, and patterns of them. */
function isProjectPath(word: string): boolean {
  if (!/^[\w.*-]+(?:\/[\w.*-]*)*$/.test(word) || /[A-Z]{4}|^\*|\.\.\./.test(word)) return false;
  const [top = ''] = word.split('/');
  if (MADE.has(top)) return false;
  return /\.(?:ts|mjs|cjs|c|h|sh)$/.test(word) || topFolders.has(`${top}/`);
}

/** Whether a file or folder ends with these parts. */
function exists(word: string): boolean {
  const pattern = word.replace(/\/$/, '').replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*');
  const match = new RegExp(`(?:^|/)${pattern}/?$`);
  return files.some((path) => match.test(path));
}

/** Anchors of a page, as web pages of repositories make them of its headings. */
const anchors = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );

for (const page of PAGES)
  t.test(page, async (t) => {
    const text = read(page);
    for (const [, word = ''] of text.matchAll(/`([^`\s]+)`/g))
      if (isProjectPath(word) && !exists(word)) t.fail(`${word} does not exist`);
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(root, file))) t.fail(`link to ${file}, which does not exist`);
      else if (anchor !== undefined && !anchors(file).includes(anchor))
        t.fail(`${file} has no heading for #${anchor}`);
    }
    t.pass();
  });

t.test('the graph of the folders is what the imports make it', async (t) => {
  const page = read('docs/layout.md');
  t.equal(pageWithGraph(page), page, 'npm run graph');
  t.match(page, /^ {2}smc --> netlink$/m);
  t.not(
    pageWithGraph(page.replace('  smc --> netlink\n', '')),
    page.replace('  smc --> netlink\n', ''),
    'a stale one is found',
  );
});

t.test('the rules find what is wrong', async (t) => {
  t.ok(isProjectPath('src/cli/run.ts') && exists('src/cli/run.ts'));
  t.ok(isProjectPath('guest.ts') && exists('guest.ts'), 'names without a folder');
  t.ok(isProjectPath('launch-*.c') && exists('launch-*.c'), 'patterns');
  t.ok(isProjectPath('src/no-such/') && !exists('src/no-such/'));
  t.ok(isProjectPath('no-such.ts') && !exists('no-such.ts'));
  t.notOk(exists('uest.ts'), 'a part of a name is another name');
});

t.test('npm scripts', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = new Map<string, string>();
  for (const page of PAGES)
    for (const [, name = ''] of read(page).matchAll(/\bnpm run ([\w:-]+)/g)) named.set(name, page);
  for (const [name, page] of named) t.ok(name in scripts, `npm run ${name}, named in ${page}`);
  // those that npm runs itself
  const byNpm = ['prepack', 'test'];
  for (const name of Object.keys(scripts))
    if (!byNpm.includes(name)) t.ok(named.has(name), `npm run ${name} is described in a page`);
});
