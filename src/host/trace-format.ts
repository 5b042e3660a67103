// SPDX-License-Identifier: MIT
/** The text of trace events: the file `format` of an event tells what is where in its lines. */

/** Fields of an event by the kernel's name, as text; numbers as `BigInt` and `Number` read them. */
export type TraceFields = ReadonlyMap<string, string>;

/** Reads what an event prints. @returns `undefined` for a text that the format does not make */
export type TraceFormat = (text: string) => TraceFields | undefined;

/** A conversion of printk: flags, width, precision, length, letter; the letter p has more letters behind it. */
const CONVERSION = /%[-+ #0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z|j|t)?(%|p[A-Za-z]*|[a-zA-Z])/g;

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/**
 * Makes a reader of a file `format`. It follows from the line `print fmt`: a text with conversions, and what is printed for
 * each, `REC->net_cookie` or `__get_str(name)`.
 * @throws Error if the text has no such line
 */
export function traceFormat(text: string): TraceFormat {
  const [, format, rest] = /^print fmt: "((?:[^"\\]|\\.)*)"(.*)$/m.exec(text) ?? [];
  if (format === undefined || rest === undefined) throw new Error('a trace event has no print format');
  const fields = splitArguments(rest).map(fieldOf);
  const letters: string[] = [];
  let pattern = '';
  let end = 0;
  for (const { 0: conversion, 1: letter = '', index } of format.matchAll(CONVERSION)) {
    pattern += escaped(format.slice(end, index));
    end = index + conversion.length;
    if (letter === '%') pattern += '%';
    else {
      letters.push(letter);
      pattern += letter === 's' ? '(.*?)' : letter.startsWith('p') ? '(.+?)' : '(-?[0-9a-fA-Fx]+)';
    }
  }
  const reader = new RegExp(`^${pattern}${escaped(format.slice(end))}$`, 's');
  return (line) => {
    const found = reader.exec(line);
    if (!found) return undefined;
    const values = new Map<string, string>();
    letters.forEach((letter, at) => {
      const field = fields[at];
      const value = found[at + 1] ?? '';
      const isHex = (letter === 'x' || letter === 'X') && !value.startsWith('0x');
      if (field !== undefined) values.set(field, isHex ? `0x${value}` : value);
    });
    return values;
  };
}

/** `, REC->sk, __get_str(name)` in pieces; commas between parentheses do not count. */
function splitArguments(text: string): string[] {
  const pieces: string[] = [];
  let depth = 0;
  let piece = '';
  for (const character of text) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) {
      pieces.push(piece);
      piece = '';
    } else piece += character;
  }
  return [...pieces, piece].slice(1);
}

const fieldOf = (argument: string): string | undefined =>
  /(?:REC->|__get_(?:str|sockaddr|dynamic_array)\()(\w+)/.exec(argument)?.[1];
