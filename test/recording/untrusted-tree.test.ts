// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { privateDirectory } from '../../src/host/private-directory.ts';
import {
  Bounds,
  copyTree,
  isSafeInPlace,
  LIMITS,
  namesOf,
  PrivateTree,
  staysInside,
} from '../../src/recording/untrusted-tree.ts';
import { underAttack } from '../helpers/attacker.ts';
import { ownDirectory } from '../helpers/own-directory.ts';

/** A directory for temporary files of our own; what is left behind is seen. */
function ownTmp(t: Test): string {
  const directory = ownDirectory(t);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  return directory;
}

const all = (): boolean => true;

/** Our directories there, without those of the tests. */
const copies = (tmp: string): string[] => readdirSync(tmp).filter((name) => /^smc-tools-\w{6}$/.test(name));

t.test('names', async (t) => {
  t.strictSame(namesOf('./a//b/'), ['a', 'b']);
  t.strictSame(namesOf('.'), []);
  for (const path of ['/etc/x', '../x', 'a/../../x', 'a/..'])
    t.throws(() => namesOf(path), { name: 'TreeError', message: 'a name in it leads outside' });
  t.throws(() => namesOf('a/'.repeat(LIMITS.depth + 1)), { message: 'a path in it is too deep' });
  t.throws(() => namesOf('ä'.repeat(128)), { message: 'a name in it is too long' });
});

t.test('links that stay inside, step by step', async (t) => {
  const links = new Map([
    ['a/inside', '../b/file'],
    ['a/up', '..'],
    ['a/outside', '../../x'],
    ['absolute', '/etc'],
    ['through', 'a/up/../x'],
    ['twice', 'a/up/a/up/b'],
    ['circle', 'circle'],
    ['one', 'two'],
    ['two', 'one'],
    ['empty', ''],
    ['nowhere', 'a/none/../..'],
    ['dangling', 'a/none'],
  ]);
  const inside = [...links.keys()].filter((path) => staysInside(path, links));
  t.strictSame(inside, ['a/inside', 'a/up', 'twice', 'nowhere', 'dangling']);
  t.notOk(staysInside('x/../..', new Map()));
});

t.test('nothing is written through a link, or over what is there', async (t) => {
  ownTmp(t);
  const tree = new PrivateTree();
  t.teardown(tree.remove);
  tree.addFile(['d', 'file'], Buffer.from('one'));
  tree.addFile(['d', 'file'], Buffer.from('two'));
  tree.addLink(['d', 'link'], 'file');
  const refused = { name: 'TreeError', message: 'its names contradict each other' };
  t.throws(() => tree.addFile(['d', 'file', 'x'], Buffer.alloc(0)), refused);
  t.throws(() => tree.addFile(['d'], Buffer.alloc(0)), refused);
  t.throws(() => tree.addFile(['d', 'link'], Buffer.alloc(0)), refused);
  t.throws(() => tree.addFile(['d', 'link', 'x'], Buffer.alloc(0)), refused);
  t.throws(() => tree.addLink(['d', 'file'], 'x'), refused);
  t.throws(() => tree.addLink(['d'], 'x'), refused);
  t.throws(() => tree.addFile([], Buffer.alloc(0)), refused);
  tree.addLink(['out'], '../../etc');
  tree.finish();
  t.strictSame(readdirSync(tree.directory), ['d']);
  t.equal(readFileSync(join(tree.directory, 'd/link'), 'latin1'), 'two');
  t.equal(statSync(join(tree.directory, 'd/file')).mode & 0o777, 0o600);
});

t.test('a directory is copied without what leads out of it', async (t) => {
  const tmp = ownTmp(t);
  const outside = ownDirectory(t);
  writeFileSync(join(outside, 'secret'), 'not for the reader');
  const from = join(outside, 'bundle');
  mkdirSync(join(from, 'host/proc'), { recursive: true });
  writeFileSync(join(from, 'host/file'), 'text');
  writeFileSync(join(from, 'for people'), 'text');
  symlinkSync('file', join(from, 'host/inside'));
  symlinkSync('../../secret', join(from, 'host/relative'));
  symlinkSync(join(outside, 'secret'), join(from, 'host/absolute'));
  symlinkSync(outside, join(from, 'host/proc/net'));
  spawnSync('mkfifo', [join(from, 'host/proc/version')]);
  const { directory, remove } = copyTree(from, (path) => path.startsWith('host'), new Bounds());
  t.strictSame(readdirSync(directory, { recursive: true }).sort(), [
    'host',
    'host/file',
    'host/inside',
    'host/proc',
  ]);
  t.equal(readlinkSync(join(directory, 'host/inside')), 'file');
  remove();
  t.strictSame(copies(tmp), []);
});

