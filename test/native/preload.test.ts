// SPDX-License-Identifier: MIT
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { buildNative } from '../../native/build.mjs';
import { adopt, compile, here, nativeSource, numbers, run, scratchDir } from './helpers.ts';

const { EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSYS, EPERM, EPROTONOSUPPORT } =
  constants.errno;
const ESOCKTNOSUPPORT = 94; // linux/errno.h; node:os does not list it

const directory = scratchDir(t);
await buildNative({ outDir: directory, extraFlags: ['-Werror'] });
const library = join(directory, 'libsmc-preload.so');
const tester = compile(join(directory, 'preload-tester'), [here('preload-tester.c')]);

/** Runs the tester under the preload library. */
function preloaded(args: string[], env: Record<string, string> = {}) {
  return run(tester, args, { LD_PRELOAD: library, ...env });
}

t.test('every kind of call, on this kernel', async (t) => {
  const result = preloaded(['--expect', 'kernel', 'table']);
  adopt(t, result);
  t.equal(result.stderr, '', 'silent without SMC_DEBUG');
});

t.test('every kind of call, with AF_SMC played by the tester', async (t) => {
  adopt(t, preloaded(['--stand-in', '--expect', 'converted', 'table']));
});

t.test('the tester notices a missing preload library', async (t) => {
  const result = run(tester, ['--stand-in', '--expect', 'converted', 'table']);
  if (result.stdout.startsWith('1..0 # SKIP')) return;
  t.equal(result.status, 1);
  t.match(result.stdout, /^not ok \d+ - IPv4 stream is SMC$/m);
});

t.test('AF_SMC not to be had: TCP', async (t) => {
  for (const errno of [EPERM, EACCES, EINVAL, ENOSYS, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT]) {
    t.test(`errno ${errno}`, async (t) => {
      adopt(t, preloaded(['--refuse', String(errno), '--expect', 'fallback', 'table']));
    });
  }
});

t.test('out of resources: the call fails', async (t) => {
  for (const errno of [EMFILE, ENFILE, ENOBUFS, ENOMEM]) {
    t.test(`errno ${errno}`, async (t) => {
      adopt(t, preloaded(['--refuse', String(errno), '--expect', String(errno), 'table']));
    });
  }
});

t.test('a kernel without AF_SMC is asked once, a refusal is not remembered', async (t) => {
  const asked = (errno: number) => {
    const result = preloaded(['--stand-in', '--refuse', String(errno), '--expect', 'fallback', 'lines']);
    adopt(t, result);
    return numbers(result).asked?.[0];
  };
  t.equal(asked(EAFNOSUPPORT), 1);
  t.equal(asked(EPERM), 2);
});

t.test('debug lines', async (t) => {
  const debug = { SMC_DEBUG: '1' };
  const sizes = { SMC_SNDBUF: '64k', SMC_RCVBUF: '1M' };
  const standIn = ['--stand-in', '--expect', 'converted'];

  t.test('converted, with sizes', async (t) => {
    const result = preloaded([...standIn, 'lines'], { ...debug, ...sizes });
    const { ipv4, ipv6 } = numbers(result);
    adopt(t, result);
    t.equal(
      result.stderr,
      [
        `libsmc-preload: IPv4 socket ${ipv4} uses SMC`,
        `libsmc-preload: socket ${ipv4}: SO_SNDBUF 65536`,
        `libsmc-preload: socket ${ipv4}: SO_RCVBUF 1048576`,
        `libsmc-preload: IPv6 socket ${ipv6} uses SMC`,
        `libsmc-preload: socket ${ipv6}: SO_SNDBUF 65536`,
        `libsmc-preload: socket ${ipv6}: SO_RCVBUF 1048576`,
        '',
      ].join('\n'),
    );
  });

  t.test('fallback, sizes not used', async (t) => {
    const result = preloaded(['--refuse', String(EPERM), '--expect', 'fallback', 'lines'], {
      ...debug,
      ...sizes,
    });
    adopt(t, result);
    t.equal(
      result.stderr,
      [
        'libsmc-preload: IPv4 socket 3 stays TCP: AF_SMC gave errno 1',
        'libsmc-preload: IPv6 socket 4 stays TCP: AF_SMC gave errno 1',
        '',
      ].join('\n'),
    );
  });

  t.test('failure', async (t) => {
    const result = preloaded(['--refuse', String(EMFILE), '--expect', String(EMFILE), 'lines'], debug);
    adopt(t, result);
    t.equal(
      result.stderr,
      [
        'libsmc-preload: IPv4 socket not opened: AF_SMC gave errno 24',
        'libsmc-preload: IPv6 socket not opened: AF_SMC gave errno 24',
        '',
      ].join('\n'),
    );
  });

  t.test('a size that cannot be set does not fail the call', async (t) => {
    const result = preloaded([...standIn, '--refuse-sndbuf', String(EPERM), 'lines'], { ...debug, ...sizes });
    const { ipv4 } = numbers(result);
    adopt(t, result);
    t.match(result.stderr, `libsmc-preload: socket ${ipv4}: SO_SNDBUF 65536 not set: errno 1\n`);
    t.match(result.stderr, `libsmc-preload: socket ${ipv4}: SO_RCVBUF 1048576\n`);
  });

  for (const [value, on] of [
    ['1', true],
    ['yes', true],
    ['10', true],
    ['', false],
    ['0', false],
    ['01', false],
  ] as const) {
    t.test(`SMC_DEBUG=${value} is ${on ? 'on' : 'off'}`, async (t) => {
      const result = preloaded(['--expect', 'kernel', 'lines'], { SMC_DEBUG: value });
      adopt(t, result);
      t.equal(result.stderr !== '', on);
    });
  }

  t.test('none on a socket that has the number of a closed stderr', async (t) => {
    const result = run(
      'sh',
      ['-c', 'LD_PRELOAD=$1; export LD_PRELOAD; exec "$2" --expect kernel lines 2>&-', 'sh', library, tester],
      debug,
    );
    adopt(t, result);
    t.strictSame(numbers(result).ipv4, [2]);
  });

  t.test('a closed stdin and stdout do no harm', async (t) => {
    const script = 'LD_PRELOAD=$1; export LD_PRELOAD; exec "$2" --expect kernel lines <&- >&-';
    const result = run('sh', ['-c', script, 'sh', library, tester], debug);
    t.match(result.stderr, /^libsmc-preload: IPv4 socket 0 /);
  });
});

