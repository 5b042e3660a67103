// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { inDirectory, openForWriting, SafeDirectory, writeNamedFile } from '../../src/host/safe-directory.ts';
import { readStateFile, writeStateFile } from '../../src/host/state-file.ts';
import { UntrustedError } from '../../src/host/untrusted-error.ts';
import { writePrivately } from '../../src/recording/archive.ts';
import { underAttack } from '../helpers/attacker.ts';
import { ownDirectory } from '../helpers/own-directory.ts';

if (process.geteuid?.() !== 0) {
  t.fail('these tests need root: they are about what root does in directories of others');
  process.exit();
}

/** A user of a service. */
const SERVICE = 65_534;
const SECRET = 'the secret of root';

/** A directory of root, which nobody else may change, and one of a service user. */
function scene(t: Test): { root: string; victim: string; conf: string } {
  const root = ownDirectory(t);
  chmodSync(root, 0o755);
  const victim = join(root, 'victim');
  for (const directory of [victim, join(victim, 'main')]) mkdirSync(directory, { mode: 0o700 });
  for (const name of ['environment', 'log', 'main/environment', 'main/log'])
    writeFileSync(join(victim, name), SECRET, { mode: 0o600 });
  const service = join(root, 'service');
  const conf = join(service, '15', 'main');
  for (const directory of [service, dirname(conf), conf]) {
    mkdirSync(directory, { mode: 0o755 });
    chownSync(directory, SERVICE, SERVICE);
  }
  return { root, victim, conf };
}

/** All of a tree that a service user must not be able to change: names, content, owners, modes. */
function snapshot(directory: string): string[] {
  return ['', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })].sort().map((name) => {
    const path = join(directory, name);
    const { uid, gid, mode } = lstatSync(path);
    return `${name} ${uid}:${gid} ${mode.toString(8)} ${lstatSync(path).isFile() ? readFileSync(path, 'latin1') : ''}`;
  });
}

/** Whether the service user can read something of root's now: in his directories, through no link of his. */
function leaks(directory: string, victim: string): string[] {
  const inodes = new Set(
    readdirSync(victim, { recursive: true, encoding: 'utf8' }).map(
      (name) => lstatSync(join(victim, name)).ino,
    ),
  );
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(directory, name);
    const stats = lstatSync(path);
    // a second name of root's file is not his, with its owner and mode as they were
    return stats.isFile() && !inodes.has(stats.ino) && readFileSync(path, 'latin1').includes(SECRET);
  });
}

/** What the service user can do in his directories, at any moment. */
function attacks(victim: string, conf: string): Record<string, () => void> {
  const file = join(conf, 'environment');
  const log = join(conf, 'log');
  const swap = (path: string, make: (path: string) => void) => () => {
    if (lstatSync(path, { throwIfNoEntry: false })) renameSync(path, `${path}.old${Math.random()}`);
    make(path);
  };
  const own = (path: string): void => {
    mkdirSync(path);
    chownSync(path, SERVICE, SERVICE);
    for (const name of ['environment', 'log']) {
      writeFileSync(join(path, name), 'his');
      chownSync(join(path, name), SERVICE, SERVICE);
    }
  };
  const temporaries = (make: (path: string) => void) => () => {
    for (const name of existsSync(conf) ? readdirSync(conf) : [])
      if (/^\.(environment|log)\.[0-9a-f]+$/.test(name)) {
        unlinkSync(join(conf, name));
        make(join(conf, name));
      }
  };
  const entries: [string, () => void][] = [
    ['directory is a link', swap(conf, (path) => symlinkSync(victim, path))],
    ['directory is a link into its own', swap(conf, (path) => symlinkSync(join(victim, 'main'), path))],
    ['directory is another one of his', swap(conf, own)],
    ['directory above is a link', swap(dirname(conf), (path) => symlinkSync(victim, path))],
    ['directory is gone', swap(conf, () => {})],
    ['directory is a file', swap(conf, (path) => writeFileSync(path, ''))],
  ];
  for (const path of [file, log])
    entries.push(
      [`${basename(path)} is a link`, swap(path, (path) => symlinkSync(join(victim, 'environment'), path))],
      [
        `${basename(path)} is a second name`,
        swap(path, (path) => linkSync(join(victim, 'environment'), path)),
      ],
      [`${basename(path)} is a dangling link`, swap(path, (path) => symlinkSync(join(victim, 'new'), path))],
      [`${basename(path)} is a pipe`, swap(path, (path) => void spawnSync('mkfifo', [path]))],
      [`${basename(path)} is a directory`, swap(path, own)],
      [`${basename(path)} is gone`, swap(path, () => {})],
    );
  entries.push(
    ['temporary file is a link', temporaries((path) => symlinkSync(join(victim, 'environment'), path))],
    ['temporary file is a second name', temporaries((path) => linkSync(join(victim, 'environment'), path))],
    ['temporary file is gone', temporaries(() => {})],
  );
  return Object.fromEntries(entries);
}

