// SPDX-License-Identifier: MIT
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  type Caller,
  candidates,
  currentCaller,
  findExecutable,
  lookAtProgram,
  mountOptions,
  type Program,
} from '../../src/host/program.ts';
import { elfImage } from '../helpers/elf-image.ts';
import { scratchDir } from '../native/helpers.ts';

const user: Caller = { uid: 1000, gid: 1000, isAdmin: false, hasNoNewPrivileges: false };
const root: Caller = { uid: 0, gid: 0, isAdmin: true, hasNoNewPrivileges: false };
/** A tree without /proc: nothing is known of mounts. */
const nowhere = '/no/such/root';

/** A directory with executable files. */
function files(t: Test, content: Record<string, string | Buffer>): string {
  const directory = scratchDir(t);
  for (const [name, data] of Object.entries(content)) {
    writeFileSync(join(directory, name), data);
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}

const look = (argv: readonly string[], path: string, caller = user): Program | undefined =>
  lookAtProgram(argv, { caller, path, root: nowhere });

t.test('where a command is searched', async (t) => {
  t.strictSame(candidates('', '/a'), []);
  t.strictSame(candidates('x/y', '/a'), ['x/y']);
  t.strictSame(candidates('x', '/a::b'), ['/a/x', './x', 'b/x']);
  t.strictSame(candidates('x', undefined), ['/bin/x', '/usr/bin/x']);
  const directory = files(t, { tool: 'x' });
  mkdirSync(join(directory, 'other'));
  mkdirSync(join(directory, 'other/tool'));
  t.equal(findExecutable('tool', `/no:${directory}/other:${directory}`), `${directory}/tool`);
  chmodSync(join(directory, 'tool'), 0o644);
  t.equal(findExecutable('tool', directory), undefined);
  t.equal(look(['tool'], directory), undefined);
  t.equal(look([''], directory), undefined);
});

t.test('a program of the machine', async (t) => {
  const directory = files(t, { prog: elfImage() });
  t.match(look(['prog'], directory), {
    file: `${directory}/prog`,
    image: `${directory}/prog`,
    elf: { interpreter: '/lib64/ld-linux-x86-64.so.2' },
    isShellText: false,
    unknown: null,
    gains: null,
    wipes: null,
    moves: null,
    elsewhere: null,
    unclear: null,
  });
});

t.test('scripts', async (t) => {
  const directory = files(t, { prog: elfImage({ interpreter: null, needed: [] }) });
  const script = (name: string, text: string): string[] => {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o755);
    return [join(directory, name), 'a'];
  };
  const image = (text: string) => look(script('script', text), directory)?.image;
  const prog = `${directory}/prog`;
  t.equal(image(`#!${prog}\n`), prog);
  t.equal(image(`#! \t${prog} \t-x y \n`), prog);
  t.equal(image(`#!${prog}`), prog, 'without a line end');
  t.equal(image(`#!/usr/bin/env prog\n`), prog);
  t.equal(image(`#!/usr/bin/env -S A=1 prog -x\n`), prog);
  t.match(look(script('s', `#!/usr/bin/env -S -i ${prog}\n`), directory), { image: prog, wipes: 'env -i' });
  t.match(look(script('s', 'echo hello\n'), directory), { image: '/bin/sh', isShellText: true });
  t.match(look(script('s', '#!/bin/sh\n'), directory), { image: '/bin/sh', isShellText: false });

  t.match(look(script('s', ''), directory), { elf: null, unknown: 'not-elf' });
  t.match(look(script('s', '\0\0'), directory), { elf: null, unknown: 'not-elf' });
  t.match(
    look(script('s', '#!\n/bin/sh'), directory),
    { image: '/bin/sh', isShellText: true },
    'an empty line',
  );
  t.match(look(script('s', '#!\n\0'), directory), { unknown: 'not-elf', isShellText: false });
  t.equal(look(script('s', '#!/no/such\n'), directory), undefined);
  t.match(look(script('s', '#!/usr/bin/env no-such\n'), directory), { image: 'no-such', unknown: 'missing' });
  t.match(look(script('s', '\x7fELF'), directory), { unknown: 'damaged' });
  t.match(look(script('s', `#!/${'x'.repeat(300)}`), directory), { isShellText: true }, 'cut off');

  // the kernel follows five interpreters that are scripts
  script('text', 'echo hello\n');
  script('empty', '');
  for (const name of ['text', 'empty'])
    t.match(
      look(script('s', `#!${directory}/${name}\n`), directory),
      { image: '/bin/sh', isShellText: true },
      `execve(2) refuses an interpreter that is ${name}, and execvp(3) has the shell run the script`,
    );

  script('i0', `#!${prog}\n`);
  for (let depth = 1; depth <= 5; depth++) script(`i${depth}`, `#!${directory}/i${depth - 1}\n`);
  t.equal(look(['i4'], directory)?.image, prog);
  t.match(look(['i5'], directory), { elf: null, unknown: 'too-deep' });
  script('loop', `#!${directory}/loop\n`);
  t.match(look(['loop'], directory), { unknown: 'too-deep' });
  script('endless', '#!/usr/bin/env endless\n');
  t.match(look(['endless'], directory), { unknown: 'too-deep' });
});

