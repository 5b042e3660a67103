// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BrokenPipeError, type Io } from '../../src/cli/io.ts';
import { UsageError } from '../../src/cli/options.ts';
import { type CommandDefinition, type Context, run } from '../../src/cli/run.ts';
import { NetlinkError } from '../../src/netlink/error.ts';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { parseRecording } from '../../src/recording/recording.ts';
import { SmcError } from '../../src/smc/error.ts';
import { version } from '../../src/version.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { type Outcome, type RunOptions, runCommand } from '../helpers/run-command.ts';
import { waitUntil } from '../helpers/wait.ts';

function command(body: CommandDefinition['run']): CommandDefinition {
  return {
    name: 'cmd',
    usage: '[options]',
    summary: 'Does things.',
    options: {},
    examples: [['cmd', 'does it']],
    run: body,
  };
}

const fails = (error: unknown, options?: RunOptions): Promise<Outcome> =>
  runCommand(
    command(() => {
      throw error;
    }),
    '',
    options,
  );

const nothing = command(() => undefined);

t.test('status', async (t) => {
  t.strictSame(await runCommand(nothing), { status: 0, stdout: '', stderr: '' });
  t.equal((await runCommand(command(() => 3))).status, 3);
  t.equal((await runCommand(command(async () => 4))).status, 4);
  t.equal((await runCommand(command(async () => undefined))).status, 0);
});

t.test('answers', async (t) => {
  t.strictSame(await runCommand(nothing, '-v'), {
    status: 0,
    stdout: `cmd utility, smc-tools-${version}\n`,
    stderr: '',
  });
  const help = await runCommand(nothing, '--help');
  t.equal(help.status, 0);
  t.match(help.stdout, /^Usage: cmd \[options\]\n/);
  t.equal(help.stderr, '');
});

t.test('usage errors', async (t) => {
  const stderr = "cmd: unknown option '-x'; cmd --help shows the usage\n";
  t.strictSame(await runCommand(nothing, '-x'), { status: 1, stdout: '', stderr });
  t.equal((await fails(new UsageError('say what'))).stderr, 'cmd: say what; cmd --help shows the usage\n');
});

t.test('failures are one line', async (t) => {
  t.strictSame(await fails(new SmcError('INVALID', 'it is wrong', { hint: 'make it right' })), {
    status: 1,
    stdout: '',
    stderr: 'cmd: it is wrong; make it right\n',
  });
  t.equal((await fails(new SmcError('INVALID', 'it is wrong'))).stderr, 'cmd: it is wrong\n');
  t.match(await fails(new NetlinkError({ op: 'request', code: 'EPERM' })), {
    status: 1,
    stderr: /^cmd: permission denied; .*\n$/,
  });
});

t.test('what is not foreseen is called a bug; its stack is for the debug variable', async (t) => {
  const bug = new TypeError('x is not a function');
  const plain = await fails(bug);
  t.strictSame(plain, {
    status: 1,
    stdout: '',
    stderr:
      'cmd: internal error: TypeError: x is not a function; please report it with the output of the command under SMC_TOOLS_DEBUG=1\n',
  });
  const debug = await fails(bug, { env: { SMC_TOOLS_DEBUG: '1' } });
  t.match(debug.stderr, /^cmd: internal error.*\nTypeError: x is not a function\n {4}at /);
  t.equal((await fails(bug, { env: { SMC_TOOLS_DEBUG: '' } })).stderr, plain.stderr, 'set but empty is off');
  t.match((await fails('a string')).stderr, 'internal error: a string');
  t.match((await fails(undefined)).stderr, 'internal error: undefined');
});

t.test('what was written before a failure is written out', async (t) => {
  const outcome = await runCommand(
    command(({ io }) => {
      io.write('row\n');
      throw new SmcError('INVALID', 'no more');
    }),
  );
  t.strictSame(outcome, { status: 1, stdout: 'row\n', stderr: 'cmd: no more\n' });
});

t.test('notes do not change the status', async (t) => {
  const outcome = await runCommand(
    command(({ note }) => {
      note('by the way');
      note('mind this', 'do that');
      return undefined;
    }),
  );
  t.strictSame(outcome, { status: 0, stdout: '', stderr: 'cmd: by the way\ncmd: mind this; do that\n' });
});

/** Standard output whose reader has gone. */
function brokenIo(when: 'write' | 'flush'): Io & { lines: string[] } {
  const lines: string[] = [];
  const broken = (): never => {
    throw new BrokenPipeError();
  };
  return {
    lines,
    write: when === 'write' ? broken : () => {},
    flush: when === 'flush' ? broken : () => {},
    error: (line) => lines.push(line),
    isTerminal: false,
    env: {},
  };
}

