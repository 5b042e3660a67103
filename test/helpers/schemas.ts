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
 * @param command line with all its words, as "smcr -dj linkgroup link-show"
 * @param json text or value; if there are several lines, each is a document
 * @returns what is wrong; empty if nothing is
 */
export function validate(command: string | readonly string[], json: unknown): string[] {
  const title = titleFor(typeof command === 'string' ? command.split(' ') : command);
  if (title === undefined) return [`no schema in schemas/ is for ${[command].flat().join(' ')}`];
  const check = validators.get(title) ?? ajv.compile(schemas.get(title)!);
  validators.set(title, check);
  return documentsIn(json).flatMap((document) => {
    if (check(document)) return [];
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${title}: ${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  });
}

function documentsIn(json: unknown): unknown[] {
  if (typeof json !== 'string') return [json];
  const lines = json.trimEnd().split('\n');
  const areAll = lines.every((line) => line.startsWith('{') && line.endsWith('}'));
  return areAll ? lines.map((line) => JSON.parse(line)) : [JSON.parse(json)];
}

/** Options that choose another document, in the spelling of the title. */
const SPELLINGS: readonly (readonly [title: string, options: RegExp])[] = [
  ['--connect', /^(-[a-z6]*C|--connect)/],
  ['--server', /^(-[a-z6]*S|--server)/],
  ['--interfaces', /^(-[a-z6]*[ls]|--live-test|--static-analysis)/],
  ['--pnetid', /^(-[a-z6]*i|--pnetid)/],
  ['--explain', /^--explain/],
  ['--enable', /^--(enable|disable)/],
  ['--status', /^--status/],
  ['--summary', /^(-[a-zA-Z]*s|--summary)/],
  ['--group-by', /^--group-by/],
  ['--watch', /^--watch/],
  ['--events', /^(-[a-zA-Z]*E|--events)/],
];

/** The longest title whose words are all in the command line. smcr shares with smcd the schemas that it does not have. */
function titleFor([program = '', ...given]: readonly string[]): string | undefined {
  const chosen = SPELLINGS.filter(([, options]) => given.some((word) => options.test(word)));
  // a file, which has a name of its own
  if (program === 'smc_conf' && given.includes('export')) return 'smc.yaml';
  const isChoice = ['smc_chk', 'smc_run', 'smcss'].includes(program);
  const rest = isChoice ? chosen.map(([title]) => title) : given;
  const operands = rest.filter((word) => !word.startsWith('-'));
  const candidates = [...schemas.keys()].filter((title) => {
    const [name = '', ...others] = title.split(' ');
    const [options, keywords] = [true, false].map((is) =>
      others.filter((word) => word.startsWith('-') === is),
    );
    return (
      name === program &&
      options!.every((word) => rest.includes(word)) &&
      // keywords can be abbreviated
      keywords!.every((word, index) => operands[index] && word.startsWith(operands[index]))
    );
  });
  const [longest] = candidates.sort((a, b) => b.length - a.length);
  return longest ?? (program === 'smcr' ? titleFor(['smcd', ...rest]) : undefined);
}
