// SPDX-License-Identifier: MIT
/** Prints messages decoded by their declared layouts; loaded only when the debug variable asks for it. */
import type { ByteOrder } from './codec.ts';
import type { Trace } from './connection.ts';
import { type Message, readStatus } from './message.ts';
import type { Exchange, Layout } from './transaction.ts';
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './uapi/netlink.ts';

/**
 * Makes a function for `ConnectionOptions.trace`.
 * @param write is called with one line, without its line end
 */
export function tracer(write: (line: string) => void, order: ByteOrder): Trace {
  return (direction, message, exchange) => {
    const arrow = direction === 'send' ? '>' : '<';
    const flags = flagNames(message.flags, direction === 'send');
    write(
      `${arrow} ${exchange.family} ${exchange.command} type=${message.type} seq=${message.sequence}` +
        ` port=${message.portId} len=${message.length + 16}${flags ? ` flags=${flags}` : ''} ${body(direction, message, exchange, order)}`,
    );
  };
}

function body(direction: string, message: Message, exchange: Exchange<unknown>, order: ByteOrder): string {
  try {
    if (direction === 'receive' && (message.type === NLMSG_ERROR || message.type === NLMSG_DONE)) {
      const { errno, kernelMessage } = readStatus(message, order);
      const name = message.type === NLMSG_DONE ? 'DONE' : errno === 0 ? 'ACK' : 'ERROR';
      return `${name} errno=${errno}${kernelMessage ? ` "${kernelMessage}"` : ''}`;
    }
    return show(decodeLayout(direction === 'send' ? exchange.request : exchange.reply, message, order));
  } catch (error) {
    const { data, offset, length } = message;
    return `undecodable (${(error as Error).message}): ${data.subarray(offset, offset + length).toString('hex')}`;
  }
}

function decodeLayout(layout: Layout, { data, offset, length }: Message, order: ByteOrder): unknown[] {
  const parts: unknown[] = [];
  let skip = 0;
  if (layout.header) {
    parts.push(layout.header.decode(data, offset, length, order));
    skip = layout.header.size;
  }
  if (layout.attributes && length > skip)
    parts.push(layout.attributes.decode(data, offset + skip, length - skip, order));
  return parts;
}

function show(parts: unknown[]): string {
  return parts.map((part) => JSON.stringify(plainValue(part))).join(' ');
}

/** Turns a value into one that JSON.stringify can write: bytes in hexadecimal, 64-bit numbers in decimal. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

function flagNames(flags: number, isRequest: boolean): string {
  const names: string[] = [];
  if (flags & NLM_F_REQUEST) names.push('REQUEST');
  if (flags & NLM_F_MULTI) names.push('MULTI');
  if (flags & NLM_F_ACK) names.push('ACK');
  if (flags & NLM_F_DUMP_INTR) names.push('DUMP_INTR');
  if (isRequest && (flags & NLM_F_DUMP) === NLM_F_DUMP) names.push('DUMP');
  return names.join('|');
}
