import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The Debian suites that have kernels with SMC, the source of one, or a kernel 7.x as it comes. */
export type Suite = 'bookworm' | 'bookworm-backports' | 'trixie-backports' | 'forky';

/** Names a Debian mirror, for machines whose apt knows none that works: the URL of a `URIs:` line. */
export const mirrorVariable = 'SMC_TOOLS_DEBIAN_MIRROR';

/** Where this machine's settings are, for tests that make their own. */
export interface SourceOptions {
  /** The tree that has etc/apt; `/` if not given. */
  root?: string;
  /** In place of the variable {@link mirrorVariable}. */
  mirror?: string | undefined;
}

/**
 * Sources in deb822 format for a suite, likeliest first: the mirror that the user names, else the sources of Debian's
 * main packages that this machine has (same mirror, same key, other suite), else the mirror of Debian that
 * python-apt-common, a package of Ubuntu too, has among its templates. So no mirror has to be written down here.
 */
export async function debianSources(suite: string, options: SourceOptions = {}): Promise<string[]> {
  const { root = '/', mirror = process.env[mirrorVariable] } = options;
  if (mirror) return [stanza({ URIs: mirror, 'Signed-By': archiveKeyring(root) }, suite)];
  const own = (await ownDebianSources(root)).map((fields) => stanza(fields, suite));
  if (own.length > 0) return [...new Set(own)];
  const template = await templateMirror(root);
  // what is fetched is signed, and https takes certificates that a small system lacks
  const mirrors = template ? [template, template.replace(/^https:/, 'http:')] : [];
  return [...new Set(mirrors)].map((URIs) => stanza({ URIs, 'Signed-By': archiveKeyring(root) }, suite));
}

/** The Debian packages that a machine needs for {@link debianSources} where its own apt knows no Debian. */
export async function packagesForSources(options: SourceOptions = {}): Promise<string[]> {
  const { root = '/', mirror = process.env[mirrorVariable] } = options;
  if (mirror) return ['debian-archive-keyring'];
  if ((await ownDebianSources(root)).length > 0) return [];
  return ['debian-archive-keyring', 'python-apt-common'];
}

/** The system's name for itself, as `Ubuntu 24.04`. */
export async function systemName(root = '/'): Promise<string> {
  const text = await readFile(join(root, 'etc/os-release'), 'utf8').catch(() => '');
  const field = (key: string) => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  return `${field('NAME')} ${field('VERSION_ID')}`.trim() || 'this system';
}

function archiveKeyring(root: string): string {
  const files = ['gpg', 'pgp'].map((suffix) => `/usr/share/keyrings/debian-archive-keyring.${suffix}`);
  return files.find((file) => existsSync(join(root, file))) ?? files[0]!;
}

/** The mirror in the first suite of the template that is no suite of security fixes. */
async function templateMirror(root: string): Promise<string | undefined> {
  const directory = join(root, 'usr/share/python-apt/templates');
  // the name is of small letters since version 3
  const files = ['debian.info', 'Debian.info'].map((name) => join(directory, name));
  const text = await readFile(files.find((file) => existsSync(file)) ?? files[0]!, 'utf8').catch(() => '');
  for (const block of text.split(/^(?=Suite:)/m)) {
    const [, suite = ''] = /^Suite:\s*(\S+)/.exec(block) ?? [];
    const [, uri] = /^BaseURI:\s*(\S+)/m.exec(block) ?? [];
    if (uri && suite && !/[-/]/.test(suite)) return uri;
  }
  return undefined;
}

type SourceFields = Record<string, string>;

async function ownDebianSources(root: string): Promise<SourceFields[]> {
  const found: { fields: SourceFields; fromDebian: boolean }[] = [];
  for (const file of await sourceFiles(root)) {
    const content = await readFile(file, 'utf8').catch(() => '');
    const sources = file.endsWith('.sources') ? parseStanzas(content) : parseLines(content);
    for (const fields of sources) {
      const suites = (fields.Suites ?? '').split(/\s+/);
      const isMain = (fields.Components ?? '').split(/\s+/).includes('main');
      if (!isMain || !suites.some(isDebianSuite) || fields.Enabled === 'no') continue;
      // Other publishers have suites of these names too.
      const fromDebian =
        /debian-archive/.test(fields['Signed-By'] ?? '') ||
        /^(debian\.sources|sources\.list)$/.test(basename(file));
      found.push({ fields, fromDebian });
    }
  }
  found.sort((a, b) => Number(b.fromDebian) - Number(a.fromDebian));
  return found.map(({ fields }) => fields);
}

async function sourceFiles(root: string): Promise<string[]> {
  const parts = join(root, 'etc/apt/sources.list.d');
  const names = await readdir(parts).catch(() => []);
  return [
    join(root, 'etc/apt/sources.list'),
    ...names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(parts, name)),
  ];
}

/** Without the suites of security fixes, which a mirror keeps elsewhere. */
function isDebianSuite(name: string): boolean {
  return /^(bullseye|bookworm|trixie|forky|duke|(old)*stable|testing|sid|unstable)(-updates|-backports)?$/.test(
    name,
  );
}

function parseStanzas(content: string): SourceFields[] {
  const withoutComments = content.replace(/^#.*\n/gm, '');
  return withoutComments.split(/\n\s*\n/).map((paragraph) => {
    const fields: SourceFields = {};
    // A line that begins with a blank goes on with the field before it.
    for (const [, key = '', value = ''] of paragraph.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm))
      fields[key] = value.trim();
    return fields;
  });
}

function parseLines(content: string): SourceFields[] {
  const sources: SourceFields[] = [];
  for (const line of content.split('\n')) {
    const match = /^\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) continue;
    const [, options = '', URIs = '', Suites = '', Components = ''] = match;
    const key = /signed-by=(\S+)/.exec(options)?.[1];
    sources.push({ URIs, Suites, Components, ...(key && { 'Signed-By': key.replaceAll(',', ' ') }) });
  }
  return sources;
}

function stanza(fields: SourceFields, suite: string): string {
  const key = fields['Signed-By'] ? `Signed-By: ${fields['Signed-By']}\n` : '';
  return `Types: deb\nURIs: ${fields.URIs}\nSuites: ${suite}\nComponents: main\n${key}`;
}