t.test('sizes', async (t) => {
  const outcome = (variable: string, value: string) => {
    const args = ['--stand-in', '--expect', 'converted', 'lines'];
    const { stdout, stderr } = preloaded(args, { SMC_DEBUG: '1', [variable]: value });
    if (stdout.startsWith('1..0 # SKIP')) return undefined;
    const set = stderr.match(/: SO_(?:SND|RCV)BUF (\d+)$/m)?.[1];
    const ignored = stderr.split(
      `libsmc-preload: ${variable} ignored: not a size from 1 to 2147483647 bytes\n`,
    );
    // The warning appears once, although two sockets were opened.
    return set ?? (ignored.length === 2 ? 'ignored' : stderr);
  };

  const good = [
    ['1', '1'],
    ['65536', '65536'],
    ['64k', '65536'],
    ['64K', '65536'],
    ['1m', '1048576'],
    ['16M', '16777216'],
    ['010k', '10240'],
    ['0000000000000000000008', '8'],
    ['2147483647', '2147483647'],
    ['2097151k', '2147482624'],
    ['2047M', '2146435072'],
  ];
  const bad = [
    ...['', '0', '0k', '00M', '-1', '-1k', '+1', ' 1', '1 ', '1\n', 'k', 'M', '8|', '0x10', '1e3', '1.5k'],
    ...['1kk', '1kM', '1k1', '1kB', '1g', '1T', 'max', '９', '2147483648', '2097152k', '2048M', '4096M'],
    ...['4294967297', '18446744073709551617', '9'.repeat(400)],
  ];
  for (const [value, bytes] of [...good, ...bad.map((value) => [value, 'ignored'])] as [string, string][]) {
    const found = outcome('SMC_SNDBUF', value);
    t.ok(found === undefined || found === bytes, `${JSON.stringify(value.slice(0, 30))}: ${bytes}`, {
      found,
    });
  }
  t.match(outcome('SMC_RCVBUF', '32k') ?? '32768', '32768');
  t.match(outcome('SMC_RCVBUF', '32q') ?? 'ignored', 'ignored');

  t.test('set on converted sockets only', async (t) => {
    const result = preloaded(['--stand-in', '--expect', 'converted', 'sizes'], {
      SMC_SNDBUF: '80k',
      SMC_RCVBUF: '96k',
    });
    adopt(t, result);
    const found = numbers(result);
    if (!found.ipv4) return;
    // The kernel sets twice the wish, and caps the wish (net.core.wmem_max, rmem_max).
    const max = (name: string) => Number(readFileSync(`/proc/sys/net/core/${name}`, 'utf8'));
    const sizes = [2 * Math.min(80 * 1024, max('wmem_max')), 2 * Math.min(96 * 1024, max('rmem_max'))];
    t.strictSame(found.ipv4, sizes);
    t.strictSame(found.ipv6, sizes);
    t.strictSame(found.udp, found['direct-udp']);
    t.strictSame(found.unix, found['direct-unix']);
    t.notSame(found.direct, sizes);
  });

  t.test('not on sockets that stay TCP', async (t) => {
    const args = ['--refuse', String(EAFNOSUPPORT), '--expect', 'fallback', 'sizes'];
    const found = numbers(preloaded(args, { SMC_SNDBUF: '80k', SMC_RCVBUF: '96k' }));
    t.strictSame(found.ipv4, found.direct);
  });
});