t.test('what can be read where it is', async (t) => {
  const root = ownDirectory(t);
  const make = (): string => {
    const from = ownDirectory(t);
    mkdirSync(join(from, 'host/sub'), { recursive: true });
    writeFileSync(join(from, 'host/sub/file'), 'text');
    symlinkSync('sub/file', join(from, 'host/link'));
    return from;
  };
  const isSafe = (from: string): boolean =>
    isSafeInPlace(from, (path) => path !== 'for people', new Bounds());
  t.ok(isSafe(make()));
  const changes: Record<string, (from: string) => void> = {
    'a link outside': (from) => symlinkSync('../../x', join(from, 'host/out')),
    'a link outside by another one': (from) => symlinkSync('host/link/../../../../x', join(from, 'out')),
    'an absolute link': (from) => symlinkSync(from, join(from, 'host/absolute')),
    'a FIFO': (from) => void spawnSync('mkfifo', [join(from, 'host/sub/fifo')]),
    'a directory for everybody': (from) => chmodSync(join(from, 'host/sub'), 0o777),
  };
  for (const [what, change] of Object.entries(changes)) {
    const from = make();
    change(from);
    t.notOk(isSafe(from), what);
  }
  const from = make();
  symlinkSync('/etc', join(from, 'for people'));
  t.ok(isSafe(from), 'what is not read does not count');
  chmodSync(root, 0o777);
  mkdirSync(join(root, 'bundle'));
  t.notOk(isSafe(join(root, 'bundle')), 'in a directory in which everybody can rename it');
});

t.test('names that are swapped while the directory is copied', async (t) => {
  const tmp = ownTmp(t);
  const secret = 'the secret of the reader';
  const scene = (): { from: string; outside: string } => {
    const outside = ownDirectory(t);
    writeFileSync(join(outside, 'file'), secret);
    mkdirSync(join(outside, 'sub'));
    writeFileSync(join(outside, 'sub/file'), secret);
    const from = join(outside, 'bundle');
    mkdirSync(join(from, 'host/sub'), { recursive: true });
    for (const name of ['host/file', 'host/sub/file']) writeFileSync(join(from, name), 'his');
    return { from, outside };
  };
  const swaps: [string, string][] = [
    ['host', ''],
    ['host/sub', ''],
    ['host/sub', 'sub'],
    ['host/file', 'file'],
    ['host/sub/file', 'file'],
  ];
  let cases = 0;
  for (const [name, target] of swaps)
    for (let step = -1, steps = 0; step < steps; step++) {
      const { from, outside } = scene();
      const act = (): void => {
        renameSync(join(from, name), join(from, 'old'));
        symlinkSync(join(outside, target), join(from, name));
      };
      const made = underAttack(new Map([[step, act]]), () => {
        try {
          const { directory, remove } = copyTree(from, all, new Bounds());
          for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
            if (
              statSync(join(directory, path)).isFile() &&
              readFileSync(join(directory, path), 'latin1') === secret
            )
              t.fail(`${name} before step ${step}: ${path}`);
          remove();
        } catch (error) {
          t.match(error, { code: /^[A-Z]+$/ }, `${name} before step ${step}`);
        }
      });
      if (step < 0) steps = made;
      cases++;
    }
  t.ok(cases > 100, `${cases} cases`);
  t.strictSame(copies(tmp), []);
});

t.test('bounds', async (t) => {
  const tmp = ownTmp(t);
  const from = ownDirectory(t);
  writeFileSync(join(from, 'a'), 'x'.repeat(100));
  writeFileSync(join(from, 'b'), 'x'.repeat(100));
  const before = { ...LIMITS };
  t.teardown(() => Object.assign(LIMITS, before));
  for (const [limit, message] of [
    [{ entries: 1 }, 'it has more than 1 files'],
    [{ bytes: 150 }, 'it is too large'],
    [{ name: 0 }, 'a name in it is too long'],
    [{ depth: 0 }, 'a path in it is too deep'],
  ] as const) {
    Object.assign(LIMITS, before, limit);
    t.throws(() => copyTree(from, all, new Bounds()), { name: 'TreeError', message });
  }
  t.strictSame(copies(tmp), []);
  Object.assign(LIMITS, before, { seconds: -1 });
  const bounds = new Bounds();
  t.throws(() => bounds.clock('x'), { message: 'it takes too long to unpack' });
});

t.test('who waits is told once', async (t) => {
  const told: string[] = [];
  const bounds = new Bounds((text) => told.push(text));
  bounds.clock('at once');
  const begin = process.hrtime.bigint();
  while (process.hrtime.bigint() - begin < 2_100_000_000n);
  bounds.clock('10 of 20 files');
  bounds.clock('11 of 20 files');
  t.strictSame(told, ['10 of 20 files']);
});

t.test('what killed runs left behind goes, and nothing else', async (t) => {
  const tmp = ownTmp(t);
  const old = new Date(Date.now() - 25 * 3_600_000);
  const make = (name: string, isOurs: boolean): void => {
    mkdirSync(join(tmp, name), { mode: 0o700 });
    writeFileSync(join(tmp, name, isOurs ? '.made-by-smc-tools' : 'file'), '');
    utimesSync(join(tmp, name), old, old);
  };
  make('smc-tools-AbCdE1', true);
  make('smc-tools-backup', false); // of the user
  make('smc-tools-other-1', true);
  mkdirSync(join(tmp, 'smc-tools-fresh1'), { mode: 0o700 });
  writeFileSync(join(tmp, 'smc-tools-fresh1/.made-by-smc-tools'), '');
  const { directory, remove } = privateDirectory();
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.strictSame(readdirSync(directory), []);
  remove();
  t.strictSame(readdirSync(tmp).sort(), ['smc-tools-backup', 'smc-tools-fresh1', 'smc-tools-other-1']);
});
