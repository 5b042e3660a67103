// SPDX-License-Identifier: MIT
import t from 'tap';
import { traceFormat } from '../../src/host/trace-format.ts';
import { TraceLines } from '../../src/host/trace-lines.ts';
import { NoTracepointError, openSmcTrace, type TracedEvent, tracedEvent } from '../../src/smc/smc-trace.ts';
import { FORMATS, LINES } from '../helpers/recorded-trace.ts';

const formats = new Map(Object.entries(FORMATS).map(([name, text]) => [name, traceFormat(text)]));

t.test('what the tracepoints mean', async (t) => {
  const root = t.testdir({ proc: {} });
  const events = new TraceLines().add(LINES).map((record) => tracedEvent(record, formats, root));
  t.match(events, [
    {
      kind: 'fallback',
      netnsCookie: 1n,
      reason: 0x03030000,
      process: { command: 'python3', isKernel: false },
    },
    { kind: 'fallback', netnsCookie: 1n, reason: 0x05000000, process: { isKernel: true } },
    { kind: 'fallback', netnsCookie: 2n, reason: 0x03010000, process: { pid: 9 } },
    { kind: 'link down', netnsCookie: 1n, device: 'rxelo' },
    undefined,
  ]);
  t.match(tracedEvent({ lost: 7 }, formats, root), { kind: 'lost', cause: 'overflow', count: 7 });
});

t.test('times are those of the clock of Node', async (t) => {
  const root = t.testdir({ proc: {} });
  const now = Number(process.hrtime.bigint()) / 1e9;
  const line = { command: 'a', pid: 1, seconds: now, event: 'smc_switch_to_fallback' };
  const text = 'sk=a clcsk=b net=1 fallback_rsn=-1';
  const before = performance.now();
  const { at, ...event } = tracedEvent({ ...line, text }, formats, root) as TracedEvent & {
    kind: 'fallback';
  };
  t.equal(event.reason, 0xffff_ffff, 'a reason has no sign');
  t.ok(Math.abs(at - before) < 10_000, `${at} is about ${before}`);
});

t.test('a system without tracefs, and one without the tracepoint', async (t) => {
  t.throws(() => openSmcTrace(t.testdir({ proc: {} }), () => {}), { code: 'ENOENT' });
  // an instance that is made here has no files
  const root = t.testdir({
    proc: {},
    sys: { kernel: { tracing: { instances: { 'smc-tools-7-1': {}, other: {} } } } },
  });
  t.throws(() => openSmcTrace(root, () => {}), { code: 'ENOENT' });
  const { readdirSync } = await import('node:fs');
  t.strictSame(
    readdirSync(`${root}/sys/kernel/tracing/instances`),
    ['other'],
    'nothing is left of us, nor of killed runs',
  );
  t.ok(new NoTracepointError() instanceof Error);
});
