// SPDX-License-Identifier: MIT
/** Makes names harmless: those of interfaces, devices, hosts and programs can be chosen by people who are not trusted. */

/**
 * What a terminal acts on instead of showing it: the control characters of ASCII and Latin 1, and those that turn the
 * direction of the text around them (Unicode's property Bidi_Control), by which a line can read as another one.
 */
const ACTING = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => {
  const code = character.charCodeAt(0);
  return code <= 0xff
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
};

/** A text with what a terminal would act on written as `\x1b`, `\u202e`. Doing it twice changes nothing more. */
export function printable(text: string): string {
  return text.replace(ACTING, escaped);
}

/** The same without what JSON.stringify has made escapes already; line ends and blanks between values stay. */
const ACTING_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A JSON text in which such characters are escapes of JSON: whoever parses it gets what was there. */
export function jsonPrintable(json: string): string {
  return json.replace(
    ACTING_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
