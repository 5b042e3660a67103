// SPDX-License-Identifier: MIT
// What smc_run says and how it ends when the program has ended. The document is what smc-launch writes.
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcRun } from '../../../src/commands/smc_run/command.ts';
import {
  notSmc,
  RESULT_VARIABLE,
  type Result,
  reportJson,
  reportLines,
} from '../../../src/commands/smc_run/report.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';
import { validate } from '../../helpers/schemas.ts';

const NONE: Result = {
  status: 0,
  signal: null,
  observed: true,
  sockets: { smc: 0, tcp: 0 },
  refused: [],
  connections: [],
};
const connection = (
  mode: 'smcr' | 'smcd' | 'tcp' | 'unknown',
  count = 1,
  reason: number | null = null,
  peer: number | null = null,
  command = 'curl',
) => ({
  command,
  mode,
  reason,
  peer_diagnosis: peer,
  count,
});
const SMC: Result = {
  ...NONE,
  sockets: { smc: 3, tcp: 0 },
  connections: [connection('smcr', 2), connection('smcd')],
};
const MIXED: Result = {
  ...NONE,
  status: 3,
  sockets: { smc: 9, tcp: 2 },
  refused: [
    { errno: 97, count: 1 },
    { errno: 4711, count: 2 },
  ],
  connections: [
    connection('smcr', 4),
    connection('tcp', 2, 0x03010000),
    connection('tcp', 1, 0x05000000, 0x03030000, 'a\nb'),
    connection('tcp', 1),
    connection('tcp', 1, 0x12345678),
    connection('unknown'),
  ],
};

/** Runs smc_run as smc-launch does at the end. */
async function finished(t: Test, result: Result | string, argv: string): Promise<Outcome> {
  const file = join(t.testdir({}), 'result');
  writeFileSync(file, typeof result === 'string' ? result : JSON.stringify(result));
  const fd = openSync(file, 'r');
  try {
    return await runCommand(smcRun, argv, { env: { [RESULT_VARIABLE]: String(fd) } });
  } finally {
    closeSync(fd);
  }
}

t.test('in words', async (t) => {
  t.strictSame(reportLines(NONE), ['0 sockets opened as SMC', '0 connections']);
  t.strictSame(reportLines(SMC), ['3 sockets opened as SMC', '3 connections: 2 SMC-R, 1 SMC-D']);
  t.strictSame(reportLines(MIXED), [
    '9 sockets opened as SMC, 2 as TCP',
    'opening an SMC socket failed: EAFNOSUPPORT, E4711 2 times',
    '10 connections: 4 SMC-R, 5 TCP, 1 unknown',
    '  2 of curl over TCP, 0x03010000 PEERNOSMC: the peer did not offer SMC; start the peer program over SMC; make sure that nothing on the way removes the TCP option',
    '  1 of a\\x0ab over TCP, the peer says 0x03030000 NOSMCDEV: no SMC-R or SMC-D device fits the connection; assign the same PNET ID to interface and device, and check that the device is active; define the same UEID on both hosts for version 2',
    '  1 of curl over TCP, the kernel gives no reason',
    '  1 of curl over TCP, 0x12345678 a reason that Linux does not define',
    '  1 of curl ended before inspection',
  ]);
  t.strictSame(reportLines({ ...SMC, observed: false }), [
    'the numbers are incomplete: smc-launch could not watch until the end',
    '3 sockets opened as SMC',
    '3 connections: 2 SMC-R, 1 SMC-D',
  ]);
});

t.test('as JSON', async (t) => {
  t.strictSame(reportJson(NONE, 'x', 'preload'), {
    event: 'report',
    command: 'x',
    way: 'preload',
    status: 0,
    signal: null,
    observed: true,
    all_smc: false,
    sockets: { smc: 0, tcp: 0 },
    refused: [],
    totals: { smcr: 0, smcd: 0, tcp: 0, unknown: 0 },
    connections: [],
  });
  t.match(reportJson(SMC, 'x', 'seccomp'), { way: 'seccomp', all_smc: true, totals: { smcr: 2, smcd: 1 } });
  t.match(reportJson(MIXED, 'x', 'seccomp'), {
    all_smc: false,
    refused: [
      { errno: 'EAFNOSUPPORT', count: 1 },
      { errno: 'E4711', count: 2 },
    ],
    connections: [
      { command: 'curl', mode: 'SMCR', reason: null, peer_diagnosis: null, count: 4 },
      { mode: 'TCP', reason: { code: '0x03010000', name: 'PEERNOSMC' }, peer_diagnosis: null, count: 2 },
      { command: 'a\nb', reason: { name: 'PEERDECL' }, peer_diagnosis: { name: 'NOSMCDEV' } },
      { reason: null },
      { reason: { code: '0x12345678', name: null } },
      { mode: null },
    ],
  });
});

