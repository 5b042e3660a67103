// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { atPath, readHostFile } from '../../src/host/host-file.ts';
import { plant } from '../helpers/host-trees.ts';

t.test('a file of a copy', async (t) => {
  const root = plant(t, { 'proc/x': 'a\xe9\n' });
  t.equal(readHostFile('proc/x', root), Buffer.from('a\xe9\n').toString('latin1'));
  t.equal(readHostFile('proc/x', `${root}/`).length, 4);
});

t.test('errors name the path on the host', async (t) => {
  const root = plant(t, {});
  mkdirSync(join(root, 'proc/directory'), { recursive: true });
  t.throws(() => readHostFile('proc/gone', root), {
    code: 'ENOENT',
    path: '/proc/gone',
    message: "ENOENT: no such file or directory, open '/proc/gone'",
  });
  t.throws(() => readHostFile('proc/directory', root), { code: 'EISDIR', path: '/proc/directory' });
  t.throws(() => readHostFile('nonexistent/file', '/'), { code: 'ENOENT', path: '/nonexistent/file' });
  t.throws(
    () =>
      atPath('x', root, () => {
        throw new Error('ours');
      }),
    { message: 'ours', path: undefined },
  );
});
