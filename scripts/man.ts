// SPDX-License-Identifier: MIT
/**
 * npm run man: writes what is generated in man/. The section JSON of a page is made of the schemas of the documents that
 * the page is about, the pages of smcr's objects of those of smcd's, the list of checks in smc_chk(8) and that of metrics in
 * smc_exporter(8) of their definitions. The schemas are made first.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECKS } from '../src/smc/checks/index.ts';
import { checkList } from './check-list.ts';
import { jsonSection, type PageDocument, type Schema } from './json-section.ts';
import { metricsList } from './metrics-list.ts';
import { writeSchemas } from './schemas.ts';
import { smcrPage } from './smcr-pages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = join(root, 'man');
const names = readdirSync(directory);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

/** What is said of all documents. */
const ON_ALL = [
  'The document is written on one line, or indented on a terminal.',
  'All fields are always present unless something else is said.',
  'A field is null if its value does not apply or is not known.',
  'Numbers have all their digits: a program that reads JSON numbers as floating',
  'point may round those of 64 bits.',
  'Hexadecimal strings have no prefix; only reason codes have one.',
];

/** What all objects of smcd or smcr have in common is said on the page of the command. */
const onObjects = (command: string): string[] => [
  'What all documents of',
  `.Nm ${command}`,
  'have in common is said in',
  `.Xr ${command} 8 .`,
];

/** Pages with something generated in them, by file name. */
export function manPages(): Map<string, string> {
  const schemas = readdirSync(join(root, 'schemas'))
    .map(
      (file) => JSON.parse(readFileSync(join(root, 'schemas', file), 'utf8')) as Schema & { title: string },
    )
    .sort((a, b) => (a.title < b.title ? -1 : 1));
  const pages = new Map<string, string>();
  for (const name of names.sort()) {
    const text = name.startsWith('smcr-')
      ? smcrPage(read(name), read(name.replace('smcr', 'smcd')), (object) =>
          names.includes(`smcr-${object}.8`),
        )
      : read(name);
    const page = pageOf(name);
    const documents = documentsOf(page, schemas);
    const withList =
      page === 'smc_chk' ? withChecks(text) : page === 'smc_exporter' ? withMetrics(text) : text;
    if (documents.length > 0) pages.set(name, withJson(page, withList, documents));
  }
  return pages;
}

/** Name of a page without its section: "smc.yaml" of smc.yaml.5. */
export const pageOf = (file: string): string => file.replace(/\.\d$/, '');

/** The heading under which a page lists the fields of its documents: that of a file has keys. */
export const fieldsHeading = (page: string): string => (page === 'smc.yaml' ? 'KEYS' : 'JSON');

/** The documents that a page is about. smcr shares with smcd those that it has no schema of its own for. */
export function documentsOf(page: string, schemas: readonly (Schema & { title: string })[]): PageDocument[] {
  const [command, ...object] = page.split('-');
  const start = [command, ...(object.length > 0 ? [object.join('-')] : [])].join(' ');
  const isOf = (title: string, start: string): boolean => `${title} `.startsWith(`${start} `);
  const isCommandWithObjects = object.length === 0 && names.some((name) => name.startsWith(`${command}-`));
  if (isCommandWithObjects) return [];
  const own = schemas.filter(({ title }) => isOf(title, start));
  if (own.length > 0 || command !== 'smcr') return own.map((schema) => ({ title: schema.title, schema }));
  return documentsOf(page.replace('smcr', 'smcd'), schemas).map(({ title, schema }) => ({
    title: title.replace('smcd', 'smcr'),
    schema,
  }));
}

/** What is said of the keys of a file. */
const ON_KEYS = ['Keys may be in any order, and each may be missing unless it is required.'];

/** From a heading to the next one. */
const section = (heading: string): RegExp => new RegExp(`^\\.Sh ${heading}\\n[\\s\\S]*?(?=^\\.Sh )`, 'm');

const sectionsOf = (text: string): Set<string> =>
  new Set([...text.matchAll(/^\.Sh (.+)$/gm)].map(([, title]) => title!));

/** The list at the end of the section CHECKS, behind what is said of all checks. */
const CHECK_LIST = /(^\.Sh CHECKS\n(?:(?!\.Sh |\.Bl ).*\n)*)(?:(?!\.Sh ).*\n)*/m;

function withChecks(text: string): string {
  const explained = CHECKS.flatMap(({ explained }) => [...explained]);
  const lines = checkList('smc_chk(8)', explained, sectionsOf(text));
  return text.replace(CHECK_LIST, (_, introduction: string) => `${introduction}${lines.join('\n')}\n`);
}

/** The subsections of the section METRICS, behind what is said of all metrics. */
const METRICS_LIST = /(^\.Sh METRICS\n(?:(?!\.S[hs] ).*\n)*)(?:(?!\.Sh ).*\n)*/m;

function withMetrics(text: string): string {
  const lines = metricsList('smc_exporter(8)', sectionsOf(text));
  return text.replace(METRICS_LIST, (_, introduction: string) => `${introduction}${lines.join('\n')}\n`);
}

function withJson(page: string, text: string, documents: readonly PageDocument[]): string {
  const [command = '', object] = page.split('-');
  const sections = sectionsOf(text);
  const heading = fieldsHeading(page);
  const isFile = heading === 'KEYS';
  const introduction = isFile ? ON_KEYS : object ? onObjects(command) : ON_ALL;
  const lines = jsonSection(`${page}(${isFile ? 5 : 8})`, introduction, documents, sections);
  const place = section(heading);
  if (!place.test(text)) throw new Error(`the page ${page} has no section ${heading} before another one`);
  return text.replace(place, () => `${[`.Sh ${heading}`, ...lines].join('\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeSchemas();
  for (const [name, text] of manPages()) writeFileSync(join(directory, name), text);
}
