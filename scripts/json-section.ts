// SPDX-License-Identifier: MIT
/** The section JSON of a man page, made of the schemas of the documents that the page describes. */
import { isDeepStrictEqual } from 'node:util';
import { escaped, type Names, prose } from './mdoc.ts';

/** What we use of JSON Schema. */
export interface Schema {
  description?: string;
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  /** of an object whose keys are names */
  additionalProperties?: boolean | Schema;
}

/** A document, and the command line under which the page describes it. */
export interface PageDocument {
  title: string;
  schema: Schema;
}

type Fields = Record<string, Schema>;

/** Something that a value can be; a schema without references and alternatives. */
interface Possibility {
  /** type in words */
  word: string;
  /** the only value of this type that is allowed */
  literal?: string;
  /** description of a type that has a name of its own */
  note?: string;
  fields?: Fields;
  elements?: Possibility[];
  description?: string;
}

/** An object whose fields the section has listed. */
interface Listed {
  fields: Fields;
  /** name of a field that is such an object */
  name: string;
  /** title of the document */
  title: string;
}

/** An object that has as many fields of another one is described by the fields that it has besides. */
const WORTH_A_REFERENCE = 5;

/**
 * @param page such as smcss(8)
 * @param introduction lines of mdoc that come first
 * @param documents in the order in which they are described; each is a subsection if there are several
 * @param sections of the page
 * @returns lines of mdoc
 */
export function jsonSection(
  page: string,
  introduction: readonly string[],
  documents: readonly PageDocument[],
  sections: ReadonlySet<string>,
): string[] {
  const names = { page, fields: new Set(documents.flatMap(({ schema }) => fieldNames(schema))), sections };
  const listed: Listed[] = [];
  const texts = documents.map((document) => [
    documents.length > 1 ? `.Ss ${escaped(document.title)}` : '.Pp',
    ...new DocumentText(document, names, listed).lines(),
  ]);
  return [...introduction, ...texts.flat()];
}

/** Names of the fields of a schema, at every depth. */
function fieldNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, inner]) =>
    key === 'properties'
      ? [...Object.keys(inner), ...Object.values(inner).flatMap(fieldNames)]
      : fieldNames(inner),
  );
}

class DocumentText {
  readonly #title: string;
  readonly #schema: Schema;
  readonly #names: Names;
  /** shared by the documents of a page */
  readonly #listed: Listed[];

  constructor({ title, schema }: PageDocument, names: Names, listed: Listed[]) {
    this.#title = title;
    this.#schema = schema;
    this.#names = names;
    this.#listed = listed;
  }

  lines(): string[] {
    const about = this.#prose(this.#schema.description);
    const variants = this.#possibilities(this.#schema);
    // variants that say nothing of themselves differ in the name of a field only
    if (variants.length === 1 || variants.some(({ description }) => !description))
      return [...about, ...this.#list(Object.assign({}, ...variants.map(({ fields }) => fields)))];
    return [
      ...about,
      ...variants.flatMap(({ description, fields = {} }) => [
        '.Pp',
        ...this.#prose(description),
        ...this.#object(fields),
      ]),
    ];
  }

  /** The fields of an object, by reference as far as they are listed already. */
  #object(fields: Fields): string[] {
    const known = this.#known(fields);
    if (!known) return this.#list(fields);
    const rest = Object.entries(fields).filter(([name]) => !(name in known.fields));
    const place = known.title === this.#title ? [] : ['in', `.Sx ${escaped(known.title)}`];
    const reference = ['The fields are those of', `.Va ${known.name}`, ...place];
    const last = reference.pop();
    if (rest.length === 0) return [...reference, `${last} .`];
    return [...reference, `${last} ,`, 'and:', ...this.#list(Object.fromEntries(rest))];
  }

  /** The listed object with these fields, or else the largest one of which these have all. */
  #known(fields: Fields): Listed | undefined {
    const size = ({ fields }: Pick<Listed, 'fields'>): number => Object.keys(fields).length;
    return this.#listed
      .filter(
        (other) =>
          (size(other) === size({ fields }) || size(other) >= WORTH_A_REFERENCE) &&
          Object.entries(other.fields).every(([name, schema]) => isDeepStrictEqual(schema, fields[name])),
      )
      .sort((a, b) => size(b) - size(a))[0];
  }

  #list(fields: Fields): string[] {
    return ['.Bl -tag -width Ds', ...this.#groups(fields).flatMap((group) => this.#item(...group)), '.El'];
  }

