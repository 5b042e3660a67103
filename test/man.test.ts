// SPDX-License-Identifier: MIT
/** Man pages, help texts and option tables say the same; a command that joins package.json is checked, too. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Schema } from '../scripts/json-section.ts';
import { documentsOf, fieldsHeading, manPages, pageOf } from '../scripts/man.ts';
import { helpText, optionList, withCommonOptions } from '../src/cli/options.ts';
import type { CommandDefinition } from '../src/cli/run.ts';
import { type FallbackReason, fallbackReasons, formatReasonCode } from '../src/smc/fallback-reasons.ts';
import { SOCKET_STATES } from '../src/smc/sockets.ts';

import { type JsonSchema, schemas } from './helpers/schemas.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin, man } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  man: string[];
};
const pages = readdirSync(join(root, 'man')).sort();

const MANDATORY_SECTIONS = [
  'NAME',
  'SYNOPSIS',
  'DESCRIPTION',
  'OPTIONS',
  'ENVIRONMENT',
  'EXIT STATUS',
  'EXAMPLES',
  'SEE ALSO',
];

/** The definition in src/commands/<name>/command.ts, whatever it is called there. */
async function definitionOf(name: string): Promise<CommandDefinition> {
  const exports = Object.values(
    await import(`../src/commands/${name}/command.ts`),
  ) as Partial<CommandDefinition>[];
  const definition = exports.find((value) => value?.name === name && value.options);
  if (!definition) throw new Error(`src/commands/${name}/command.ts exports no command ${name}`);
  return withCommonOptions(definition as CommandDefinition);
}

/** Sections (.Sh) of a page: title to lines. */
function sectionsOf(page: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of readFileSync(join(root, 'man', page), 'utf8').split('\n')) {
    if (line.startsWith('.Sh ')) {
      lines = [];
      sections.set(line.slice(4).replaceAll('"', ''), lines);
    } else lines.push(line);
  }
  return sections;
}

/** Spelling of an option for comparison: `-I --interface NAME`. */
function spelling({
  short,
  long,
  value,
}: {
  short?: string | undefined;
  long?: string | undefined;
  value?: string | undefined;
}): string {
  return [short && `-${short}`, long && `--${long}`, value].filter(Boolean).join(' ');
}

/** Options that a page documents: list items such as `.It Fl I Ar NAME , Fl -interface Ns = Ns Ar NAME`. */
function documentedOptions(lines: readonly string[]): string[] {
  return lines
    .filter((line) => line.startsWith('.It Fl '))
    .map((line) => {
      const words = line.split(' ').slice(1);
      const option: { short?: string; long?: string } = {};
      const values: (string | undefined)[] = [];
      for (let i = 0; i < words.length; i++) {
        const next = words[i + 1] ?? '';
        if (words[i] === 'Ar') values[values.length - 1] = next;
        if (words[i] !== 'Fl') continue;
        values.push(undefined);
        const name = next === 'Fl' ? `-${words[i + 2]}` : next.replaceAll('\\', '');
        if (name.startsWith('-')) option.long = name.slice(1);
        else option.short = name;
      }
      // the value belongs to either spelling
      const value = new Set(values).size === 1 ? values[0] : values.map(String).join('|');
      return spelling({ ...option, value });
    });
}

/** Items of a list whose lines begin with a macro: `.It Va local , peer Pq object` gives local and peer. */
function items(lines: readonly string[], macro: string): string[] {
  return lines
    .filter((line) => line.startsWith(`.It ${macro} `))
    .flatMap((line) =>
      line
        .slice(`.It ${macro} `.length)
        .replace(/ P[qo] .*$/, '')
        .split(/[ ,]+/)
        .filter((word) => word && word !== macro),
    );
}

for (const name of Object.keys(bin))
  t.test(name, async (t) => {
    const definition = await definitionOf(name);
    const page = `${definition.page ?? name}.8`;
    if (!existsSync(join(root, 'man', page))) return t.fail(`man/${page} is missing`);
    const sections = sectionsOf(page);
    const offered = optionList(definition.options).filter(({ isHidden }) => !isHidden);

    t.strictSame(
      MANDATORY_SECTIONS.filter((section) => !sections.has(section)),
      [],
      'no section is missing',
    );
    t.ok(sections.get('SYNOPSIS')?.includes(`.Nm ${name}`), 'SYNOPSIS names the command');
    t.strictSame(
      documentedOptions(sections.get('OPTIONS') ?? []).sort(),
      offered.map(spelling).sort(),
      'the page documents exactly the options of the command',
    );

    const help = helpText(definition);
    t.match(help, `${page.slice(0, -2)}(8)`, 'the help names the page');
    for (const { short, long, value, optional, help: text } of offered) {
      const names = [short && `-${short}`, long && `--${long}`].filter(Boolean).join(', ');
      const line = help.split('\n').find((line) => line.trimStart().startsWith(`${names} `)) ?? '';
      const words = text.split(' ').slice(0, 2).join(' ');
      t.ok(line.includes(words), `the help explains ${names}`);
      if (value)
        t.ok(line.includes(optional ? `[${value}]` : `<${value}>`), `the help names the value of ${names}`);
    }

    t.ok(sections.get('JSON')?.length, 'there is a section JSON');
  });

