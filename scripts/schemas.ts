// SPDX-License-Identifier: MIT
/**
 * npm run schemas: generates schemas/ from the types in src/documents/. A type with a `@title` is a document. Its file is
 * named after the title, which is the command line without options that make no difference.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { createGenerator, type Schema } from 'ts-json-schema-generator';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * A field without a comment has that of the field before it, if they are of the same type: comments need not be repeated
 * where fields have them in common.
 */
function shareComments(fields: Record<string, Schema>): void {
  let before: Schema | undefined;
  for (const field of Object.values(fields)) {
    const { description, ...type } = before ?? {};
    if (!field.description && description && isDeepStrictEqual(field, type)) field.description = description;
    before = field;
  }
}

/** The generator writes draft 7; only two keywords differ from the draft we publish. Descriptions become one line. */
function modern(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(modern);
  if (typeof value !== 'object' || value === null) return value;
  if ('properties' in value) shareComments(value.properties as Record<string, Schema>);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      // where a line of a comment ends is of no meaning
      if (key === 'description') return [key, String(inner).replace(/\s+/g, ' ')];
      if (key === '$ref') return [key, String(inner).replace('#/definitions/', '#/$defs/')];
      if (key === 'items' && Array.isArray(inner)) return ['prefixItems', modern(inner)];
      return [key, modern(inner)];
    }),
  );
}

/** Schemas by file name. */
export function schemas(): Map<string, string> {
  const generator = createGenerator({
    path: join(root, 'src/documents/*.ts'),
    tsconfig: join(root, 'tsconfig.json'),
    skipTypeCheck: true,
    sortProps: false,
    minify: false,
  });
  const { definitions = {} } = generator.createSchema('*');
  const titled = Object.entries(definitions).filter(
    (entry): entry is [string, Schema & { title: string }] =>
      typeof entry[1] === 'object' && 'title' in entry[1],
  );
  return new Map(
    titled.map(([type, { title }]) => {
      const { [type]: top, ...others } = generator.createSchema(type).definitions ?? {};
      const document = {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title,
        ...(modern(top) as object),
        $defs: modern(others),
      };
      return [`${title.replace(/[ -]+/g, '-')}.schema.json`, `${JSON.stringify(document, undefined, 2)}\n`];
    }),
  );
}

/** Replaces the files. */
export function writeSchemas(): void {
  const directory = join(root, 'schemas');
  mkdirSync(directory, { recursive: true });
  for (const file of readdirSync(directory)) rmSync(join(directory, file));
  for (const [file, text] of schemas()) writeFileSync(join(directory, file), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeSchemas();