t.test('flavors', async (t) => {
  const lines = (args: string[], env: Record<string, string>) => {
    const result = preloaded([...args, 'lines'], { SMC_DEBUG: '1', ...env });
    adopt(t, result);
    return { asked: numbers(result).asked?.[0], stderr: result.stderr };
  };
  const fallback = ['--stand-in', '--refuse', String(EPERM), '--expect', 'fallback'];
  t.equal(lines(fallback, { SMC_SOCKET: 'af_smc' }).asked, 2);
  t.match(lines(fallback, { SMC_SOCKET: 'auto' }), { asked: 2, stderr: /stays TCP: AF_SMC gave errno 1\n/ });
  t.match(
    lines(['--stand-in', '--expect', 'fallback'], { SMC_SOCKET: 'inet' }),
    { asked: 0, stderr: /stays TCP: IPPROTO_SMC gave errno 93\n/ },
    'AF_SMC is not asked',
  );
  for (const wrong of ['AF_SMC', 'inet6', 'aut', '1'])
    t.match(lines(['--stand-in', '--expect', 'converted'], { SMC_SOCKET: wrong }), {
      asked: 2,
      stderr: /^libsmc-preload: SMC_SOCKET ignored: not af_smc, inet or auto\n(?!.*ignored)/,
    });
  t.equal(lines(['--stand-in', '--expect', 'converted'], { SMC_SOCKET: '' }).asked, 2);
});

t.test('strict: no TCP in place of SMC', async (t) => {
  for (const errno of [EPERM, EAFNOSUPPORT, EMFILE])
    adopt(t, preloaded(['--refuse', String(errno), '--expect', String(errno), 'table'], { SMC_STRICT: '1' }));
  adopt(t, preloaded(['--refuse', String(EPERM), '--expect', 'fallback', 'table'], { SMC_STRICT: '0' }));
  adopt(t, preloaded(['--stand-in', '--expect', 'converted', 'table'], { SMC_STRICT: '1' }));
});