/** What root does in such a directory. */
const OPERATIONS: Record<string, (conf: string) => void> = {
  'replace a file': (conf) =>
    inDirectory(conf, {}, (directory) => {
      const found = directory.read('environment', 1000);
      if (found)
        directory.replace('environment', `${found.content}more`, {
          mode: found.stats.mode,
          owner: found.stats,
        });
    }),
  'write an archive': (conf) => writePrivately(join(conf, 'report.tgz'), Buffer.from('report')),
  'write an archive over a file': (conf) => writePrivately(join(conf, 'environment'), Buffer.from('report')),
  'append to a log': (conf) => {
    const fd = openForWriting(join(conf, 'log'), true);
    writeSync(fd, 'a line\n');
    closeSync(fd);
  },
  'append to a new log': (conf) => {
    const fd = openForWriting(join(conf, 'new.log'), true);
    writeSync(fd, 'a line\n');
    closeSync(fd);
  },
  'write a recording': (conf) => writeNamedFile(join(conf, 'environment'), 'recording'),
  'remove a file': (conf) => inDirectory(conf, {}, (directory) => directory.remove('environment')),
  'remove a directory': (conf) =>
    inDirectory(dirname(conf), {}, (directory) => directory.removeIfEmpty('main')),
  'keep state there': (conf) => writeStateFile(join(conf, 'smc-tools'), 'environment', 'state'),
  'read state there': (conf) => void readStateFile(conf, 'environment'),
};

const prepare = (conf: string): void => {
  for (const name of ['environment', 'log']) {
    writeFileSync(join(conf, name), 'settings\n', { mode: 0o640 });
    chownSync(join(conf, name), SERVICE, SERVICE);
  }
};

const attempt = (body: () => void): unknown => {
  try {
    body();
    return undefined;
  } catch (error) {
    return error;
  }
};

for (const [operation, perform] of Object.entries(OPERATIONS))
  t.test(`${operation}, with names swapped before each step`, async (t) => {
    let cases = 0;
    const names = Object.keys(attacks('', ''));
    // the first time nobody attacks, which tells how many steps there are; a refusal comes after fewer
    for (const name of names)
      for (let step = -1, steps = 0; step < steps; step++) {
        const { root, victim, conf } = scene(t);
        prepare(conf);
        const before = snapshot(victim);
        const act = attacks(victim, conf)[name]!;
        let error: unknown;
        const made = underAttack(new Map([[step, act]]), () => {
          error = attempt(() => perform(conf));
        });
        if (step < 0) steps = made;
        cases++;
        const what = `${name} before step ${step} of ${steps}`;
        const after = snapshot(victim);
        if (after.join('\n') !== before.join('\n')) t.strictSame(after, before, what);
        const leaked = leaks(join(root, 'service'), victim);
        if (leaked.length > 0) t.fail(`${what}: his are ${leaked}`);
        const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
        if (error && !(error instanceof UntrustedError) && !(code && syscall))
          t.fail(`${what}: ${error}`, { error });
        if (String((error as NodeJS.ErrnoException | undefined)?.path).includes('/proc/self/fd'))
          t.fail(`${what}: the failure names ${(error as NodeJS.ErrnoException).path}`);
        rmSync(root, { recursive: true, force: true });
      }
    t.ok(cases > 10 * names.length, `${cases} cases`);
  });

t.test('two swaps, there and back again', async (t) => {
  // the directory is a link for some steps only
  const [operation, perform] = Object.entries(OPERATIONS)[0]!;
  let cases = 0;
  const first = scene(t);
  prepare(first.conf);
  const steps = underAttack(new Map(), () => perform(first.conf));
  for (let from = 0; from < steps; from++)
    for (let to = from + 1; to <= steps; to++) {
      const { root, victim, conf } = scene(t);
      prepare(conf);
      const before = snapshot(victim);
      const acts = new Map([
        [
          from,
          () => {
            renameSync(conf, `${conf}.mine`);
            symlinkSync(victim, conf);
          },
        ],
        [
          to,
          () => {
            unlinkSync(conf);
            renameSync(`${conf}.mine`, conf);
          },
        ],
      ]);
      underAttack(acts, () => void attempt(() => perform(conf)));
      cases++;
      if (snapshot(victim).join('\n') !== before.join('\n')) t.fail(`${operation}: ${from} to ${to}`);
      const leaked = leaks(join(root, 'service'), victim);
      if (leaked.length > 0) t.fail(`${operation}: ${from} to ${to}: his are ${leaked}`);
      rmSync(root, { recursive: true, force: true });
    }
  t.ok(cases > 200, `${cases} cases`);
});

