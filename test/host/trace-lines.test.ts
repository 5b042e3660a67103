// SPDX-License-Identifier: MIT
import t from 'tap';
import { TraceLines, type TraceRecord } from '../../src/host/trace-lines.ts';
import { LINES } from '../helpers/recorded-trace.ts';

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const read = (...pieces: string[]): TraceRecord[] => {
  const lines = new TraceLines();
  return pieces.flatMap((piece) => lines.add(piece));
};

t.test('lines of a kernel', async (t) => {
  const records = read(LINES);
  t.equal(records.length, 5);
  t.strictSame(records[0], {
    command: 'python3',
    pid: 335,
    seconds: 52.626613,
    event: 'smc_switch_to_fallback',
    text: 'sk=000000000db45cca clcsk=00000000a5621189 net=1 fallback_rsn=50528256',
  });
  t.match(records[1], { command: 'kworker/0:0', pid: 9 });
  t.match(records[3], { event: 'smcr_link_down', text: /dev=rxelo location=.* \[smc\]$/ });
  t.match(records[4], { event: 'tracing_mark_write', text: 'hello' });
});

t.test('in pieces of any size', async (t) => {
  const whole = read(LINES);
  for (const size of [1, 7, 100])
    t.strictSame(read(...(LINES.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [])), whole);
});

t.test('events that were lost', async (t) => {
  t.strictSame(read('CPU:0 [LOST 123 EVENTS]\n'), [{ lost: 123 }]);
  t.strictSame(read('CPU:12 [LOST EVENTS]\n'), [{ lost: undefined }]);
});

t.test('what other options add', async (t) => {
  const found = { command: 'a', pid: 7, seconds: 1.5, event: 'e', text: 'x: y' };
  const name = 'a'.padStart(16);
  t.strictSame(read(`${name}-7       (      7) [001] d.h1. 1.500000: e: x: y\n`), [found]);
  t.strictSame(read(`${name}-7       (-------) [001] 1.500000: e: x: y\n`), [found]);
  t.strictSame(read(`${'<...>'.padStart(16)}-7       [127] ..... 1.500000: e: x: y\n`), [
    { ...found, command: undefined },
  ]);
});

t.test('names that look like something else', async (t) => {
  const named = (name: string): TraceRecord[] =>
    read(`${' '.repeat(16 - Buffer.byteLength(name))}${latin1(name)}-7       [000] ..... 1.500000: e: x\n`);
  for (const name of ['a-1 [000] 1.0: e', 'x-7 [000] .', '-', 'wörker', 'a b c', 'a\nb', '\n\n', '\n']) {
    if (Buffer.byteLength(name) > 15) continue;
    t.match(named(name), [{ command: name, pid: 7, event: 'e' }], JSON.stringify(name));
  }
  t.strictSame(read('no line at all\n'.repeat(100)), []);
});
