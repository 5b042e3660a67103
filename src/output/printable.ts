// SPDX-License-Identifier: MIT
/** Makes names harmless. People who are not trusted can choose names of interfaces, devices, hosts and programs. */

/**
 * Characters that a terminal obeys instead of showing them: the control characters of ASCII and Latin-1, and those that
 * change the direction of the surrounding text (Unicode property Bidi_Control), which can make a line look like another.
 */
const ACTING = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => {
  const code = character.charCodeAt(0);
  return code <= 0xff
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
};

/** Replaces these characters with escapes such as `\x1b`, `\u202e`. A second call changes nothing more. */
export function printable(text: string): string {
  return text.replace(ACTING, escaped);
}

/** The same characters, without those that JSON.stringify escapes itself. Line ends and blanks between values stay. */
const ACTING_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Replaces these characters with JSON escapes, so that a parser gets the original text. */
export function jsonPrintable(json: string): string {
  // ASCII has only the first of them; both questions take a fraction of the time of the search
  if (Buffer.byteLength(json) === json.length && !json.includes('\x7f')) return json;
  return json.replace(
    ACTING_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
