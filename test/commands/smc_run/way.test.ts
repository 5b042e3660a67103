// SPDX-License-Identifier: MIT
import t from 'tap';
import { type Decision, decide, type Surroundings, type Wish } from '../../../src/commands/services/way.ts';
import { parseElf } from '../../../src/host/elf.ts';
import type { Program } from '../../../src/host/program.ts';
import { type ElfImageOptions, elfImage } from '../../helpers/elf-image.ts';

const elf = (options: ElfImageOptions = {}) => {
  const data = elfImage(options);
  return parseElf({ read: (offset, length) => data.subarray(offset, offset + length) });
};
const library = { file: '/dist/libsmc-preload.so', elf: elf({ interpreter: null }) };
const library32 = {
  file: '/dist/libsmc-preload-32.so',
  elf: elf({ bits: 32, machine: 3, interpreter: null }),
};

const program = (changes: Partial<Program> = {}): Program => ({
  file: './p',
  isShellText: false,
  image: './p',
  elf: elf(),
  unknown: null,
  gains: null,
  wipes: null,
  moves: null,
  elsewhere: null,
  unclear: null,
  ...changes,
});

const user: Surroundings = { isAdmin: false, libraries: [library], noSeccomp: null };
const admin: Surroundings = { ...user, isAdmin: true };
const NO = 'kernel 5.4.0 has no SECCOMP_IOCTL_NOTIF_ADDFD, which came with 5.9';

const plain = (wish: Wish, what: Program | undefined, where = user) => {
  const { library, ...rest }: Decision = decide(wish, what, where);
  return rest;
};
const silent = (way: Decision['way']) => ({ way, works: true, reason: null, consequence: null });

t.test('when all is normal, nothing is said', async (t) => {
  t.strictSame(plain('auto', program()), silent('preload'));
  t.strictSame(plain('preload', program()), silent('preload'));
  t.strictSame(plain('seccomp', program()), silent('seccomp'));
  const musl = program({ elf: elf({ interpreter: '/lib/ld-musl-x86_64.so.1', needed: ['libc.so'] }) });
  t.strictSame(plain('auto', musl), silent('preload'));
  for (const unknown of ['not-elf', 'missing', 'damaged', 'too-deep'] as const)
    t.strictSame(plain('auto', program({ elf: null, unknown })), silent('preload'), unknown);
  t.strictSame(plain('auto', undefined), silent('preload'), 'execve tells what is wrong');
  t.strictSame(plain('seccomp', undefined), silent('seccomp'));
});

const OBSTACLES: readonly (readonly [Partial<Program>, string])[] = [
  [
    { elf: elf({ interpreter: null, needed: [] }) },
    './p is linked statically, so no library can be preloaded',
  ],
  [
    { elf: elf({ interpreter: null, needed: [], goNote: true }) },
    './p is a Go program, which opens sockets without the C library',
  ],
  [{ elf: elf({ goNote: true }) }, './p is a Go program, which opens sockets without the C library'],
  [
    { elf: elf({ bits: 32, machine: 3 }) },
    './p is made for i386, for which there is no preload library here',
  ],
  [
    { elf: elf({ machine: 183 }) },
    './p is made for aarch64 and runs in an emulator, which cannot load a library of this machine',
  ],
  [{ elf: null, unknown: 'unreadable' }, './p cannot be read to see whether a library can be preloaded'],
  [{ wipes: 'env -i' }, "'env -i' does not pass LD_PRELOAD on"],
  [{ moves: 'chroot' }, "'chroot' starts a program in another file tree, which may not contain the library"],
  [
    { image: './a\nb', elf: elf({ interpreter: null, needed: [] }) },
    './a\\x0ab is linked statically, so no library can be preloaded',
  ],
];

t.test('what a library cannot reach goes the seccomp way, or TCP', async (t) => {
  for (const [changes, reason] of OBSTACLES) {
    t.strictSame(
      plain('auto', program(changes)),
      { way: 'seccomp', works: true, reason, consequence: 'taking the seccomp way' },
      reason,
    );
    t.strictSame(plain('preload', program(changes)), {
      way: 'preload',
      works: false,
      reason,
      consequence: 'it runs over TCP',
    });
    t.strictSame(plain('seccomp', program(changes)), silent('seccomp'));
    t.strictSame(plain('auto', program(changes), { ...user, noSeccomp: NO }), {
      way: 'as-is',
      works: false,
      reason: `${reason}, and ${NO}`,
      consequence: 'it runs over TCP',
    });
  }
});

t.test('a wrapper that is not understood', async (t) => {
  const what = program({ unclear: 'nice --new' });
  const reason = "'nice --new' is not understood, so it is not known which program it starts";
  t.strictSame(plain('auto', what, admin), {
    ...silent('seccomp'),
    reason,
    consequence: 'taking the seccomp way',
  });
  const open = {
    way: 'preload',
    works: false,
    reason,
    consequence: 'it runs over TCP if a library cannot reach it',
  };
  t.strictSame(plain('auto', what), open, 'the filter would take privileges away');
  t.strictSame(plain('auto', what, { ...admin, noSeccomp: NO }), open);
  t.strictSame(plain('preload', what, admin), open);
  t.strictSame(plain('seccomp', what), silent('seccomp'));
  t.match(
    plain('auto', program({ unclear: 'x --y', wipes: 'env -i' })),
    { reason: /env -i/ },
    'what is certain counts',
  );
});

t.test('a kernel without the pieces', async (t) => {
  const where = { ...user, noSeccomp: NO };
  t.strictSame(plain('auto', program(), where), silent('preload'));
  for (const what of [program(), undefined])
    t.strictSame(plain('seccomp', what, where), {
      way: 'as-is',
      works: false,
      reason: NO,
      consequence: 'it runs over TCP',
    });
});

t.test('programs that gain privilege', async (t) => {
  const what = program({ gains: 'setuid root' });
  const ignored = './p is setuid root, so the dynamic loader ignores preloaded libraries';
  const loss = 'the seccomp way sets no_new_privs for an ordinary user, so ./p would not be setuid root';
  t.strictSame(plain('auto', what), {
    way: 'as-is',
    works: false,
    reason: `${ignored}, and ${loss}`,
    consequence: 'it runs over TCP',
  });
  t.strictSame(plain('seccomp', what), { way: 'seccomp', works: true, reason: loss, consequence: null });
  t.strictSame(
    plain('auto', program({ gains: 'setuid user 33' }), admin),
    {
      way: 'seccomp',
      works: true,
      reason: './p is setuid user 33, so the dynamic loader ignores preloaded libraries',
      consequence: 'taking the seccomp way',
    },
    'needs no no_new_privs',
  );
});

t.test('programs that a service starts', async (t) => {
  const reason = "'docker' asks a service to start its programs, which smc_run cannot reach";
  for (const wish of ['auto', 'preload', 'seccomp'] as const)
    t.strictSame(plain(wish, program({ elsewhere: 'docker' })), {
      way: wish === 'seccomp' ? 'seccomp' : 'preload',
      works: false,
      reason,
      consequence: null,
    });
});

t.test('the library fits the program', async (t) => {
  const where = { ...user, libraries: [library, library32] };
  t.equal(decide('auto', program(), where).library, library);
  const small = program({ elf: elf({ bits: 32, machine: 3 }) });
  t.strictSame(decide('auto', small, where), { ...silent('preload'), library: library32 });
  t.equal(decide('auto', program({ elf: null, unknown: 'not-elf' }), where).library, library);
});
