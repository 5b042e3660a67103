// SPDX-License-Identifier: MIT
/** Readings that are under way at the same time, and connections that are made for them. */
import t, { type Test } from 'tap';
import type { RawSocket, Transport } from '../../src/netlink/transport.ts';
import { NETLINK_GENERIC } from '../../src/netlink/uapi/netlink.ts';
import { smcGenNetlink } from '../../src/netlink/uapi/smc.ts';
import { Reader } from '../../src/smc/reading.ts';
import type { FakeKernel } from '../helpers/fake-kernel.ts';
import { fails, inspectedKernel } from '../helpers/inspected-kernel.ts';
import { PATIENCE_S, waitUntil } from '../helpers/wait.ts';

const SOCKETS = { most: 1000, by: [], isRecorded: false } as const;
const wanted = <P extends string>(...parts: P[]) => ({ parts: new Set(parts), sockets: SOCKETS });

/** Never, within a test. */
const NEVER = PATIENCE_S * 1000;

const timesAsked = ({ log }: FakeKernel, command: string): number =>
  log.filter((line) => line.endsWith(` ${command}`)).length;

/** A kernel with a count of its connections, of which one command is answered only when the test says so. */
function slowKernel(kernel: FakeKernel, slow?: keyof typeof smcGenNetlink) {
  const state = { opened: 0, held: 0, answer: () => {} };
  const answered = new Promise<void>((resolve) => {
    state.answer = resolve;
  });
  const transport: Transport = {
    order: kernel.order,
    async open(protocol) {
      if (protocol === NETLINK_GENERIC) state.opened++;
      const socket = await kernel.open(protocol);
      return {
        ...socket,
        send(data, options, callback) {
          const isHeld = slow && data.readUInt16LE(4) >= 30 && data[16] === smcGenNetlink[slow].id;
          if (!isHeld) return socket.send(data, options, callback);
          state.held++;
          void answered.then(() => socket.send(data, options, callback));
        },
      } as RawSocket;
    },
  };
  return Object.assign(state, { transport });
}

/** @param times when it loses patience, which is never by default, and when it gives up */
const readerOf = (
  t: Test,
  { transport }: { transport: Transport },
  times: { patienceMs?: number; timeoutMs?: number } = { patienceMs: NEVER },
): Reader => new Reader({ client: { transport }, root: t.testdir({}), timeoutMs: NEVER, ...times });

t.test('readings at the same time: each question once, over one connection', async (t) => {
  const kernel = inspectedKernel();
  const state = slowKernel(kernel);
  const reader = readerOf(t, state);
  const [one, other] = await Promise.all([
    reader.read(wanted('statistics', 'ueids', 'system')),
    reader.read(wanted('system', 'smcdDevices', 'statistics')),
  ]);
  t.equal(one.statistics, other.statistics);
  t.equal(one.system, other.system);
  t.equal(one.families, other.families);
  t.ok(one.ueids.value && other.smcdDevices.value);
  t.equal(other.ueids, undefined, 'nobody wanted it');
  for (const command of ['GET_STATS', 'GET_SYS_INFO', 'DUMP_UEID', 'GET_DEV_SMCD'])
    t.equal(timesAsked(kernel, command), 1, command);
  t.equal(state.opened, 1);
  await waitUntil('the connection to be closed', () => kernel.openSockets === 0);
  await reader.read(wanted('system'));
  t.equal(timesAsked(kernel, 'GET_SYS_INFO'), 2, 'an answer is not kept');
});

t.test('a slow answer keeps nobody waiting, and is shared with those who come later', async (t) => {
  const kernel = inspectedKernel();
  const state = slowKernel(kernel, 'GET_STATS');
  const reader = readerOf(t, state, { patienceMs: 0 });
  const first = reader.read(wanted('statistics', 'ueids'));
  await waitUntil('the slow question, and the one after it', () => timesAsked(kernel, 'DUMP_UEID') === 1);
  t.equal(state.held, 1);
  const second = reader.read(wanted('statistics', 'system'));
  await waitUntil('a question of another reading', () => timesAsked(kernel, 'GET_SYS_INFO') === 1);
  t.ok((await reader.read(wanted('system'))).system.value, 'and a whole reading');
  state.answer();
  t.equal((await first).statistics, (await second).statistics);
  t.ok((await first).statistics.value);
  t.equal(state.held, 1, 'asked once');
  await waitUntil('all connections to be closed', () => kernel.openSockets === 0);
});

t.test('a connection on which something failed is not used again', async (t) => {
  const kernel = inspectedKernel({ GET_STATS: fails('ENOMEM') });
  const state = slowKernel(kernel);
  const reader = readerOf(t, state);
  const { statistics, system, ueids } = await reader.read(wanted('statistics', 'system', 'ueids'));
  t.match(statistics, { value: undefined, error: { code: 'ENOMEM' } });
  t.ok(system.value && ueids.value);
  t.equal(state.opened, 2);
  await waitUntil('all connections to be closed', () => kernel.openSockets === 0);
});

t.test('what is not answered in time is given up, for all who wait for it', async (t) => {
  const kernel = inspectedKernel();
  const reader = readerOf(t, slowKernel(kernel, 'GET_STATS'), { timeoutMs: 500 });
  const both = await Promise.all([reader.read(wanted('statistics')), reader.read(wanted('statistics'))]);
  for (const { statistics } of both)
    t.match(statistics, { value: undefined, error: { code: 'ERR_TIMEOUT' } });
  await waitUntil('all connections to be closed', () => kernel.openSockets === 0);
});