t.test('the attacker of these tests gets what he wants from steps that go by path', async (t) => {
  const { victim, conf } = scene(t);
  prepare(conf);
  const act = attacks(victim, conf)['directory is a link']!;
  underAttack(new Map([[1, act]]), () => {
    statSync(join(conf, 'environment'));
    writeFileSync(join(conf, 'environment'), 'his');
  });
  t.equal(readFileSync(join(victim, 'environment'), 'latin1'), 'his');
});

t.test('owner and mode are those of the file', async (t) => {
  const { conf } = scene(t);
  prepare(conf);
  OPERATIONS['replace a file']!(conf);
  const stats = statSync(join(conf, 'environment'));
  t.equal(readFileSync(join(conf, 'environment'), 'latin1'), 'settings\nmore');
  t.strictSame([stats.uid, stats.gid, stats.mode & 0o7777], [SERVICE, SERVICE, 0o640]);
  t.strictSame(readdirSync(conf).sort(), ['environment', 'log']);
  chownSync(join(conf, 'environment'), 0, 0);
  chmodSync(join(conf, 'environment'), 0o4755);
  OPERATIONS['replace a file']!(conf);
  t.strictSame(
    [statSync(join(conf, 'environment')).uid, statSync(join(conf, 'environment')).mode & 0o7777],
    [0, 0o755],
    'a file of root stays one, without setuid',
  );
});

t.test('what is refused in a directory of another user', async (t) => {
  const { victim, conf } = scene(t);
  prepare(conf);
  const refuses = (name: string, message: string): void => {
    for (const use of [
      () => inDirectory(conf, {}, (directory) => directory.read(name, 100)),
      () => openForWriting(join(conf, name), true),
      () => writeNamedFile(join(conf, name), ''),
    ])
      t.throws(use, { name: 'UntrustedError', path: join(conf, name), message: new RegExp(message) });
  };
  symlinkSync('environment', join(conf, 'link'));
  refuses('link', 'it is a (symbolic )?link');
  linkSync(join(conf, 'log'), join(conf, 'second'));
  refuses('second', 'it has more than one hard link');
  writeFileSync(join(conf, 'foreign'), '');
  chownSync(join(conf, 'foreign'), 1000, 1000);
  refuses('foreign', 'it belongs to another user');
  spawnSync('mkfifo', [join(conf, 'pipe')]);
  t.throws(() => inDirectory(conf, {}, (directory) => directory.read('pipe', 1)), {
    message: 'it is not a regular file',
  });
  t.throws(() => openForWriting(join(conf, 'pipe'), true), { code: 'ENXIO' });
  t.throws(() => inDirectory(conf, {}, (directory) => directory.read('environment', 3)), {
    message: 'it is too large',
  });
  // a link on the way
  symlinkSync(victim, join(conf, 'way'));
  lchownSync(join(conf, 'way'), SERVICE, SERVICE);
  t.throws(() => SafeDirectory.open(join(conf, 'way')), {
    name: 'UntrustedError',
    path: join(conf, 'way'),
    message: 'it belongs to another user',
  });
  for (const name of ['..', '.', '', 'a/b'])
    t.throws(() => inDirectory(conf, {}, (directory) => directory.remove(name)), { name: 'UntrustedError' });
});

t.test('what everybody may write to, as /tmp', async (t) => {
  const root = ownDirectory(t);
  const tmp = join(root, 'tmp');
  mkdirSync(tmp);
  chmodSync(tmp, 0o1777);
  writeFileSync(join(root, 'secret'), SECRET);
  symlinkSync(join(root, 'secret'), join(tmp, 'his'));
  lchownSync(join(tmp, 'his'), SERVICE, SERVICE);
  t.throws(() => openForWriting(join(tmp, 'his'), true), { message: 'it belongs to another user' });
  writeFileSync(join(tmp, 'file of his'), '');
  chownSync(join(tmp, 'file of his'), SERVICE, SERVICE);
  t.throws(() => openForWriting(join(tmp, 'file of his'), true), { message: 'it belongs to another user' });
  symlinkSync('real', join(tmp, 'ours'));
  writeNamedFile(join(tmp, 'ours'), 'text');
  t.equal(readFileSync(join(tmp, 'real'), 'latin1'), 'text', 'a link of our own is followed');
  linkSync(join(tmp, 'ours'), join(tmp, 'again'));
  t.throws(() => openForWriting(join(tmp, 'again'), true), { message: /somebody else can change/ });
  t.equal(readFileSync(join(root, 'secret'), 'latin1'), SECRET);
});

