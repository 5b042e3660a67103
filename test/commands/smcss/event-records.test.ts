// SPDX-License-Identifier: MIT
/** Records that only a trace makes, as text and as JSON. */
import t from 'tap';
import { jsonWriter } from '../../../src/commands/smcss/events/json.ts';
import { type EventRecord, missed } from '../../../src/commands/smcss/events/records.ts';
import { textWriter } from '../../../src/commands/smcss/events/text.ts';
import type { NetworkNamespace } from '../../../src/host/network-namespaces.ts';
import { plain } from '../../../src/output/table.ts';
import { SocketEvents } from '../../../src/smc/socket-events.ts';
import { validate } from '../../helpers/schemas.ts';

const netns: NetworkNamespace = { inode: 7, name: 'bl\x1bue', container: undefined, file: '' };
const times = (at: number): string => new Date(at).toISOString();

/** A fallback that no list has shown. */
function unlisted(isKernel: boolean): EventRecord {
  const events = new SocketEvents();
  events.add({
    kind: 'fallback',
    at: 5,
    netnsCookie: 1n,
    reason: 0x03000000,
    process: {
      command: 'a "b\n',
      pid: 7,
      uid: isKernel ? 0 : 33,
      isKernel,
      unit: 'x.service',
      container: { runtime: 'docker', id: 'f'.repeat(64) },
    },
  });
  return events.rest()[0]!;
}

const RECORDS: readonly (readonly [record: EventRecord, text: string, json: object])[] = [
  [
    { kind: 'start', at: 0, seconds: 2, withoutTrace: undefined, sockets: 3 },
    'start    sockets=3 interval=2s missed: connections over SMC that begin and end between two lists',
    { event: 'start', sources: ['list', 'trace'], interval_seconds: 2, sockets: 3 },
  ],
  [
    { kind: 'link down', at: 5, device: 'mlx5 0\n' },
    'link-down ib-device=mlx5\\x200\\x0a netns=? source=trace',
    { event: 'link_down', source: 'trace', ib_device: 'mlx5 0\n', netns: null },
  ],
  [
    { kind: 'link down', at: 5, device: 'mlx5_0', netns },
    'link-down ib-device=mlx5_0 netns=bl\\x1bue source=trace',
    { event: 'link_down', netns: { name: 'bl\x1bue', container: null, inode: 7 } },
  ],
  [
    { kind: 'lost', at: 5, cause: 'overflow', count: 12 },
    'lost     count=12 cause=overflow source=trace',
    { event: 'lost', cause: 'overflow', count: 12 },
  ],
  [
    { kind: 'lost', at: 5, cause: 'reload', count: undefined },
    'lost     count=? cause=reload source=trace',
    { event: 'lost', cause: 'reload', count: null },
  ],
  [
    unlisted(false),
    'fallback ?                TCP  ? ? client reason=0x03000000/CNFERR netns=? users:(("a \\x22b\\x0a",pid=7)) unit:x.service container:docker/ffffffffffff source=trace',
    {
      event: 'fallback',
      source: 'trace',
      state: null,
      mode: 'TCP',
      local: null,
      peer: null,
      side: 'client',
      fallback: { reason: { name: 'CNFERR' }, peer_diagnosis: null },
      uid: 33,
      cookie: null,
      ownership: 'traced',
      owners: [{ command: 'a "b\n', pid: 7, fd: null, unit: 'x.service', container: { runtime: 'docker' } }],
    },
  ],
  [
    unlisted(true),
    'fallback ?                TCP  ? ? client reason=0x03000000/CNFERR netns=? source=trace',
    { event: 'fallback', uid: null, ownership: 'unknown', owners: [] },
  ],
  [{ kind: 'stop', at: 5, records: 9 }, 'stop     records=9', { event: 'stop', records: 9 }],
];

t.test('with a network namespace', async (t) => {
  const [text, json] = [textWriter(plain, true), jsonWriter(true)];
  for (const [record, line, document] of RECORDS) {
    t.equal(text(record, times).slice('1970-01-01T00:00:00.005Z '.length), line);
    const written = json(record, times);
    t.match(JSON.parse(written), document);
    t.notMatch(written, '\n');
    t.strictSame(validate('smcss -jEA', `${written}\n`), []);
  }
});

t.test('without one', async (t) => {
  for (const [record] of RECORDS) {
    t.notMatch(textWriter(plain, false)(record, times), 'netns');
    t.notMatch(jsonWriter(false)(record, times), 'netns');
  }
});

t.test('what is missed without a trace', async (t) => {
  t.match(missed({ withoutTrace: 'only root may' }), /why they fell back$/);
});
