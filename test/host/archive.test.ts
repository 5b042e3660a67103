// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { create, Header } from 'tar';
import { ArchiveError, unpack } from '../../src/host/archive.ts';

/** An archive of these entries, written as they are: names and targets that no honest program makes. */
function archive(
  entries: { path: string; type?: 'SymbolicLink'; linkpath?: string; text?: string }[],
): Buffer {
  const blocks = entries.flatMap(({ path, type, linkpath, text = '' }) => {
    const header = new Header({
      path,
      type: type ?? 'File',
      ...(linkpath && { linkpath }),
      size: text.length,
      mode: 0o644,
    });
    header.encode();
    const data = Buffer.alloc(Math.ceil(text.length / 512) * 512);
    data.write(text);
    return [header.block!, data];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

function leftovers(): string[] {
  return readdirSync(tmpdir());
}

t.beforeEach((t) => {
  // what stays behind is seen in a directory that is ours
  const directory = t.testdir({});
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
});

t.test('links that leave the archive by way of another link are not there', (t) => {
  const file = join(t.testdirName, 'a.tgz');
  const secret = join(t.testdirName, 'secret');
  writeFileSync(secret, 'not for the reader');
  writeFileSync(
    file,
    archive([
      { path: 'top/h/a/b/c/keep', text: 'x' },
      { path: 'top/h/a/b/c/L', type: 'SymbolicLink', linkpath: '../../../..' },
      { path: 'top/h/release', type: 'SymbolicLink', linkpath: 'a/b/c/L/../../secret' },
      { path: 'top/h/kept', type: 'SymbolicLink', linkpath: 'a/b/c/keep' },
      { path: 'top/h/driver', type: 'SymbolicLink', linkpath: 'a/not-copied' },
    ]),
  );
  process.env['TMPDIR'] = t.testdirName;
  const { directory, remove } = unpack(file);
  t.teardown(remove);
  t.same(readdirSync(join(directory, 'top/h')).sort(), ['a', 'driver', 'kept']);
  t.throws(() => readFileSync(join(directory, 'top/h/release')), { code: 'ENOENT' });
  t.equal(readFileSync(join(directory, 'top/h/kept'), 'latin1'), 'x');
  t.end();
});

t.test('what tar cannot make is said without names of temporary files', (t) => {
  const through = archive([
    { path: 'top/e', type: 'SymbolicLink', linkpath: '.' },
    { path: 'top/e/file', text: 'x' },
  ]);
  const long = archive([{ path: `top/${'n'.repeat(90)}/../../../x`, text: 'x' }]);
  for (const data of [through, long]) {
    const file = join(t.testdirName, 'a.tgz');
    writeFileSync(file, data);
    const before = leftovers();
    t.throws(
      () => unpack(file),
      new ArchiveError('it is not a gzip-compressed tar archive, or it is damaged'),
    );
    t.same(leftovers(), before);
  }
  t.end();
});

t.test('an end is made of what grows without end', (t) => {
  const file = join(t.testdirName, 'zeros.gz');
  const piece = gzipSync(Buffer.alloc(32 << 20));
  writeFileSync(file, Buffer.concat(Array.from({ length: 9 }, () => piece)));
  t.throws(() => unpack(file), new ArchiveError('it is too large'));
  t.throws(() => unpack('/dev/zero'), new ArchiveError('it is too large'));
  t.end();
});

t.test('an archive that is not compressed is read, too', (t) => {
  const source = join(t.testdirName, 'source', 'top');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'file'), 'x');
  symlinkSync('file', join(source, 'link'));
  const file = join(t.testdirName, 'a.tar');
  create({ file, cwd: dirname(source), sync: true }, ['top']);
  const { directory, remove } = unpack(file);
  t.same(readdirSync(join(directory, 'top')).sort(), ['file', 'link']);
  remove();
  t.end();
});
