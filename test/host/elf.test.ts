// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { ElfError, isSameAbi, machineName, parseElf, readElf, runsNatively } from '../../src/host/elf.ts';
import { type ElfImageOptions, elfImage } from '../helpers/elf-image.ts';

const parse = (data: Buffer) =>
  parseElf({ read: (offset, length) => data.subarray(offset, offset + length) });
const made = (options: ElfImageOptions) => parse(elfImage(options));

t.test('both classes, both byte orders', async (t) => {
  for (const bits of [32, 64] as const)
    for (const byteOrder of ['LE', 'BE'] as const) {
      const options = { bits, byteOrder, sections: true, goNote: true, goVersion: 'go1.22.1' };
      t.strictSame(
        made({ ...options, needed: ['libm.so.6', 'libc.so.6'], machine: 22 }),
        {
          bits,
          byteOrder,
          machine: 22,
          type: 3,
          interpreter: '/lib64/ld-linux-x86-64.so.2',
          needed: ['libm.so.6', 'libc.so.6'],
          go: { version: 'go1.22.1' },
        },
        `${bits} ${byteOrder}`,
      );
      t.match(made({ bits, byteOrder, interpreter: null, needed: [] }), {
        interpreter: null,
        needed: [],
        go: null,
      });
    }
});

t.test('Go', async (t) => {
  t.strictSame(made({ goNote: true }).go, { version: null }, 'stripped of its sections');
  t.strictSame(
    made({ sections: true, goVersion: 'go1.19.8' }).go,
    { version: 'go1.19.8' },
    'without the note',
  );
  t.equal(made({ sections: true }).go, null);
  t.strictSame(
    made({ sections: true, goVersion: 'go\n' }).go,
    { version: null },
    'a version that is no text',
  );
});

t.test('files that are no ELF, or damaged', async (t) => {
  const good = elfImage({ sections: true, goVersion: 'go1.19' });
  for (const data of ['', '\x7f', '\x7fEL', '#!/bin/sh\n'])
    t.throws(() => parse(Buffer.from(data, 'latin1')), { name: 'ElfError', code: 'NOT_ELF' });
  const changed = (at: number, ...values: number[]): Buffer => {
    const data = Buffer.from(good);
    data.set(values, at);
    return data;
  };
  for (const [data, message] of [
    [good.subarray(0, 40), 'the file ends within its headers'],
    [good.subarray(0, 100), 'the file ends within its headers'],
    [changed(4, 3), 'the ELF header has an unknown class or byte order'],
    [changed(5, 0), 'the ELF header has an unknown class or byte order'],
    [changed(54, 57), 'program headers of 57 bytes have an unknown format'],
    [changed(56, 255, 255), 'too many program headers'],
    [changed(64 + 56 + 32, 1, 0), 'the name of the dynamic loader cannot have 1 bytes'],
    [changed(64 + 56 + 32, 0, 0x20), 'the name of the dynamic loader cannot have 8192 bytes'],
    [changed(64 + 56 + 32, 2, 0), 'the name of the dynamic loader is not terminated'],
    [changed(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 'the file ends within its headers'],
  ] as const)
    t.throws(() => parse(data), { name: 'ElfError', code: 'DAMAGED', message });
  t.equal(parse(changed(56, 0, 0)).interpreter, null, 'no program headers');
  t.strictSame(parse(changed(62, 0xff, 0xff)).go, null, 'sections that make no sense are nobody’s business');
  t.strictSame(parse(changed(40, 0xff, 0xff, 0xff)).go, null);
});

t.test('names of libraries that are not in the file', async (t) => {
  const data = elfImage({ needed: ['liba.so', 'libb.so'] });
  const strings = data.indexOf('liba.so');
  t.strictSame(parse(data.subarray(0, data.length)).needed, ['liba.so', 'libb.so']);
  const open = Buffer.from(data);
  open.fill(0x61, strings);
  t.strictSame(parse(open).needed, []);
});

t.test('machines', async (t) => {
  for (const [options, name] of [
    [{}, 'x86_64'],
    [{ bits: 32 }, 'x32'],
    [{ bits: 32, machine: 3 }, 'i386'],
    [{ machine: 22, byteOrder: 'BE' }, 's390x'],
    [{ machine: 22, bits: 32, byteOrder: 'BE' }, 's390 (31-bit)'],
    [{ machine: 183 }, 'aarch64'],
    [{ machine: 21 }, 'ppc64le'],
    [{ machine: 21, byteOrder: 'BE' }, 'ppc64'],
    [{ machine: 243, bits: 32 }, 'riscv32'],
    [{ machine: 4711 }, 'machine 4711'],
  ] as const)
    t.equal(machineName(made(options)), name);
  const native = made({});
  t.ok(isSameAbi(native, made({ interpreter: null })));
  t.ok(runsNatively(made({ bits: 32, machine: 3 }), native));
  t.notOk(isSameAbi(made({ bits: 32 }), native), 'x32');
  t.ok(runsNatively(made({ bits: 32 }), native));
  t.notOk(runsNatively(made({ machine: 183 }), native));
  t.notOk(runsNatively(made({ bits: 32, machine: 3, byteOrder: 'BE' }), native));
});

t.test('files', async (t) => {
  t.equal(readElf(process.execPath).go, null);
  const directory = t.testdir({ text: 'x' });
  t.throws(() => readElf(join(directory, 'text')), ElfError);
  t.throws(() => readElf(directory), ElfError, 'a directory');
  t.throws(() => readElf(join(directory, 'none')), { code: 'ENOENT' });
  t.throws(() => readElf('/dev/null'), ElfError, 'not a regular file');
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  t.throws(() => readElf(join(directory, 'fifo')), ElfError, 'a pipe without a writer');
});
