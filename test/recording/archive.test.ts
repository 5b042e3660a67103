// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { create } from 'tar';
import { unpack } from '../../src/recording/archive.ts';
import { LIMITS } from '../../src/recording/untrusted-tree.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tar, tgz } from '../helpers/tar.ts';

let scratch: string;
let leftovers: () => string[];

t.beforeEach((t) => {
  scratch = t.testdir({});
  // what stays behind is seen in a directory that is ours
  const tmp = ownDirectory(t as never);
  leftovers = () => readdirSync(tmp);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = tmp;
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
});

function archive(data: Buffer): string {
  const file = join(scratch, 'a.tgz');
  writeFileSync(file, data);
  return file;
}

t.test('links that leave the archive by way of another link are not there', async (t) => {
  const file = archive(
    tgz(
      { path: 'top/h/a/b/c/keep', text: 'x' },
      { path: 'top/h/a/b/c/L', type: '2', target: '../../../..' },
      { path: 'top/h/release', type: '2', target: 'a/b/c/L/../../secret' },
      { path: 'top/h/kept', type: '2', target: 'a/b/c/keep' },
      { path: 'top/h/driver', type: '2', target: 'a/not-copied' },
    ),
  );
  const { directory, remove } = await unpack(file);
  t.teardown(remove);
  t.same(readdirSync(join(directory, 'top/h')).sort(), ['a', 'driver', 'kept']);
  t.equal(readFileSync(join(directory, 'top/h/kept'), 'latin1'), 'x');
});

const DAMAGED = 'it is not a gzip-compressed tar archive, or it is damaged';

t.test('what cannot be is said in one sentence, and leaves nothing behind', async (t) => {
  const good = tgz({ path: 'top/file', text: 'x'.repeat(3000) });
  for (const [data, message] of [
    [
      tgz({ path: 'top/e', type: '2', target: '.' }, { path: 'top/e/file' }),
      'its names contradict each other',
    ],
    [tgz({ path: 'top/file' }, { path: 'top/file/x' }), 'its names contradict each other'],
    [tgz({ path: `top/${'n'.repeat(80)}/../../../x` }), 'a name in it leads outside'],
    [tgz({ path: '/etc/cron.d/x' }), 'a name in it leads outside'],
    [tgz({ path: 'n/'.repeat(49) }), 'a path in it is too deep'],
    [Buffer.from('no archive'), DAMAGED],
    [Buffer.alloc(0), DAMAGED],
    [gzipSync(Buffer.from('no tar')), DAMAGED],
    [good.subarray(0, 40), DAMAGED],
    [good.subarray(0, good.length - 4), DAMAGED],
    [Buffer.concat([good.subarray(0, 12), Buffer.alloc(20, 0xff), good.subarray(32)]), DAMAGED],
  ] as const) {
    const file = archive(data as Buffer);
    await t.rejects(unpack(file), { name: 'TreeError', message: message as string });
    t.same(leftovers(), []);
  }
});

t.test('a failure of the system names the file', async (t) => {
  const unreadable = '/proc/self/mem'; // nothing is at its beginning
  await t.rejects(unpack(unreadable), { code: 'EIO', path: unreadable });
});

t.test('190,000 small files are refused before one is made', async (t) => {
  const header = tar({ path: 'top/host/sys/x' }).subarray(0, 512);
  const file = archive(gzipSync(Buffer.alloc(190_000 * 512, header), { level: 1 }));
  let made: string[] | undefined;
  await t.rejects(
    unpack(file, () => {
      made ??= leftovers();
      return true;
    }),
    { message: `it has more than ${LIMITS.entries} files` },
  );
  t.same(made, [], 'no directory yet');
  t.same(leftovers(), []);
  const data = gzipSync(Buffer.alloc(190_000 * 512, header), { level: 1 });
  await t.rejects(
    unpack(archive(data), () => false),
    { message: /^it has more than/ },
    'unwanted ones count',
  );
});

t.test('an end is made of what grows without end', async (t) => {
  const piece = gzipSync(Buffer.alloc(32 << 20));
  const bomb = archive(Buffer.concat(Array.from({ length: 9 }, () => piece)));
  const before = process.memoryUsage().rss;
  await t.rejects(unpack(bomb), { message: 'it is too large' });
  t.ok(process.memoryUsage().rss - before < 3 * LIMITS.bytes, 'and memory is bounded, too');
  await t.rejects(unpack('/dev/zero'), { message: 'it is too large' });
});

t.test('an archive that is not compressed, or comes through a pipe, is read, too', async (t) => {
  const source = join(scratch, 'source', 'top');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'file'), 'x');
  symlinkSync('file', join(source, 'link'));
  const file = join(scratch, 'a.tar');
  create({ file, cwd: dirname(source), sync: true }, ['top']);
  const plain = await unpack(file);
  t.same(readdirSync(join(plain.directory, 'top')).sort(), ['file', 'link']);
  plain.remove();
  const fifo = join(scratch, 'fifo');
  spawn('sh', ['-c', 'mkfifo "$2" && gzip -c "$1" > "$2"', 'sh', file, fifo], { stdio: 'inherit' });
  while (!readdirSync(scratch).includes('fifo')) await new Promise((resolve) => setImmediate(resolve));
  const { directory, remove } = await unpack(fifo);
  t.same(readdirSync(join(directory, 'top')).sort(), ['file', 'link']);
  remove();
});

t.test('who waits is told what is done', async (t) => {
  const before = LIMITS.seconds;
  t.teardown(() => {
    LIMITS.seconds = before;
  });
  LIMITS.seconds = -1;
  await t.rejects(unpack(archive(tgz({ path: 'top/x' }))), { message: 'it takes too long to unpack' });
});
