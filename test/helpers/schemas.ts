// SPDX-License-Identifier: MIT
/** Checks what a command printed against schemas/. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

const directory = fileURLToPath(new URL('../../schemas/', import.meta.url));

export interface JsonSchema {
  title: string;
  properties?: Record<string, unknown>;
}

/** All schemas by their title, which is a command line. */
export const schemas: ReadonlyMap<string, JsonSchema> = new Map(
  readdirSync(directory).map((file) => {
    const schema = JSON.parse(readFileSync(`${directory}${file}`, 'utf8')) as JsonSchema;
    return [schema.title, schema];
  }),
);

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>();

/**
 * Checks a document.
 * @param command line with all its words, as "smcr -dj linkgroup link-show", or the title of a schema
 * @param json text or value
 * @returns what is wrong; nothing if all is well
 */
export function validate(command: string | readonly string[], json: unknown): string[] {
  const title = titleFor(typeof command === 'string' ? command.split(' ') : command);
  if (title === undefined) return [`no schema in schemas/ is for ${[command].flat().join(' ')}`];
  const check = validators.get(title) ?? ajv.compile(schemas.get(title)!);
  validators.set(title, check);
  if (check(typeof json === 'string' ? JSON.parse(json) : json)) return [];
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${title}: ${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** The longest title whose words are all in the command line; what smcr has not, it shares with smcd. */
function titleFor(words: readonly string[]): string | undefined {
  const [program = '', ...rest] = words;
  const candidates = [...schemas.keys()].filter((title) => {
    const [name = '', ...others] = title.split(' ');
    return name === program && others.every((word) => rest.includes(word));
  });
  const [longest] = candidates.sort((a, b) => b.length - a.length);
  return longest ?? (program === 'smcr' ? titleFor(['smcd', ...rest]) : undefined);
}
