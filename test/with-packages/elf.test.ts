// SPDX-License-Identifier: MIT
// What compilers make of a program, as src/host/elf.ts reads it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readElf } from '../../src/host/elf.ts';
import { compile, scratchDir } from '../native/helpers.ts';

t.test('what compilers make', async (t) => {
  const directory = scratchDir(t);
  const source = join(directory, 'a.c');
  writeFileSync(source, 'int main(void) { return 0; }\n');
  const built = (name: string, flags: string[], compiler?: string) =>
    readElf(compile(join(directory, name), [source], flags, compiler));
  t.match(built('dynamic', []), { bits: 64, type: 3, needed: ['libc.so.6'], interpreter: /ld-linux/ });
  t.match(built('static', ['-static']), { type: 2, interpreter: null, needed: [] });
  t.match(built('static-pie', ['-static-pie']), { type: 3, interpreter: null, needed: [] });
  t.match(built('musl', [], 'musl-gcc'), { interpreter: /\/ld-musl-/, needed: ['libc.so'] });
  t.match(built('s390x', [], 's390x-linux-gnu-gcc'), {
    machine: 22,
    byteOrder: 'BE',
    bits: 64,
    interpreter: /ld64/,
  });
  execFileSync('strip', ['-R', '.comment', join(directory, 'dynamic')]);
  t.match(readElf(join(directory, 'dynamic')), { interpreter: /ld-linux/ });
});
