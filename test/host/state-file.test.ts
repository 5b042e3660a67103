// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readStateFile, stateDirectory, writeStateFile } from '../../src/host/state-file.ts';
import { UntrustedError } from '../../src/host/untrusted-error.ts';
import { ownDirectory } from '../helpers/own-directory.ts';

t.test('where state is kept', async (t) => {
  t.equal(stateDirectory({ XDG_STATE_HOME: '/s', HOME: '/h' }, '/', 1000), '/s/smc-tools');
  t.equal(stateDirectory({ XDG_STATE_HOME: '/s' }, '/', 0), '/s/smc-tools', 'for root, too');
  t.equal(stateDirectory({ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/', 1000), '/h/.local/state/smc-tools');
  t.equal(stateDirectory({ XDG_STATE_HOME: '', HOME: '/root' }, '/', 0), '/run/smc-tools');
  t.equal(stateDirectory({}, '/host', 0), '/host/run/smc-tools');
  t.equal(stateDirectory({}, '/', 1000), undefined);
});

t.test('what was written is read', async (t) => {
  const directory = join(ownDirectory(t), 'a/b');
  t.equal(readStateFile(directory, 'file'), undefined, 'no directory');
  t.equal(readStateFile('/dev/null/.local/state', 'file'), undefined, 'nor can there be one');
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  writeStateFile(directory, 'file', 'one');
  t.equal(readStateFile(directory, 'other'), undefined, 'no file');
  t.equal(readStateFile(directory, 'file'), 'one');
  writeStateFile(directory, 'file', 'two');
  t.equal(readStateFile(directory, 'file'), 'two');
  t.equal(statSync(join(directory, 'file')).mode & 0o777, 0o600);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.strictSame(readdirSync(directory), ['file']);
});

t.test('nothing that others may have put there is read', async (t) => {
  const directory = join(ownDirectory(t), 'state');
  writeStateFile(directory, 'good', 'content');
  const file = (name: string) => join(directory, name);
  const refuses = (name: string, message: string) =>
    t.throws(
      () => readStateFile(directory, name),
      Object.assign(new UntrustedError(file(name), message)),
      message,
    );
  symlinkSync(file('good'), file('link'));
  refuses('link', 'it is a symbolic link');
  mkdirSync(file('directory'));
  refuses('directory', 'it is not a regular file');
  spawnSync('mkfifo', ['-m', '600', file('fifo')]);
  refuses('fifo', 'it is not a regular file');
  writeFileSync(file('open'), '');
  chmodSync(file('open'), 0o620);
  refuses('open', 'others can write to it');
  writeFileSync(file('large'), 'x'.repeat((1 << 20) + 1), { mode: 0o600 });
  refuses('large', 'it is too large');
  linkSync(file('good'), file('second'));
  refuses('good', 'it has more than one hard link');
});

t.test('nobody else can put another directory in its place', async (t) => {
  const root = ownDirectory(t);
  mkdirSync(join(root, 'open'));
  const refuses = (path: string, message: string) => {
    const use = () => writeStateFile(join(path, 'a', 'state'), 'file', 'x');
    t.throws(use, { name: 'UntrustedError', path, message }, message);
    t.notOk(existsSync(join(path, 'a')), 'nothing was made there');
  };
  chmodSync(join(root, 'open'), 0o777);
  refuses(join(root, 'open'), 'everybody can write to it');
  chmodSync(join(root, 'open'), 0o1777);
  const inTmp = join(root, 'open', 'state');
  writeStateFile(inTmp, 'file', 'content');
  t.equal(readStateFile(inTmp, 'file'), 'content', 'a sticky directory will do');
  chmodSync(join(root, 'open'), 0o777);
  t.throws(() => readStateFile(inTmp, 'file'), { name: 'UntrustedError', path: join(root, 'open') });
});

t.test('a directory in which others can write is not used', async (t) => {
  const root = ownDirectory(t);
  const directory = join(root, 'state');
  writeStateFile(directory, 'file', 'content');
  chmodSync(directory, 0o770);
  for (const use of [() => readStateFile(directory, 'file'), () => writeStateFile(directory, 'file', 'x')])
    t.throws(use, { name: 'UntrustedError', path: directory, message: 'others can write to it' });
  writeFileSync(join(root, 'plain'), '');
  t.throws(() => writeStateFile(join(root, 'plain'), 'x', ''), {
    code: 'ENOTDIR',
    path: join(root, 'plain'),
  });
  t.equal(readStateFile(join(root, 'plain'), 'x'), undefined);
});