t.test('a reader that goes away ends the command in peace', async (t) => {
  const writer = command(({ io }) => {
    io.write('x');
    return 5;
  });
  for (const when of ['write', 'flush'] as const) {
    for (const argv of [[], ['-h'], ['-v']]) {
      const io = brokenIo(when);
      t.equal(await run(writer, argv, { io }), 0, `${when} ${argv}`);
      t.strictSame(io.lines, []);
    }
  }
});

t.test('another failure of standard output is one', async (t) => {
  const io = brokenIo('write');
  io.flush = () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
  };
  t.equal(await run(nothing, [], { io }), 1);
  t.equal(await run(nothing, ['-h'], { io: { ...io, write: () => {} } }), 1);
  t.strictSame(io.lines, ['cmd: no space left on device', 'cmd: no space left on device']);
});

t.test('colour: on a terminal, not against NO_COLOR', async (t) => {
  const painted = async (options: RunOptions): Promise<boolean> => {
    const { stdout } = await runCommand(
      command(({ io, paint }) => io.write(paint('good', 'x')) as undefined),
      '',
      options,
    );
    t.ok(stdout === 'x' || stdout === '\x1b[32mx\x1b[39m');
    return stdout !== 'x';
  };
  t.equal(await painted({ terminal: true }), true);
  t.equal(await painted({ terminal: false }), false);
  t.equal(await painted({ terminal: true, env: { NO_COLOR: '1' } }), false);
  t.equal(await painted({ terminal: true, env: { NO_COLOR: '' } }), true, 'as no-color.org has it');
  t.equal(await painted({ terminal: true, env: { TERM: 'dumb' } }), false);
  t.equal(await painted({ terminal: true, env: { TERM: 'xterm' } }), true);
  t.equal(await painted({ terminal: false, env: { FORCE_COLOR: '1' } }), false);
});

t.test('the client is made when asked for, once, and closed', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, { GET: () => [] });
  const seen: unknown[] = [];
  const body = async ({ client, hostRoot }: Context): Promise<undefined> => {
    const first = await client();
    seen.push(first === (await client()), hostRoot);
    await first.pnet.list();
    seen.push(kernel.openSockets);
    throw new SmcError('INVALID', 'x');
  };
  await runCommand(command(body), '', { transport: kernel, hostRoot: '/somewhere' });
  t.strictSame(seen, [true, '/somewhere', 1]);
  await waitUntil('the end of all sockets', () => kernel.openSockets === 0, {
    seen: () => kernel.openSockets,
  });
});

const lists = command(async ({ client, io }) => {
  const table = await (await client()).pnet.list();
  io.write(`${table.length}\n`);
  return undefined;
});

const kernelWithTable = (): FakeKernel =>
  new FakeKernel().serve(smcPnetid, {
    GET: () => [{ name: 'A', ethName: 'eth0', ibName: 'n/a', ibPort: 255 }],
  });

t.test('the debug variable shows the messages on stderr', async (t) => {
  const outcome = await runCommand(lists, '', {
    transport: kernelWithTable(),
    env: { SMC_TOOLS_DEBUG: '1' },
  });
  t.equal(outcome.stdout, '1\n');
  const lines = outcome.stderr.trimEnd().split('\n');
  t.equal(lines.length, 6);
  t.match(lines[0], /^> SMC_PNETID GETFAMILY type=16 /);
  t.match(lines[4], /^< SMC_PNETID GET .*"ethName":"eth0"/);
  t.equal((await runCommand(lists, '', { transport: kernelWithTable() })).stderr, '');
});

t.test('the record variable keeps the traffic', async (t) => {
  const file = join(t.testdir({}), 'traffic');
  const outcome = await runCommand(lists, '', {
    transport: kernelWithTable(),
    env: { SMC_TOOLS_RECORD: file },
  });
  t.strictSame(outcome, { status: 0, stdout: '1\n', stderr: '' });
  t.equal(parseRecording(readFileSync(file, 'utf8')).exchanges.length, 2);
  const other = join(t.testdir({}), 'failed');
  await runCommand(lists, '', { transport: new FakeKernel(), env: { SMC_TOOLS_RECORD: other } });
  t.ok(existsSync(other), 'failures are what recordings are for');
});

t.test('a recording that cannot be written is a failure in words', async (t) => {
  const options = { transport: kernelWithTable(), env: { SMC_TOOLS_RECORD: '/no/such/directory/file' } };
  t.match(await runCommand(lists, '', options), { status: 1, stderr: /no such file or directory/ });
});
