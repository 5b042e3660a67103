// SPDX-License-Identifier: MIT
/** A configuration as a new file. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { packageFile } from '../../host/package-files.ts';
import { printable } from '../../output/printable.ts';
import type { Configuration } from './configuration.ts';
import { documentOf } from './document.ts';
import { type Hardware, hardwareLines } from './hardware.ts';
import { Document, isMap, isScalar, isSeq, TO_STRING } from './yaml.ts';

const SCHEMA = 'schemas/smc.yaml.schema.json';

/** Where the packages of distributions have the schema. */
const PACKAGED = `/usr/share/smc-tools/${SCHEMA}`;

/** The schema of this installation, for editors. */
function schemaHere(): string {
  const file = packageFile(SCHEMA);
  return existsSync(file) ? schemaReference(file) : PACKAGED;
}

/** A path as the line for editors can have it: it ends at a blank. */
export const schemaReference = (file: string): string =>
  /^[\w./@+-]+$/.test(file) ? file : pathToFileURL(file).href;

/** Where a state comes from. */
interface Origin {
  /** what the state has and a file cannot, in words */
  leftOut: readonly string[];
  /** the state is that of a bundle: what is made of it is the same everywhere */
  isRecorded: boolean;
}

/** The text of a file. On one host, the same state always gives the same bytes. */
export function newFile(state: Configuration, hardware: Hardware, { leftOut, isRecorded }: Origin): string {
  const document = new Document(documentOf(state), { version: '1.2', compat: 'yaml-1.1' });
  document.commentBefore = commentOf([
    `yaml-language-server: $schema=${isRecorded ? PACKAGED : schemaHere()}`,
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