t.test('rules for commands', async (t) => {
  const chosen = (env: Record<string, string>) => {
    const { stdout } = preloaded(['--stand-in', '--expect', 'converted', 'lines'], env);
    t.match(stdout, /^# asked [02]$/m);
    return !stdout.includes('# asked 0');
  };
  for (const pattern of [
    ...[
      'preload-tester',
      '*',
      'p*r',
      '*-*',
      'x:preload-tester',
      'preload-tester:x',
      ':preload-*:',
      '?reload*',
    ],
    ...['[a-z]reload-tester', '[!a]*', '[^x-z]reload-tester', '*[r]', 'preload[-]tester', '*e*e*e*', '**r'],
  ]) {
    t.ok(chosen({ SMC_ONLY_COMMAND: pattern }), `only ${pattern}`);
    t.notOk(chosen({ SMC_EXCEPT_COMMAND: pattern }), `except ${pattern}`);
  }
  for (const pattern of [
    ...['', ':', 'preload', 'tester', 'preload-tester ', 'Preload-tester', '?', 'preload-tester?', '[p'],
    ...[
      '[!p]*',
      '[a-o]reload-tester',
      '*x',
      'preload-tester[]',
      '[]',
      '*e*e*e*e*',
      '/*',
      '[z-a]reload-tester',
    ],
  ]) {
    t.notOk(chosen({ SMC_ONLY_COMMAND: pattern }), `only ${pattern}`);
    t.ok(chosen({ SMC_EXCEPT_COMMAND: pattern }), `except ${pattern}`);
  }
  t.notOk(chosen({ SMC_ONLY_COMMAND: '*', SMC_EXCEPT_COMMAND: 'preload-*' }));
  const script = join(directory, 'a-script');
  writeFileSync(script, '#!/usr/bin/python3\nimport socket\nsocket.socket()\n');
  chmodSync(script, 0o755);
  for (const [only, lines] of [
    ['a-script', 1],
    ['python3*', 1],
    ['a-scrip', 0],
  ] as const) {
    const { stderr } = run(script, [], { LD_PRELOAD: library, SMC_DEBUG: '1', SMC_ONLY_COMMAND: only });
    t.equal(stderr.match(/^libsmc-preload: IPv4/gm)?.length ?? 0, lines, only);
  }
});

t.test('threads, fork, vfork and signal handlers at once', async (t) => {
  t.test('on this kernel', async (t) => adopt(t, preloaded(['--expect', 'kernel', 'storm', '200'])));
  t.test('with AF_SMC played by the tester', async (t) =>
    adopt(t, preloaded(['--stand-in', '--expect', 'converted', 'storm', '100'])),
  );
});

t.test('constructor of another library', async (t) => {
  const early = compile(join(directory, 'libearly.so'), [here('early.c')], ['-shared', '-fPIC']);
  const result = run('true', [], {
    LD_PRELOAD: `${library} ${early}`,
    LD_DEBUG: 'files',
    SMC_DEBUG: '1',
    SMC_SNDBUF: 'x',
  });
  const order = [...result.stderr.matchAll(/calling init: \S*\/(libearly|libsmc-preload)\.so/g)].map(
    ([, name]) => name,
  );
  t.strictSame(order, ['libearly', 'libsmc-preload'], 'the loader runs it before ours');
  t.equal(
    result.stderr.match(/libsmc-preload: IPv4 socket \d+ /g)?.length,
    1,
    'settings are known all the same',
  );
  t.equal(result.stderr.match(/SMC_SNDBUF ignored/g)?.length, 1);
});

t.test('sanitizers, with the preload library linked into the tester', async (t) => {
  // The loader wants the sanitizer's library first, so the preload library is not preloaded here. Without its
  // constructor the settings are read by the threads, all at once.
  const variants: [name: string, flags: string[]][] = [
    ['address,undefined', ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']],
    ['thread', ['-fsanitize=thread', '-fno-sanitize-recover=all']],
    ['thread, no constructor', ['-fsanitize=thread', '-fno-sanitize-recover=all', '-Dconstructor=used']],
  ];
  for (const [name, flags] of variants) {
    t.test(name, async (t) => {
      const sources = [here('preload-tester.c'), nativeSource('smc-preload.c')];
      const program = compile(join(directory, `tester ${name}`), sources, ['-g', '-O1', ...flags]);
      const env = { SMC_DEBUG: '1', SMC_SNDBUF: '64k', SMC_RCVBUF: '99999999999999' };
      for (const args of [
        ['--expect', 'kernel', 'table'],
        ['--stand-in', '--expect', 'converted', 'table'],
        ['--stand-in', '--expect', 'converted', 'sizes'],
        ['--refuse', String(EMFILE), '--expect', String(EMFILE), 'lines'],
        ['--expect', 'kernel', 'storm', '50'],
        ['--stand-in', '--expect', 'converted', 'storm', '25'],
      ]) {
        t.test(args.join(' '), async (t) => {
          const result = run(program, args, env);
          adopt(t, result);
          t.notMatch(result.stderr, /Sanitizer|runtime error/);
        });
      }
    });
  }
});

t.test('symbols', async (t) => {
  const { stdout } = run('nm', ['-D', library]);
  const symbols = (kind: RegExp) =>
    stdout
      .split('\n')
      .filter((line) => kind.test(line))
      .map((line) => line.replace(/^.* ([^ @]+).*$/, '$1'))
      .sort();
  t.strictSame(symbols(/ [A-TV-Z] /), ['socket'], 'socket is the only one of ours');
  // environ has two names in glibc, the linker takes both
  const needed = ['__environ', '__errno_location', '__stack_chk_fail', 'environ', 'syscall'];
  t.strictSame(
    symbols(/ [Uuvw] /).filter((name) => !needed.includes(name)),
    [],
    'needs nothing that is not safe in a signal handler, or missing in another C library',
  );
});

t.test('musl', async (t) => {
  // Not the tester: it includes kernel headers, which musl-gcc does not find.
  const source = join(directory, 'musl-program.c');
  writeFileSync(
    source,
    '#include <sys/socket.h>\nint main(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0; }\n',
  );
  const program = compile(join(directory, 'musl-program'), [source], [], 'musl-gcc');
  const result = run(program, [], { LD_PRELOAD: library, SMC_DEBUG: '1' });
  t.equal(result.status, 0);
  t.match(result.stderr, /^libsmc-preload: IPv4 socket 3 (uses SMC|stays TCP)/);
});

t.test('a program that talks TCP', async (t) => {
  const script = `
    const net = require('node:net');
    const server = net.createServer((peer) => peer.pipe(peer)).listen(0, '127.0.0.1', () => {
      const socket = net.connect(server.address().port, '127.0.0.1', () => socket.end('x'.repeat(1e6)));
      let length = 0;
      socket.on('data', (data) => { length += data.length; });
      socket.on('close', () => { console.log(length); server.close(); });
    });`;
  const result = run(process.execPath, ['-e', script], { LD_PRELOAD: library, SMC_DEBUG: '1' });
  t.equal(result.stdout, '1000000\n');
  t.equal(result.stderr.match(/^libsmc-preload: IPv4 socket \d+ (uses SMC|stays TCP)/gm)?.length, 2);
});
