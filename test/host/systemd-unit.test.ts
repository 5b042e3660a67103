// SPDX-License-Identifier: MIT
// Units in made-up trees, read as systemd reads them.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  environmentOf,
  expandSpecifiers,
  listOf,
  nameParts,
  parseUnit,
  quoteWord,
  readUnit,
  settingOf,
  splitWords,
  type Unit,
  unitNames,
} from '../../src/host/systemd-unit.ts';

/** A tree with files by their path. */
function tree(t: Test, files: Record<string, string>, links: Record<string, string> = {}): string {
  const top: Record<string, unknown> = {};
  for (const [path, content] of Object.entries(files)) {
    const names = path.split('/').filter(Boolean);
    const last = names.pop()!;
    let folder = top;
    for (const name of names) {
      folder[name] ??= {};
      folder = folder[name] as Record<string, unknown>;
    }
    folder[last] = content;
  }
  const root = t.testdir(top as Parameters<Test['testdir']>[0]);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  return root;
}

const found = (unit: ReturnType<typeof readUnit>): Unit => {
  if (typeof unit === 'string') throw new Error(unit);
  return unit;
};

t.test('lines', async (t) => {
  const text = `\ufeff# comment
[Unit]
Description = a  b
[Service]
ExecStart=/bin/x \\
# in between
; and this
  --one \\
  two
Environment=
Not an assignment
Environment=A=1 ${' '}
`;
  t.strictSame(
    parseUnit(text, 'f').map(({ section, key, value }) => [section, key, value]),
    [
      ['Unit', 'Description', 'a  b'],
      ['Service', 'ExecStart', '/bin/x    --one    two'],
      ['Service', 'Environment', ''],
      ['Service', 'Environment', 'A=1'],
    ],
  );
});

t.test('words', async (t) => {
  for (const [text, words] of [
    ['', []],
    ['  a\tb ', ['a', 'b']],
    [`"two words" 'and "these"' x"y"`, ['two words', 'and "these"', 'xy']],
    ['a\\x20b \\101 \\s \\u00e9 "\\""', ['a b', 'A', ' ', 'é', '"']],
    ['"open', ['open']],
    ['""', ['']],
    ['100%% $HOME %i', ['100%%', '$HOME', '%i']],
  ] as const)
    t.strictSame(
      splitWords(text).map((word) => word.text),
      words,
      text,
    );
  for (const [word, quoted] of [
    ['/a/b.so:/c', '/a/b.so:/c'],
    ['two words', '"two words"'],
    ['50%', '50%%'],
    ['a"b\\c\nd', '"a\\"b\\\\c\\nd"'],
  ] as const) {
    t.equal(quoteWord(word), quoted);
    t.equal(splitWords(quoted)[0]?.text.replaceAll('%%', '%'), word, 'and back');
  }
});

t.test('names', async (t) => {
  t.strictSame(nameParts('a.b.service'), { prefix: 'a.b', instance: undefined, type: 'service' });
  t.strictSame(nameParts('a@.service'), { prefix: 'a', instance: '', type: 'service' });
  t.strictSame(nameParts('a@b@c.service'), { prefix: 'a', instance: 'b@c', type: 'service' });
  t.equal(
    expandSpecifiers('%i %I %p %n %N %% %h', 'pg@15-main.service'),
    '15-main 15/main pg pg@15-main.service pg@15-main % %h',
  );
});

t.test('drop-ins, resets and precedence', async (t) => {
  const root = tree(t, {
    'usr/lib/systemd/system/a-b.service': '[Service]\nEnvironment=A=1\nExecStart=/one\nUser=x\n',
    'usr/lib/systemd/system/a-b.service.d/10.conf': '[Service]\nEnvironment="B=2 3"\n',
    'usr/lib/systemd/system/a-b.service.d/20.conf': '[Service]\nEnvironment=HIDDEN=1\n',
    'etc/systemd/system/a-b.service.d/20.conf': '[Service]\nExecStart=\nExecStart=/two\nUser=\n',
    'etc/systemd/system/a-.service.d/15.conf': '[Service]\nEnvironment=C=4\n',
    'etc/systemd/system/service.d/99.conf': '[Service]\nEnvironment=D=5\n',
    'etc/systemd/system/a-b.service.d/zz-smc.conf': '[Service]\nEnvironment=OURS=1\n',
    'etc/systemd/system/a-b.service.d/notes': '[Service]\nEnvironment=NO=1\n',
  });
  const unit = found(readUnit('a-b.service', root, 'zz-smc.conf'));
  t.strictSame(
    [...environmentOf(unit)],
    [
      ['A', '1'],
      ['B', '2 3'],
      ['C', '4'],
      ['D', '5'],
    ],
  );
  t.strictSame(
    listOf(unit, 'ExecStart').map(({ value }) => value),
    ['/two'],
  );
  t.equal(settingOf(unit, 'User'), undefined, 'an empty assignment is the default');
  t.ok(environmentOf(found(readUnit('a-b.service', root))).has('OURS'));
});

t.test('templates, aliases, masks', async (t) => {
  const root = tree(
    t,
    {
      'usr/lib/systemd/system/f@.service': '[Service]\nExecStart=/f %i\n',
      'etc/systemd/system/f@.service.d/a.conf': '[Service]\nEnvironment=ALL=1\n',
      'etc/systemd/system/f@1.service.d/b.conf': '[Service]\nEnvironment=ONE=1\n',
      'usr/lib/systemd/system/ssh.service': '[Service]\nExecStart=/s\n',
      'usr/lib/systemd/system/ssh.socket': '[Socket]\n',
      'etc/systemd/system/empty.service': '',
    },
    {
      'etc/systemd/system/sshd.service': '/usr/lib/systemd/system/ssh.service',
      'etc/systemd/system/gone.service': '/dev/null',
      'etc/systemd/system/loop.service': 'loop2.service',
      'etc/systemd/system/loop2.service': 'loop.service',
      'etc/systemd/system/g@.service': '/usr/lib/systemd/system/f@.service',
    },
  );
  t.strictSame([...environmentOf(found(readUnit('f@1.service', root))).keys()], ['ALL', 'ONE']);
  t.strictSame([...environmentOf(found(readUnit('f@2.service', root))).keys()], ['ALL']);
  t.equal(found(readUnit('sshd.service', root)).name, 'ssh.service');
  t.equal(found(readUnit('g@7.service', root)).name, 'f@7.service');
  for (const name of ['gone.service', 'empty.service']) t.equal(readUnit(name, root), 'masked', name);
  for (const name of ['nosuch.service', 'loop.service', 'f.service'])
    t.equal(readUnit(name, root), 'missing', name);
  t.strictSame(unitNames('socket', root), ['ssh.socket']);
});
