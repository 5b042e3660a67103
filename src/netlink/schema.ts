// SPDX-License-Identifier: MIT
/**
 * Layouts, declared once: attribute sets and C structs. A declaration decodes replies, encodes requests (and
 * the replies of the tests' fake kernel), feeds the debug dump, and gives the TypeScript type by inference.
 */
import { type ByteOrder, type Codec, type FixedCodec, MalformedError } from './codec.ts';

/** NLA_F_NESTED | NLA_F_NET_BYTEORDER, include/uapi/linux/netlink.h */
export const NLA_TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;
export const NLA_HEADER_SIZE = 4;

/** Lengths of messages and attributes are rounded up to this (NLMSG_ALIGNTO, NLA_ALIGNTO). */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/** `[id, codec]`: optional; `'required'`: its absence is an error; `'list'`: may repeat, gives an array. */
export type Field<T> =
  | readonly [id: number, codec: Codec<T>]
  | readonly [id: number, codec: Codec<T>, presence: 'required' | 'list'];

// biome-ignore lint/suspicious/noExplicitAny: the record of fields is heterogeneous; Infer restores the types
export type Fields = Readonly<Record<string, Field<any>>>;

type ValueOf<F> = F extends readonly [number, Codec<infer T>, ...unknown[]] ? T : never;
type Presence<F, P> = F extends readonly [number, unknown, P] ? true : false;
type RequiredKeys<F extends Fields> = {
  [K in keyof F]: Presence<F[K], 'required'> extends true ? K : never;
}[keyof F];
type ListKeys<F extends Fields> = {
  [K in keyof F]: Presence<F[K], 'list'> extends true ? K : never;
}[keyof F];
type Flat<T> = { [K in keyof T]: T[K] };

/** Values of an attribute set: absent attributes are `undefined`, never 0 or ''. */
export type AttributeValues<F extends Fields> = Flat<
  { -readonly [K in RequiredKeys<F>]: ValueOf<F[K]> } & { -readonly [K in ListKeys<F>]: ValueOf<F[K]>[] } & {
    -readonly [K in Exclude<keyof F, RequiredKeys<F> | ListKeys<F>>]?: ValueOf<F[K]>;
  }
>;

/** One attribute as it is on the wire, for the debug dump. */
export interface RawAttribute {
  id: number;
  offset: number;
  length: number;
}

/** An attribute set. It is also a codec, so a nest is declared like any other attribute. */
export interface AttributeSet<F extends Fields = Fields> extends Codec<AttributeValues<F>> {
  readonly fields: F;
}

/** The type of the values that a schema or codec describes. */
export type Infer<S> = S extends Codec<infer T> ? T : never;

/**
 * Splits a run of attributes.
 * @throws MalformedError when an attribute claims more bytes than there are. Up to 3 bytes left at the end are
 *   padding and are ignored; so are attributes of length 4 (no data).
 */
export function* rawAttributes(
  data: Buffer,
  offset: number,
  length: number,
  order: ByteOrder,
): Generator<RawAttribute> {
  const end = offset + length;
  let at = offset;
  while (end - at >= NLA_HEADER_SIZE) {
    const size = order === 'LE' ? data.readUInt16LE(at) : data.readUInt16BE(at);
    const type = order === 'LE' ? data.readUInt16LE(at + 2) : data.readUInt16BE(at + 2);
    if (size < NLA_HEADER_SIZE || size > end - at)
      throw new MalformedError(
        `attribute ${type & NLA_TYPE_MASK} claims ${size} bytes, ${end - at} are there`,
      );
    yield { id: type & NLA_TYPE_MASK, offset: at + NLA_HEADER_SIZE, length: size - NLA_HEADER_SIZE };
    at += align4(size);
  }
}

function encodeAttribute(id: number, data: Buffer, nested: boolean, order: ByteOrder): Buffer {
  const size = NLA_HEADER_SIZE + data.length;
  const out = Buffer.alloc(align4(size));
  const type = nested ? id | NLA_F_NESTED : id;
  if (order === 'LE') {
    out.writeUInt16LE(size, 0);
    out.writeUInt16LE(type, 2);
  } else {
    out.writeUInt16BE(size, 0);
    out.writeUInt16BE(type, 2);
  }
  data.copy(out, NLA_HEADER_SIZE);
  return out;
}

/**
 * Declares an attribute set.
 * @param name as the kernel header calls the nest; used in errors and in the debug dump
 */
