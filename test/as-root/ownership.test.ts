// SPDX-License-Identifier: MIT
// Files and directories of somebody else, which only root can make: what is kept or read there is not trusted.
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { privateDirectory } from '../../src/host/private-directory.ts';
import { readStateFile, writeStateFile } from '../../src/host/state-file.ts';
import { openBundle } from '../../src/recording/bundle.ts';
import { Bounds, copyTree, isSafeInPlace } from '../../src/recording/untrusted-tree.ts';
import { ownDirectory } from '../helpers/own-directory.ts';

if (process.geteuid?.() !== 0) {
  t.fail('these tests need root, to make files of another user');
  process.exit();
}

const OTHER = 65_534;

t.test('a state file of somebody else is not read', async (t) => {
  const directory = join(ownDirectory(t), 'state');
  writeStateFile(directory, 'foreign', '');
  t.equal(readStateFile(directory, 'foreign'), '');
  chownSync(join(directory, 'foreign'), OTHER, OTHER);
  t.throws(() => readStateFile(directory, 'foreign'), {
    name: 'UntrustedError',
    path: join(directory, 'foreign'),
    message: 'it belongs to another user',
  });
});

t.test('state is kept in no directory that somebody else can replace', async (t) => {
  const root = ownDirectory(t);
  mkdirSync(join(root, 'own'));
  const refuses = (path: string, culprit = path) => {
    const use = () => writeStateFile(join(path, 'a', 'state'), 'file', 'x');
    t.throws(use, { name: 'UntrustedError', path: culprit, message: 'it belongs to another user' });
    t.notOk(existsSync(join(path, 'a')), 'nothing was made there');
  };
  symlinkSync(join(root, 'own'), join(root, 'link'));
  lchownSync(join(root, 'link'), OTHER, OTHER);
  refuses(join(root, 'link'));
  chownSync(join(root, 'own'), OTHER, OTHER);
  refuses(join(root, 'own'));
  symlinkSync(join(root, 'own'), join(root, 'ours'));
  refuses(join(root, 'ours'), join(root, 'own'));
});

t.test('a bundle with a directory of somebody else is copied before it is read', async (t) => {
  const from = ownDirectory(t);
  mkdirSync(join(from, 'host/sub'), { recursive: true });
  writeFileSync(join(from, 'host/sub/file'), 'text');
  const isSafe = (): boolean => isSafeInPlace(from, () => true, new Bounds());
  t.ok(isSafe());
  chownSync(join(from, 'host'), OTHER, OTHER);
  t.notOk(isSafe());
});

t.test('what of a bundle the reader may not read is named', async (t) => {
  const top = ownDirectory(t);
  const bundle = join(top, 'bundle');
  cpSync(fileURLToPath(new URL('../fixtures/6.1-fallback', import.meta.url)), bundle, { recursive: true });
  chmodSync(top, 0o755);
  for (const part of ['manifest.json', 'netlink.jsonl', 'host/proc']) {
    const file = join(bundle, part);
    chmodSync(file, 0o700);
    process.seteuid?.(OTHER);
    try {
      await t.rejects(openBundle(bundle), { code: 'EACCES', path: file }, part);
      t.throws(() => copyTree(bundle, () => true, new Bounds()), { code: 'EACCES', path: file }, 'a copy');
    } finally {
      process.seteuid?.(0);
    }
    chmodSync(file, 0o755);
  }
});

t.test('a TMPDIR of somebody else is not used', async (t) => {
  const tmp = ownDirectory(t);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = tmp;
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  t.ok(privateDirectory().directory.startsWith(tmp), 'one of our own is');
  chownSync(tmp, OTHER, OTHER);
  const { directory, remove } = privateDirectory();
  t.notOk(directory.startsWith(tmp), directory);
  remove();
  t.notOk(existsSync(directory));
});
