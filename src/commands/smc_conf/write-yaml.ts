// SPDX-License-Identifier: MIT
/** A configuration as a new file. */
import { printable } from '../../output/printable.ts';
import type { Configuration } from './configuration.ts';
import { documentOf } from './document.ts';
import { type Hardware, hardwareLines } from './hardware.ts';
import { Document, isMap, isScalar, isSeq, TO_STRING } from './yaml.ts';

/** Where the packages of distributions have the schema, for editors. */
const SCHEMA = '/usr/share/smc-tools/schemas/smc.yaml.schema.json';

/**
 * The text of a file. The same state always gives the same bytes.
 * @param leftOut what the state has and a file cannot, in words
 */
export function newFile(state: Configuration, hardware: Hardware, leftOut: readonly string[]): string {
  const document = new Document(documentOf(state), { version: '1.2', compat: 'yaml-1.1' });
  document.commentBefore = commentOf([
    `yaml-language-server: $schema=${SCHEMA}`,
    'How SMC is set up on this host; see smc.yaml(5).',
    ...leftOut.map((text) => `Not in this file, which cannot have it: ${text}`),
  ]);
  const { contents } = document;
  if (isMap(contents))
    for (const { key, value } of contents.items) {
      const name = isScalar(key) ? key.value : undefined;
      const comment = name === 'pnet' ? hardwareLines(hardware) : [];
      if (name === 'seid' && hardware.seid !== undefined)
        comment.push(`The SEID of this machine: ${hardware.seid}`);
      if (isScalar(key) && comment.length > 0) key.commentBefore = commentOf(comment);
      if ((isMap(value) || isSeq(value)) && value.items.length === 0) value.flow = true;
    }
  return document.toString(TO_STRING);
}

/** Each line with a blank in front; names cannot end the comment. */
const commentOf = (lines: readonly string[]): string => lines.map((line) => ` ${printable(line)}`).join('\n');