t.test('whether all ran over SMC', async (t) => {
  t.equal(notSmc(SMC), undefined);
  t.equal(notSmc(NONE), 'no connection over SMC was seen');
  t.equal(notSmc({ ...SMC, observed: false }), 'smc-launch could not watch until the end');
  t.equal(notSmc({ ...SMC, sockets: { smc: 3, tcp: 1 } }), '1 socket could not be opened as SMC');
  t.equal(notSmc({ ...SMC, connections: [connection('tcp', 2)] }), '2 connections ran over TCP');
  t.equal(
    notSmc({ ...SMC, connections: [connection('smcr'), connection('unknown')] }),
    '1 connection could not be inspected',
  );
});

t.test('the end of the program is the end of smc_run', async (t) => {
  t.strictSame(await finished(t, SMC, '--report curl'), {
    status: 0,
    stdout: '',
    stderr: 'smc_run: 3 sockets opened as SMC\nsmc_run: 3 connections: 2 SMC-R, 1 SMC-D\n',
  });
  t.equal((await finished(t, MIXED, '--report curl')).status, 3);
  t.strictSame(await finished(t, SMC, '--require-smc curl'), { status: 0, stdout: '', stderr: '' });
  t.strictSame(await finished(t, NONE, '--require-smc curl'), {
    status: 123,
    stdout: '',
    stderr: 'smc_run: --require-smc: no connection over SMC was seen\n',
  });
  t.strictSame(
    await finished(t, MIXED, '--require-smc curl'),
    { status: 3, stdout: '', stderr: '' },
    'its own failure wins',
  );
  for (const [result, way] of [
    [SMC, 'seccomp'],
    [MIXED, 'preload'],
    [{ ...NONE, status: null, signal: 9 }, 'as-is'],
  ] as const)
    t.strictSame(validate('smc_run -j', JSON.parse(JSON.stringify(reportJson(result, 'x', way)))), [], way);
  const { stdout, stderr } = await finished(t, SMC, '-j --via seccomp -- curl');
  t.equal(stdout, '', 'nothing in the output of the program');
  t.match(JSON.parse(stderr), { event: 'report', command: 'curl', way: 'seccomp' });
  t.equal(JSON.parse((await finished(t, SMC, '-j curl')).stderr).way, 'as-is');
});

t.test('the log is appended to', async (t) => {
  const log = join(t.testdir({ log: 'before\n' }), 'log');
  const append = async (argv: string): Promise<Outcome> => {
    const fd = openSync(join(t.testdirName, 'result'), 'w+');
    closeSync(fd);
    writeFileSync(join(t.testdirName, 'result'), JSON.stringify(SMC));
    const result = openSync(join(t.testdirName, 'result'), 'r');
    const outcome = await runCommand(smcRun, argv, { env: { [RESULT_VARIABLE]: String(result) } });
    closeSync(result);
    return outcome;
  };
  t.strictSame(await append(`--log ${log} --via preload curl`), { status: 0, stdout: '', stderr: '' });
  t.strictSame(await append(`--log ${log} -j curl`), { status: 0, stdout: '', stderr: '' });
  const [before, heading, one, two, document, ...rest] = readFileSync(log, 'utf8').split('\n');
  t.match(
    [before, heading, one, two],
    [
      'before',
      /^20\d\d-\d\d-\d\dT[\d:.]+Z curl \(preload\)$/,
      'smc_run: 3 sockets opened as SMC',
      'smc_run: 3 connections: 2 SMC-R, 1 SMC-D',
    ],
  );
  t.equal(JSON.parse(document ?? '').event, 'report');
  t.strictSame(rest, ['']);
  t.strictSame(await append('--log /no/such/directory/log curl'), {
    status: 0,
    stdout: '',
    stderr: 'smc_run: /no/such/directory/log: the report cannot be written (ENOENT)\n',
  });
});

t.test('the variable is not for others', async (t) => {
  for (const text of ['', 'nonsense'])
    t.match(await finished(t, text, '--report curl'), {
      status: 1,
      stderr: 'smc_run: SMC_RUN_RESULT is for smc-launch only; unset it\n',
    });
});
