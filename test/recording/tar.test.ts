// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type TarEntry, tarEntries } from '../../src/recording/tar.ts';
import { paxPart, tar, tarPart } from '../helpers/tar.ts';

const brief = (data: Buffer): string[] =>
  Array.from(tarEntries(data), ({ path, type, target, offset, size }: TarEntry) =>
    [
      type,
      path,
      ...(target ? [`> ${target}`] : []),
      ...(size ? [data.toString('latin1', offset, offset + size)] : []),
    ].join(' '),
  );

t.test('the kinds of entries', async (t) => {
  t.strictSame(
    brief(
      tar(
        { path: 'top/', type: '5' },
        { path: 'top/a', text: 'text' },
        { path: 'old', type: '\0', text: 'x' },
        { path: 'link', type: '2', target: 'top/a' },
        { path: 'hard', type: '1', target: 'top/a' },
        { path: 'device', type: '3' },
        { path: 'name', prefix: 'far/away' },
        { path: 'comment', type: 'g', text: '10 a=bcde\n' },
      ),
    ),
    [
      'directory top/',
      'file top/a text',
      'file old x',
      'link link > top/a',
      'other hard > top/a',
      'other device',
      'file far/away/name',
    ],
  );
});

t.test('long names', async (t) => {
  const long = 'n/'.repeat(120);
  t.strictSame(
    brief(
      tar(
        paxPart({ path: `${long}pax`, mtime: '1.5' }),
        { path: 'short', text: 'x' },
        paxPart({ linkpath: `${long}target` }),
        { path: 'link', type: '2', target: 'short' },
        { path: '././@LongLink', type: 'L', text: `${long}gnu\0` },
        { path: '././@LongLink', type: 'K', text: `${long}to\0` },
        { path: 'short', type: '2' },
        { path: 'after' },
      ),
    ),
    [`file ${long}pax x`, `link link > ${long}target`, `link ${long}gnu > ${long}to`, 'file after'],
  );
});

t.test('what the tar of this system makes', async (t) => {
  const directory = t.testdir({});
  const deep = join(directory, 'top', 'x'.repeat(80), 'y'.repeat(80));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'ä'), 'text');
  symlinkSync('z'.repeat(150), join(deep, 'link'));
  for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
    const file = join(directory, `${format}.tar`);
    const only = format === 'v7' || format === 'ustar' ? ['--exclude=link'] : [];
    const where = format === 'v7' ? 'short' : 'top';
    if (format === 'v7') mkdirSync(join(directory, 'short'));
    execFileSync('tar', [`--format=${format}`, '-cf', file, ...only, '-C', directory, where]);
    const found = brief(readFileSync(file));
    if (format === 'v7') t.strictSame(found, ['directory short/']);
    else {
      t.ok(found.includes(`file top/${'x'.repeat(80)}/${'y'.repeat(80)}/ä text`), format);
      if (only.length === 0)
        t.ok(
          found.some((line) => line.endsWith(`link > ${'z'.repeat(150)}`)),
          format,
        );
    }
  }
});

t.test('damage', async (t) => {
  const good = tarPart({ path: 'a', text: 'text' });
  const large = Buffer.from(tarPart({ path: 'a' }));
  large.fill(0xff, 124, 136);
  for (const [data, message] of [
    [Buffer.alloc(0), 'it has no header'],
    [Buffer.from('not a tar'), 'it has no header'],
    [Buffer.alloc(600, 0x41), /number is none|sum of a header/],
    [tarPart({ path: 'a', sum: '000001\0 ' }), 'the sum of a header is wrong'],
    [tarPart({ path: 'a', sum: '99\0     ' }), 'a number is none'],
    [tarPart({ path: 'a', size: 5000 }), 'it ends within a file'],
    [large, 'the sum of a header is wrong'],
    [Buffer.concat([tarPart({ path: 'p', type: 'x', text: '99 path=x\n' }), good]), 'a pax header is none'],
    [Buffer.concat([tarPart({ path: 'p', type: 'x', text: '0 path=x\n' }), good]), 'a pax header is none'],
    [Buffer.concat([paxPart({ size: '-1' }), good]), 'a size is none'],
    [Buffer.concat([paxPart({ size: '999999999999' }), good]), 'it ends within a file'],
    [
      Buffer.concat([tarPart({ path: 'p', type: 'L', text: 'n'.repeat(70_000) }), good]),
      'a name is too long',
    ],
  ] as const)
    t.throws(() => brief(data as Buffer), { name: 'TarError', message: message as string });
  t.strictSame(brief(Buffer.concat([good, Buffer.alloc(512), tarPart({ path: 'behind the end' })])), [
    'file a text',
  ]);
});