t.test('paths as people write them', async (t) => {
  const root = ownDirectory(t);
  mkdirSync(join(root, 'a', 'b'), { recursive: true });
  symlinkSync('../b/./', join(root, 'a', 'b', 'self'));
  symlinkSync(join(root, 'a'), join(root, 'absolute'));
  symlinkSync('circle', join(root, 'circle'));
  for (const path of ['a/b/x', './a//b/../b/x', 'absolute/b/x', 'a/b/self/x', 'absolute/../a/b/x'])
    for (const file of [join(root, 'dummy', '..', path), `${root}/${path}`]) {
      writeNamedFile(file, path);
      t.equal(readFileSync(join(root, 'a/b/x'), 'latin1'), path);
    }
  const before = process.cwd();
  process.chdir(join(root, 'a'));
  t.teardown(() => process.chdir(before));
  for (const path of ['b/x', '../a/b/x', './b/x', `../../${basename(root)}/a/b/x`]) {
    writeNamedFile(path, path);
    t.equal(readFileSync(join(root, 'a/b/x'), 'latin1'), path);
  }
  writePrivately('archive', Buffer.from('here'));
  t.equal(readFileSync(join(root, 'a/archive'), 'latin1'), 'here');
  t.equal(statSync(join(root, 'a/archive')).mode & 0o777, 0o600);
  process.chdir(before);
  t.throws(() => SafeDirectory.open(join(root, 'circle')), { code: 'ELOOP' });
  t.throws(() => SafeDirectory.open(join(root, 'none')), { code: 'ENOENT', path: join(root, 'none') });
  t.throws(() => openForWriting(`${root}/`, true), { code: 'EISDIR' });
  t.throws(() => openForWriting(join(root, 'a'), true), { code: 'EISDIR', path: join(root, 'a') });
  t.throws(() => writePrivately(join(root, 'none', 'x'), Buffer.alloc(0)), {
    code: 'ENOENT',
    path: join(root, 'none'),
  });
});

t.test('devices and streams', async (t) => {
  writeNamedFile('/dev/null', 'x');
  const [read, path] = [join(ownDirectory(t), 'out'), '/dev/stdout'];
  const fd = openSync(read, 'w');
  const script = `import { writeNamedFile } from ${JSON.stringify(new URL('../../src/host/safe-directory.ts', import.meta.url).href)}; writeNamedFile(${JSON.stringify(path)}, 'to a file'); `;
  const words = ['--import', 'tsx', '--input-type=module', '-e', script];
  t.equal(spawnSync(process.execPath, words, { stdio: ['ignore', fd, 'inherit'] }).status, 0);
  closeSync(fd);
  t.equal(readFileSync(read, 'latin1'), 'to a file');
  // Node's own pipes are sockets, which cannot be opened again
  const { stdout } = spawnSync('sh', ['-c', '"$@" | cat', 'sh', process.execPath, ...words], {
    encoding: 'utf8',
  });
  t.equal(stdout, 'to a file');
});

t.test('below another root, links are as they are there', async (t) => {
  const root = ownDirectory(t);
  mkdirSync(join(root, 'etc/real'), { recursive: true });
  symlinkSync('/etc/real', join(root, 'etc/system'));
  const umask = process.umask(0o077);
  t.teardown(() => process.umask(umask));
  inDirectory('/etc/system/unit.d', { root, make: 0o755 }, (directory) =>
    directory.replace('file', 'text', { mode: 0o644 }),
  );
  t.equal(readFileSync(join(root, 'etc/real/unit.d/file'), 'latin1'), 'text');
  t.equal(statSync(join(root, 'etc/real/unit.d')).mode & 0o777, 0o755, 'whatever the umask');
  t.equal(statSync(join(root, 'etc/real/unit.d/file')).mode & 0o777, 0o644);
  t.equal(readlinkSync(join(root, 'etc/system')), '/etc/real');
});