t.test('wrappers', async (t) => {
  const directory = files(t, {
    prog: elfImage({ goNote: true }),
    sudo: elfImage(),
    docker: elfImage(),
    chroot: elfImage(),
    su: '#!/bin/sh\n',
  });
  const path = `${directory}:/usr/bin:/bin`;
  t.match(look(['nice', '-n', '1', 'env', '-i', `PATH=${directory}`, 'prog'], path), {
    file: /\/nice$/,
    image: `${directory}/prog`,
    elf: { go: {} },
    wipes: 'env -i',
  });
  t.match(look(['sudo', 'prog'], path), { image: `${directory}/sudo`, wipes: 'sudo' });
  t.match(look(['docker', 'run'], path), { elsewhere: 'docker' });
  t.match(look(['su', '-'], path), { image: '/bin/sh', wipes: 'su -' }, 'a script by that name');
  t.match(look(['nice', '--new-option', 'prog'], path), { image: /\/nice$/, unclear: 'nice --new-option' });
  t.match(look(['chroot', directory, 'prog'], path), { image: /\/chroot$/, moves: 'chroot' });
  t.match(look(['sh', '-c', `exec env -i PATH=${directory} prog x`], path), {
    image: `${directory}/prog`,
    wipes: 'env -i',
  });
  const shell = { image: /sh$/, unknown: null, wipes: null };
  t.match(
    look(['/bin/sh', '-c', 'prog; true'], path),
    shell,
    'more than words: the shell is all that is known',
  );
  t.match(look(['/bin/sh', '-c', 'type x'], path), shell, 'a word of the shell');
  t.equal(look(['env', '-C', directory, './prog'], path)?.image, `${directory}/./prog`);
  writeFileSync(join(directory, 'busybox'), elfImage({ interpreter: null, needed: [] }), { mode: 0o755 });
  t.equal(look(['busybox', 'nice', 'prog'], path)?.image, `${directory}/prog`);
  t.equal(look(['busybox', 'wget', 'x'], path)?.image, `${directory}/busybox`);
  t.match(look(['timeout', '1', 'no-such'], path), { image: 'no-such', unknown: 'missing' });
  t.match(look(Array(40).fill('nohup').concat('prog'), path), { unknown: 'too-deep' });
});

t.test('names that are no UTF-8', async (t) => {
  const directory = scratchDir(t);
  const name = Buffer.from(`${directory}/pr\xffog`, 'latin1');
  writeFileSync(name, elfImage());
  chmodSync(name, 0o755);
  t.match(look([name.toString('latin1')], ''), { file: name.toString('latin1'), elf: { bits: 64 } });
});

