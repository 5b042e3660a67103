// SPDX-License-Identifier: MIT
/** Declarations of generic netlink families: name, version, commands with their layouts. */
import type { Codec } from './codec.ts';
import type { Infer } from './schema.ts';

/** One command of a family: number, name as in the kernel header, layouts of request and replies. */
export interface GenlCommand<Req, Rep> {
  family: string;
  version: number;
  id: number;
  /** command numbers in its replies; its own by default */
  replyIds?: readonly number[];
  name: string;
  request: Codec<Req>;
  reply: Codec<Rep>;
}

type CommandTable = Readonly<
  Record<
    string,
    // biome-ignore lint/suspicious/noExplicitAny: heterogeneous commands; the mapped type below restores the types
    { id: number; replyIds?: readonly number[]; request: Codec<any>; reply: Codec<any> }
  >
>;

/** Declares a family: its name, version and commands. */
export function family<const C extends CommandTable>(
  name: string,
  version: number,
  commands: C,
): { readonly [K in keyof C]: GenlCommand<Infer<C[K]['request']>, Infer<C[K]['reply']>> } {
  return Object.fromEntries(
    Object.entries(commands).map(([key, command]) => [key, { ...command, family: name, version, name: key }]),
  ) as never;
}
