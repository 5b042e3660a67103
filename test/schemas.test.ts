// SPDX-License-Identifier: MIT
/** schemas/, the types in src/documents/, the man pages and what commands print describe the same JSON. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { schemas as generate } from '../scripts/schemas.ts';
import { smcd } from '../src/commands/smcd/command.ts';
import { smcr } from '../src/commands/smcr/command.ts';
import { emptyKernel, inspectedKernel } from './helpers/inspected-kernel.ts';
import { runCommand } from './helpers/run-command.ts';
import { schemas, validate } from './helpers/schemas.ts';
import type { Expected } from './vm/record-fixtures.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin, man } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  man: string[];
};

t.test('the files are made of the types', async (t) => {
  const expected = generate();
  t.strictSame(readdirSync(join(root, 'schemas')).sort(), [...expected.keys()].sort(), 'npm run schemas');
  for (const [file, text] of expected)
    t.equal(readFileSync(join(root, 'schemas', file), 'utf8'), text, `${file}: npm run schemas`);
});

t.test('every command has a schema', async (t) => {
  const titles = [...schemas.keys()];
  for (const name of Object.keys(bin))
    t.ok(
      titles.some((title) => title.split(' ')[0] === name),
      name,
    );
});

t.test('what real kernels made the commands print', async (t) => {
  const scenes = readdirSync(join(root, 'test/fixtures'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('expected.json'),
  );
  let count = 0;
  for (const file of scenes) {
    const { runs } = JSON.parse(readFileSync(join(root, 'test/fixtures', file), 'utf8')) as Expected;
    for (const { argv, stdout } of runs) {
      if (!/^\s*\{/.test(stdout)) continue;
      t.strictSame(validate(argv, stdout), [], `${file}: ${argv.join(' ')}`);
      count++;
    }
  }
  t.ok(count > 40, `${count} documents`);
});

t.test('what kernels with everything and with nothing make smcd and smcr print', async (t) => {
  const hostRoot = t.testdir({ proc: { sys: { net: { smc: { wmem: '65536\n' } } } } });
  for (const kernel of [inspectedKernel, emptyKernel])
    for (const command of [smcd, smcr])
      for (const argv of [
        '-j info',
        '-j device',
        '-j linkgroup',
        '-j linkgroup link-show',
        '-j stats',
        'stats json',
        '-j stats --interval 0.1 --count 1',
        '-j ueid',
        '-j seid',
        '-j hs-limit',
        '-j sysctl',
      ]) {
        if (command === smcr && argv.includes('seid')) continue;
        const { stdout } = await runCommand(command, argv, { transport: kernel(), hostRoot });
        t.strictSame(validate(`${command.name} ${argv}`, stdout), [], `${command.name} ${argv}`);
      }
});

t.test('a field too many, one too few, and a wrong one', async (t) => {
  const entry = { pnet_id: 'NET1', kind: 'ethernet', interface: 'lo', ib_device: null, ib_port: null };
  t.strictSame(validate('smc_pnet -j', { pnet_table: [entry] }), []);
  t.match(validate('smc_pnet -j', { pnet_table: [{ ...entry, more: 1 }] }), [/additional properties/]);
  t.match(validate('smc_pnet -j', { pnet_table: [{ ...entry, kind: 'wire', interface: 7 }] }), [
    /kind must be equal to one of the allowed values/,
    /interface must be string/,
  ]);
  t.match(validate('smc_pnet -j', {}), [/required property 'pnet_table'/]);
  t.match(validate('smc_pnot -j', {}), [/no schema/]);
});

/** Names of all properties at every depth. */
function properties(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(properties);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties' ? [...Object.keys(value), ...properties(Object.values(value))] : properties(value),
  );
}

/** Names in `.Va` macros of the section JSON of a page, at the beginning of a line or in it. */
function documented(page: string): Set<string> {
  const [, section = ''] = /^\.Sh JSON\n([\s\S]*?)(?=^\.Sh |$(?![\s\S]))/m.exec(page) ?? [];
  return new Set(
    [...section.matchAll(/\bVa ([^\n]+)/g)]
      .flatMap(([, words]) => words!.replace(/ Pq .*?(?= , Va |$)/g, '').split(/[ ,]+/))
      .filter((word) => /^[\da-zA-Z_]+$/.test(word) && word !== 'Va'),
  );
}

/** The classes between the first and the last are not named one by one. */
const BETWEEN = ['16K', '32K', '64K', '128K', '256K', '512K'];

t.test('the pages name the fields of the schemas, and no others', async (t) => {
  // a page for each object where there is one, otherwise that of the command
  const pageOf = (title: string): string => {
    const words = title.split(' ').slice(0, 2);
    const candidates = [words.join('-'), words.join('-').replace('smcr', 'smcd'), words[0]!];
    const withJson = candidates.find(
      (name) =>
        man.includes(`man/${name}.8`) &&
        documented(readFileSync(join(root, `man/${name}.8`), 'utf8')).size > 0,
    );
    return withJson ?? words[0]!;
  };
  const both = (page: string): string => page.replace(/^smcr-/, 'smcd-');
  const titles = [...schemas.keys()];
  for (const page of new Set(titles.map(pageOf))) {
    // the pages of an object say the same of smcd and smcr
    const isOfPage = (title: string): boolean => both(pageOf(title)) === both(page);
    const some = [...schemas.values()].filter(({ title }) => isOfPage(title));
    const fields = new Set(some.filter(({ title }) => title !== 'smcd stats json').flatMap(properties));
    for (const size of BETWEEN) fields.delete(size);
    const names = documented(readFileSync(join(root, `man/${page}.8`), 'utf8'));
    t.strictSame(
      [...fields].filter((field) => !names.has(field)),
      [],
      `${page}(8) names every field`,
    );
    t.strictSame(
      [...names].filter((name) => !fields.has(name)),
      [],
      `${page}(8) names nothing else`,
    );
  }
});