  /** Fields that one item describes: they have the same type and comment. */
  #groups(fields: Fields): [names: string[], schema: Schema][] {
    const groups: [names: string[], schema: Schema][] = [];
    for (const [name, schema] of Object.entries(fields)) {
      const last = groups.at(-1);
      if (last && isDeepStrictEqual(last[1], schema)) last[0].push(name);
      else groups.push([[name], schema]);
    }
    return groups;
  }

  #item(names: readonly string[], schema: Schema): string[] {
    const possibilities = this.#possibilities(schema);
    const text = fieldText(schema.description, possibilities);
    const objects = possibilities
      .flatMap((one) => [one, ...(one.elements ?? [])])
      .flatMap(({ fields }) => (fields ? [fields] : []));
    const lines = objects.flatMap((fields) => {
      const inner = this.#object(fields);
      this.#listed.push({ fields, name: names[0]!, title: this.#title });
      return inner;
    });
    if (!text && lines.length === 0)
      throw new Error(`${this.#title}: the field ${names[0]} needs a comment in src/documents/`);
    return [`.It Va ${names.join(' , ')} Pq ${typeWords(possibilities)}`, ...this.#prose(text), ...lines];
  }

  #prose(text = ''): string[] {
    return prose(sentence(text), this.#names);
  }

  #possibilities(schema: Schema): Possibility[] {
    const { $ref, anyOf, description } = schema;
    if ($ref) {
      const name = $ref.replace('#/$defs/', '');
      const definition = this.#schema.$defs?.[name];
      if (!definition) throw new Error(`${this.#title}: ${$ref} is not defined`);
      return this.#possibilities(definition).map((one) => named(name, one));
    }
    if (anyOf) return anyOf.flatMap((one) => this.#possibilities(one));
    if (schema.enum) return schema.enum.map((value) => (value === null ? { word: 'null' } : literal(value)));
    if (schema.const !== undefined) return [literal(schema.const)];
    const byName = schema.additionalProperties;
    const elements = [
      schema.items ?? [],
      schema.prefixItems ?? [],
      typeof byName === 'object' ? byName : [],
    ].flat();
    return [schema.type ?? []].flat().map((type) => ({
      word: type === 'integer' ? 'number' : type,
      ...(schema.properties && { fields: schema.properties }),
      ...(elements.length > 0 && { elements: elements.flatMap((one) => this.#possibilities(one)) }),
      ...(description && { description }),
    }));
  }
}

const literal = (value: unknown): Possibility => ({ word: typeof value, literal: String(value) });

/** What is said of a type that has a name; of numbers and hexadecimal digits, the type in words says all. */
function named(name: string, one: Possibility): Possibility {
  if (name === 'Integer') return { word: one.word };
  if (one.fields) return one;
  if (name === 'Hex') return { ...one, word: 'hexadecimal string' };
  return one.description ? { ...one, note: one.description } : one;
}

/** Such as "array of objects or null"; null comes last. */
function typeWords(possibilities: readonly Possibility[]): string {
  const words = possibilities.map(({ word, elements = [] }) => {
    const inner = elements.filter((element) => element.word !== 'null').map((element) => `${element.word}s`);
    return inner.length > 0 ? `${word} of ${either(inner)}` : word;
  });
  return either([...words.filter((word) => word !== 'null'), ...words.filter((word) => word === 'null')]);
}

/** "a, b or c", each once. */
function either(words: readonly string[]): string {
  const unique = [...new Set(words)];
  const last = unique.pop() ?? '';
  return unique.length > 0 ? `${unique.join(', ')} or ${last}` : last;
}

/** The comment, with the words that are allowed unless it has them. */
function fieldText(comment = '', possibilities: readonly Possibility[]): string {
  const words = possibilities.flatMap(({ literal }) => (literal === undefined ? [] : `\`${literal}\``));
  const notes = possibilities.flatMap(({ note = [] }) => note);
  if (words.length === 0 || words.every((word) => comment.includes(word)))
    return [sentence(comment), ...notes].filter(Boolean).join(' ');
  const others = notes.map((note) => `${note[0]!.toLowerCase()}${note.slice(1).replace(/\.$/, '')}`);
  const allowed = either([...words, ...others]);
  if (!comment) return sentence(words.length === 1 ? `always ${allowed}` : allowed);
  if (comment.endsWith('.')) return `${comment} ${sentence(allowed)}`;
  // the words belong to what the comment says first
  const [first = '', ...more] = comment.split('; ');
  return sentence([`${first}: ${allowed}`, ...more].join('; '));
}

/** With a capital letter and a full stop; comments on fields are mostly a few words. */
export function sentence(text: string): string {
  if (!text) return '';
  return `${text[0]!.toUpperCase()}${text.slice(1)}${/[.:]$/.test(text) ? '' : '.'}`;
}
