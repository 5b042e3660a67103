// SPDX-License-Identifier: MIT
import t from 'tap';
import { processOfThread } from '../../src/host/thread-process.ts';

const stat = (pid: number, name: string, flags: number): string =>
  `${pid} (${name}) S 1 1 1 0 -1 ${flags} ${'0 '.repeat(40)}\n`;

t.test('the process of a thread', async (t) => {
  const root = t.testdir({
    proc: {
      12: {
        status: 'Name:\tworker\nTgid:\t10\nPid:\t12\nUid:\t1\t33\t33\t33\n',
        stat: stat(12, 'a) S (b', 0x400040),
      },
      10: { comm: 'nginx\n', cgroup: '0::/system.slice/nginx.service\n' },
      9: {
        status: 'Name:\tkworker/0:0\nTgid:\t9\nUid:\t0\t0\t0\t0\n',
        stat: stat(9, 'kworker/0:0-eve', 0x4208060),
        comm: 'kworker/0:0-events\n',
        cgroup: '0::/\n',
      },
    },
  });
  t.strictSame(processOfThread(12, 'worker', root), {
    command: 'nginx',
    pid: 10,
    uid: 33,
    isKernel: false,
    unit: 'nginx.service',
    container: undefined,
  });
  t.match(processOfThread(9, 'kworker/0:0', root), { pid: 9, isKernel: true, unit: undefined });
});

t.test('one that has ended', async (t) => {
  const root = t.testdir({ proc: {} });
  const gone = { pid: 7, uid: undefined, unit: undefined, container: undefined };
  t.strictSame(processOfThread(7, 'curl', root), { ...gone, command: 'curl', isKernel: false });
  t.strictSame(processOfThread(7, 'kworker/u8:1', root), {
    ...gone,
    command: 'kworker/u8:1',
    isKernel: true,
  });
  t.strictSame(processOfThread(7, undefined, root), { ...gone, command: undefined, isKernel: false });
});
