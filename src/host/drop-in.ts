// SPDX-License-Identifier: MIT
/**
 * Files that smc_run makes, and blocks that it adds to other files. Each has a checksum of its own text. So smc_run
 * notices changes made by hand and leaves such a text alone, and needs no record elsewhere.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The state of a text that may be ours. */
export type Seal = 'intact' | 'changed' | 'foreign';

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Puts a comment with a checksum in front of a text. @param words other text of the comment */
export function seal(words: string, text: string): string {
  return `# ${words}; checksum ${checksum(`${words}\n${text}`)}\n${text}`;
}

/** Whether `seal` made a text, and the words of its comment. */
export function sealOf(text: string): { seal: Seal; words: string } {
  const [, words, sum, rest] = /^# ([^\n]*); checksum ([0-9a-f]{16})\n(.*)$/s.exec(text) ?? [];
  if (words === undefined) return { seal: 'foreign', words: '' };
  return { seal: checksum(`${words}\n${rest}`) === sum ? 'intact' : 'changed', words };
}

const BLOCK_END = '# end of what smc_run added';

/** Appends a sealed block to a text, so that `withoutBlock` can restore exactly that text. */
export function withBlock(text: string, words: string, block: string): string {
  const isEnded = text === '' || text.endsWith('\n');
  return `${text}${isEnded ? '' : '\n'}${seal(isEnded ? words : `${words}, behind a line without end`, `${block}${BLOCK_END}\n`)}`;
}

/**
 * Removes the block again.
 * @param begin first words of the block's comment
 * @returns undefined when there is no block; `seal` is 'changed' when somebody edited the block
 */
export function withoutBlock(text: string, begin: string): { seal: Seal; text: string } | undefined {
  const start = text.startsWith(`# ${begin}`) ? 0 : text.indexOf(`\n# ${begin}`) + 1;
  if (start === 0 && !text.startsWith(`# ${begin}`)) return undefined;
  const end = text.indexOf(`${BLOCK_END}\n`, start);
  if (end < 0) return { seal: 'changed', text };
  const block = text.slice(start, end + BLOCK_END.length + 1);
  const { seal, words } = sealOf(block);
  if (seal !== 'intact') return { seal: 'changed', text };
  const before = text.slice(0, start);
  return {
    seal,
    text: `${words.endsWith(', behind a line without end') ? before.slice(0, -1) : before}${text.slice(start + block.length)}`,
  };
}

/** Content of a file; null if it does not exist. */
export function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