export function attrs<const F extends Fields>(name: string, fields: F): AttributeSet<F> {
  const byId = new Map<number, { key: string; codec: Codec<unknown>; list: boolean }>();
  const required: string[] = [];
  const lists: string[] = [];
  for (const [key, [id, codec, presence]] of Object.entries(fields)) {
    byId.set(id, { key, codec, list: presence === 'list' });
    if (presence === 'required') required.push(key);
    if (presence === 'list') lists.push(key);
  }
  return {
    name,
    fields,
    decode(data, offset, length, order) {
      const values: Record<string, unknown> = {};
      for (const key of lists) values[key] = [];
      for (const attribute of rawAttributes(data, offset, length, order)) {
        const field = byId.get(attribute.id);
        if (!field) continue; // an attribute of a newer kernel, or padding
        let value: unknown;
        try {
          value = field.codec.decode(data, attribute.offset, attribute.length, order);
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
          throw new MalformedError(`${name}.${field.key} (attribute ${attribute.id}): ${error.message}`);
        }
        if (field.list) (values[field.key] as unknown[]).push(value);
        else values[field.key] = value;
      }
      for (const key of required)
        if (values[key] === undefined)
          throw new MalformedError(`${name}.${key} (attribute ${fields[key]![0]}) is missing`);
      return values as AttributeValues<F>;
    },
    encode(values, order) {
      const parts: Buffer[] = [];
      for (const [key, [id, codec, presence]] of Object.entries(fields)) {
        const value = (values as Record<string, unknown>)[key];
        if (value === undefined) continue;
        for (const one of presence === 'list' ? (value as unknown[]) : [value])
          parts.push(encodeAttribute(id, codec.encode(one, order), 'fields' in codec, order));
      }
      return Buffer.concat(parts);
    },
  };
}

/**
 * Array nest: the attribute IDs inside are indexes, and all elements have the same type (CTRL_ATTR_OPS).
 * @param element the type of the elements
 */
export function indexed<T>(
  element: Codec<T>,
): Codec<T[]> & { readonly fields: Fields; readonly element: Codec<T> } {
  return {
    name: `${element.name}[]`,
    fields: {},
    element,
    decode: (data, offset, length, order) =>
      Array.from(rawAttributes(data, offset, length, order), (attribute) =>
        element.decode(data, attribute.offset, attribute.length, order),
      ),
    encode: (values, order) =>
      Buffer.concat(
        values.map((value, index) => encodeAttribute(index + 1, element.encode(value, order), true, order)),
      ),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: heterogeneous members; Infer restores the types
export type Members = Readonly<Record<string, FixedCodec<any>>>;

/** A C struct with natural alignment, itself usable as an attribute or as a member of another struct. */
export interface Struct<M extends Members = Members>
  extends FixedCodec<{ -readonly [K in keyof M]: Infer<M[K]> }> {
  readonly members: M;
  readonly offsets: { readonly [K in keyof M]: number };
}

/**
 * Declares a C struct; offsets follow from the members' alignment, as the compiler would lay them out.
 * Longer input is accepted, because kernels append members; shorter input is refused.
 */
export function struct<const M extends Members>(name: string, members: M): Struct<M> {
  const layout: { key: string; codec: FixedCodec<unknown>; at: number }[] = [];
  const offsets: Record<string, number> = {};
  let end = 0;
  let align = 1;
  for (const [key, codec] of Object.entries(members)) {
    const at = Math.ceil(end / codec.align) * codec.align;
    layout.push({ key, codec, at });
    offsets[key] = at;
    end = at + codec.size;
    align = Math.max(align, codec.align);
  }
  const size = Math.ceil(end / align) * align;
  return {
    name,
    size,
    align,
    members,
    offsets: offsets as Struct<M>['offsets'],
    decode(data, offset, length, order) {
      if (length < end) throw new MalformedError(`${length} bytes, struct ${name} needs ${end}`);
      const values: Record<string, unknown> = {};
      for (const { key, codec, at } of layout)
        values[key] = codec.decode(data, offset + at, codec.size, order);
      return values as { -readonly [K in keyof M]: Infer<M[K]> };
    },
    encode(values, order) {
      const data = Buffer.alloc(size);
      for (const { key, codec, at } of layout)
        codec.encode((values as Record<string, unknown>)[key], order).copy(data, at);
      return data;
    },
  };
}

/**
 * A struct that newer kernels send with more members. The additional values are present only if the input is long
 * enough.
 */
export function extended<B extends object, X extends object>(
  base: FixedCodec<B>,
  extension: FixedCodec<X> & { readonly offsets: object },
): Codec<B & Partial<X>> & { readonly parts: readonly [FixedCodec<B>, FixedCodec<X>] } {
  const full = base.size + extension.size;
  return {
    name: base.name,
    parts: [base, extension],
    decode(data, offset, length, order) {
      const values = base.decode(data, offset, length, order);
      if (length < full) return values;
      return { ...values, ...extension.decode(data, offset + base.size, extension.size, order) };
    },
    encode(values, order) {
      const head = base.encode(values, order);
      const hasExtension = Object.keys(extension.offsets).every((key) => key in values);
      return hasExtension ? Buffer.concat([head, extension.encode(values as unknown as X, order)]) : head;
    },
  };
}