t.test('what is generated is up to date', async (t) => {
  for (const [page, text] of manPages())
    t.equal(readFileSync(join(root, 'man', page), 'utf8'), text, `${page}: npm run man`);
});

t.test('every document is described, with all its fields and no others', async (t) => {
  const all = [...schemas.values()] as (Schema & JsonSchema)[];
  const described = new Set<string>();
  for (const page of pages) {
    const documents = documentsOf(pageOf(page), all);
    for (const { schema } of documents) described.add((schema as JsonSchema).title);
    const fields = documents.flatMap(({ schema }) => properties(schema));
    const json = documents.length > 0 ? (sectionsOf(page).get(fieldsHeading(pageOf(page))) ?? []) : [];
    t.strictSame([...new Set(items(json, 'Va'))].sort(), [...new Set(fields)].sort(), page);
  }
  t.strictSame(
    [...schemas.keys()].filter((title) => !described.has(title)),
    [],
  );
});

/** Names of all properties at every depth. */
function properties(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties' ? [...Object.keys(value), ...properties(Object.values(value))] : properties(value),
  );
}

t.test('every page', async (t) => {
  t.strictSame(man.map((path) => basename(path)).sort(), pages, 'package.json lists all pages');
  for (const page of pages) {
    const source = readFileSync(join(root, 'man', page), 'utf8');
    // in a line of its own or within another macro
    for (const [, name, section] of source.matchAll(/^\.(?:.* )?Xr ((?:smc|af_smc)\S*) (\d)/gm))
      t.ok(pages.includes(`${name}.${section}`), `${page}: ${name}(${section}) exists`);
  }
});

t.test('smcss(8) explains all that smcss shows', async (t) => {
  const output = sectionsOf('smcss.8').get('OUTPUT') ?? [];
  const subsection = (title: string): string[] => {
    const begin = output.indexOf(`.Ss ${title}`);
    const rest = output.slice(begin + 1);
    const end = rest.findIndex((line) => line.startsWith('.Ss '));
    return begin < 0 ? [] : rest.slice(0, end < 0 ? undefined : end);
  };
  t.strictSame(items(subsection('States'), 'Sy').sort(), Object.values(SOCKET_STATES).sort(), 'states');
  const list = subsection('Reason codes');
  const sentences = (remedy: string): string =>
    remedy
      .split('; ')
      .map((text) => `${text[0]!.toUpperCase()}${text.slice(1)}.`)
      .join(' ');
  t.equal(
    list.slice(list.findIndex((line) => line.startsWith('.It '))).join(' '),
    [...fallbackReasons.values()]
      .map(({ remedy, ...reason }) => `.It ${reasonLine(reason)} ${sentences(remedy)} `)
      .join('')
      .concat('.El'),
    'reason codes with name, meaning and remedy, in the order of the table',
  );
});

const reasonLine = ({ code, name, meaning }: Pick<FallbackReason, 'code' | 'name' | 'meaning'>): string =>
  `${formatReasonCode(code)} ${name}: ${meaning}`;

t.test('smc-tools(7) leads to every page, and every command to it', async (t) => {
  const map = readFileSync(join(root, 'man/smc-tools.7'), 'utf8');
  for (const page of pages) {
    const [name, section] = [pageOf(page), page.at(-1)];
    if (name !== 'smc-tools') t.ok(map.includes(`Xr ${name} ${section}`), `smc-tools(7) names ${page}`);
  }
  for (const name of Object.keys(bin))
    t.ok(sectionsOf(`${name}.8`).get('SEE ALSO')?.includes('.Xr smc-tools 7 ,'), `${name}(8)`);
  const common = withCommonOptions({ ...({} as CommandDefinition), options: {} }).options;
  t.strictSame(
    documentedOptions(map.split('\n')).sort(),
    optionList(common).map(spelling).sort(),
    'the common options',
  );
});
