// SPDX-License-Identifier: MIT
// Both ways of smc_run look alike to a program, and as TCP does: when sockets are ready by poll, select, epoll and blocking
// calls, over SMC-R and after a fallback. programs/readiness.c prints what each end saw; here the lines are compared.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isLong } from '../helpers/long.ts';
import { projectDirectory } from './guest.ts';
import { addUeid, bootWithSuite, setUpAllOfSmcR } from './suite.ts';

const PROGRAM = 'build/readiness';
mkdirSync(join(projectDirectory, 'build'), { recursive: true });
execFileSync('cc', ['-O2', '-pthread', '-o', PROGRAM, 'test/vm/programs/readiness.c'], {
  cwd: projectDirectory,
});

const SCENARIOS = ['connection', 'non-blocking connect', 'refused', 'TFO listener'];

/** What starts an end; as smc_run does it, without a start of Node. */
const WAYS = {
  plain: PROGRAM,
  preload: `env LD_PRELOAD=$PWD/dist/native/libsmc-preload.so ${PROGRAM}`,
  seccomp: `dist/native/smc-launch -- ${PROGRAM} readiness`,
} as const;
type Way = keyof typeof WAYS;

/**
 * Lines that differ from TCP, and why. A listener with TCP_FASTOPEN is one of TCP from then on, but the kernel (6.12; 7.3
 * by its source) leaves callbacks of SMC in the sockets that it accepts, which wake nobody.
 */
const UNWOKEN = /^TFO listener, [a-z ]+: accepted, for (data|the end): /;

/**
 * A refused connection is an error and closed for SMC, and neither readable nor writable, once SO_ERROR has been read.
 * Programs that look for the error first, as they should, see no difference.
 */
const REFUSED: Readonly<Record<string, string>> = {
  'refused, poll: refused: in out rdhup hup': 'refused, poll: refused: hup',
  'refused, select: refused: in out': 'refused, select: refused: in',
  'refused, epoll level: refused: in out rdhup hup': 'refused, epoll level: refused: hup',
  'refused, epoll edge: refused: in out rdhup hup': 'refused, epoll edge: refused: hup',
  'refused, blocking: refused: in rdhup': 'refused, blocking: refused: nothing',
};

// when a socket is ready is decided above the transport
for (const kernel of isLong ? (['6.12', '6.12-smcd'] as const) : (['6.12'] as const))
  t.test(`readiness, TCP against both ways, ${kernel === '6.12' ? 'SMC-R' : 'SMC-D'}`, async (t) => {
    const guest = await bootWithSuite({ kernel });
    t.teardown(() => guest.close());
    await (kernel === '6.12' ? setUpAllOfSmcR(guest) : addUeid(guest));

    /** What both ends printed. */
    const run = async (listener: Way, client: Way) => {
      const words = SCENARIOS.map((name) => `'${name}'`).join(' ');
      const { stdout, stderr } = await guest.run(
        `${WAYS[client]} client /tmp/sock >/tmp/client & ${WAYS[listener]} listener /tmp/sock ${words}; wait; cat /tmp/client`,
      );
      t.equal(stderr, '', `${listener} and ${client} keep step`);
      const lines = stdout.split('\n').filter(Boolean);
      return {
        seen: lines.filter((line) => !line.startsWith('#')),
        smc: lines.filter((line) => /^#.*: SMC$/.test(line)).length,
      };
    };
    const plain = await run('plain', 'plain');
    t.ok(plain.seen.length > 250, `${plain.seen.length} lines`);
    t.equal(plain.smc, 0);
    t.strictSame(
      plain.seen.filter((line) => /NOT WOKEN|NEVER/.test(line)),
      [],
    );

    for (const [listener, client, isSmc] of [
      ['preload', 'preload', true],
      ['seccomp', 'seccomp', true],
      ['preload', 'plain', false],
      ['seccomp', 'plain', false],
      ['plain', 'preload', false],
      ['plain', 'seccomp', false],
    ] as const)
      await t.test(`${listener} listens, ${client} connects`, async (t) => {
        const { seen, smc } = await run(listener, client);
        // by every mechanism, in the first two scenarios, both ends
        t.equal(smc, isSmc ? 20 : 0, 'ends that were SMC');
        const expected = plain.seen.map((line) =>
          client !== 'plain' && REFUSED[line]
            ? REFUSED[line]
            : listener !== 'plain' && UNWOKEN.test(line)
              ? line.replace(/: woken$/, ': NOT WOKEN, though ready')
              : line,
        );
        t.strictSame(
          seen.filter((line) => !UNWOKEN.test(line)),
          expected.filter((line) => !UNWOKEN.test(line)),
        );
        t.strictSame(
          seen.filter((line) => UNWOKEN.test(line)),
          expected.filter((line) => UNWOKEN.test(line)),
          'the known fault of the kernel',
        );
      });
  });
