// SPDX-License-Identifier: MIT
/**
 * Files that smc_run makes, and parts that it adds to files of others. Each carries a checksum of itself, so that what
 * somebody changed by hand is noticed and left alone, and no record has to be kept elsewhere.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** What a text of ours is found to be. */
export type Seal = 'intact' | 'changed' | 'foreign';

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Puts a comment with a checksum in front of a text. @param words what else the comment is to say */
export function seal(words: string, text: string): string {
  return `# ${words}; checksum ${checksum(`${words}\n${text}`)}\n${text}`;
}

/** Whether a text is one that `seal` made, and its words. */
export function sealOf(text: string): { seal: Seal; words: string } {
  const [, words, sum, rest] = /^# ([^\n]*); checksum ([0-9a-f]{16})\n(.*)$/s.exec(text) ?? [];
  if (words === undefined) return { seal: 'foreign', words: '' };
  return { seal: checksum(`${words}\n${rest}`) === sum ? 'intact' : 'changed', words };
}

const BLOCK_END = '# end of what smc_run added';

/** Appends a sealed block to a text, so that `withoutBlock` gives exactly that text back. */
export function withBlock(text: string, words: string, block: string): string {
  const isEnded = text === '' || text.endsWith('\n');
  return `${text}${isEnded ? '' : '\n'}${seal(isEnded ? words : `${words}, behind a line without end`, `${block}${BLOCK_END}\n`)}`;
}

/**
 * Takes the block out again.
 * @param begin first words of the block's comment
 * @returns undefined when there is none; `seal` is 'changed' when somebody edited the block
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

/** Content of a file; null when it is not there. */
export function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Writes a file whole, under another name first; owner and mode stay when it was there. */
export function replaceFile(file: string, content: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  const temporary = `${file}.smc_run.${process.pid}`;
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode: 0o644 });
    if (before) {
      chownSync(temporary, before.uid, before.gid);
      chmodSync(temporary, before.mode & 0o7777);
    }
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary);
    throw error;
  }
}

/** Makes the directory of a file, with mode 0755 whatever the umask. */
export function makeDirectoryOf(file: string): void {
  const directory = dirname(file);
  if (existsSync(directory)) return;
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
}

/** Removes a directory unless there is something in it. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}