t.test('files that may be executed and not read', async (t) => {
  if (process.geteuid?.() !== 0) return t.pass('not root here');
  const directory = files(t, { prog: elfImage() });
  chmodSync(join(directory, 'prog'), 0o711);
  chmodSync(directory, 0o755);
  process.seteuid?.(65534);
  try {
    t.match(look(['prog'], directory), { elf: null, unknown: 'unreadable' });
  } finally {
    process.seteuid?.(0);
  }
});

t.test('privileges', async (t) => {
  if (process.geteuid?.() !== 0) return t.pass('not root here');
  const directory = files(t, { prog: elfImage() });
  const file = join(directory, 'prog');
  const gains = (mode: number, uid: number, gid: number, caller: Caller): string | null | undefined => {
    chownSync(file, uid, gid);
    chmodSync(file, mode);
    return look([file], '', caller)?.gains;
  };
  t.equal(gains(0o755, 0, 0, user), null);
  t.equal(gains(0o4755, 0, 0, user), 'setuid root');
  t.equal(gains(0o4755, 0, 0, root), null, 'it is root already');
  t.equal(gains(0o4755, 33, 0, root), 'setuid user 33');
  t.equal(gains(0o4755, 1000, 0, user), null, 'its own');
  t.equal(gains(0o2755, 0, 42, user), 'setgid group 42');
  t.equal(gains(0o2755, 0, 0, user), 'setgid root');
  t.equal(gains(0o2745, 0, 42, user), null, 'means mandatory locking');
  t.equal(gains(0o4755, 0, 0, { ...user, hasNoNewPrivileges: true }), null);

  chmodSync(file, 0o755);
  const withCapability = (caller: Caller) =>
    lookAtProgram([file], {
      caller,
      path: '',
      root: nowhere,
      getxattr: (_file, name) => (name === 'security.capability' ? Buffer.alloc(20) : null),
    })?.gains;
  t.equal(withCapability(user), 'given file capabilities');
  t.equal(withCapability(root), null, 'root has them');

  chmodSync(file, 0o4755);
  const mounted = (options: string) =>
    lookAtProgram([file], {
      caller: user,
      path: '',
      root: t.testdir({
        proc: {
          self: { mountinfo: `1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / ${directory} ${options} - tmpfs t rw\n` },
        },
      }),
    })?.gains;
  t.equal(mounted('rw,nosuid'), null);
  t.equal(mounted('rw'), 'setuid root');
  symlinkSync(file, join(directory, 'link'));
  t.equal(look(['link'], directory)?.gains, 'setuid root');
});

t.test('mounts', async (t) => {
  const mountinfo = [
    '1 0 0:1 / / rw,relatime - ext4 /dev/vda rw',
    '2 1 0:2 / /a\\040b rw,nosuid shared:1 - tmpfs t rw',
    '3 1 0:3 / /c rw,noexec - tmpfs t rw',
    '4 3 0:4 / /c ro - tmpfs t rw',
    'nonsense',
  ].join('\n');
  const tree = t.testdir({ proc: { self: { mountinfo } } });
  t.strictSame(mountOptions('/x', tree), ['rw', 'relatime']);
  t.strictSame(mountOptions('/a b/x', tree), ['rw', 'nosuid']);
  t.strictSame(mountOptions('/a bc', tree), ['rw', 'relatime']);
  t.strictSame(mountOptions('/c/x', tree), ['ro'], 'the last one');
  t.strictSame(mountOptions('/x', nowhere), []);
});

t.test('the caller', async (t) => {
  const status = (text: string): Caller => currentCaller(t.testdir({ proc: { self: { status: text } } }));
  t.strictSame(
    status('Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t5\t6\t7\t8\nCapEff:\t0000000000200000\nNoNewPrivs:\t1\n'),
    { uid: 1000, gid: 5, isAdmin: true, hasNoNewPrivileges: true },
  );
  t.match(status('Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n'), { uid: 0, isAdmin: false }, 'a container');
  t.strictSame(currentCaller(nowhere), {
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    isAdmin: process.getuid?.() === 0,
    hasNoNewPrivileges: false,
  });
});
