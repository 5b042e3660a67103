// SPDX-License-Identifier: MIT
import t from 'tap';
import { processesOf } from '../../src/host/unit-processes.ts';

const process = (comm: string, maps = '') => ({ comm: `${comm}\n`, maps });
const LIBRARY = '7f00-7f01 r-xp 00000000 08:01 1 /opt/dist/native/libsmc-preload.so\n';

t.test('processes of a unit', async (t) => {
  const root = t.testdir({
    proc: {
      1: process('systemd'),
      10: process('plain'),
      11: process('worker', LIBRARY),
      12: process('worker', '7f00-7f01 r-xp 00000000 08:01 1 /opt/libsmc-preload.so.old\n'),
      20: process('smc-launch'),
      21: process('server'),
      30: process('smc-launch'),
    },
    sys: {
      fs: {
        cgroup: {
          'system.slice': {
            'u.service': { 'cgroup.procs': '10\n', workers: { 'cgroup.procs': '11\n12\n' } },
            'system-f.slice': { 'f@1.service': { 'cgroup.procs': '20\n21\n99\n' } },
            'ended.service': { 'cgroup.procs': '' },
            'only.service': { 'cgroup.procs': '30\n' },
          },
        },
      },
    },
  });
  t.strictSame(processesOf('u.service', root), { all: 3, converted: 1 }, 'the library is mapped');
  t.strictSame(
    processesOf('f@1.service', root),
    { all: 2, converted: 2 },
    'the filter covers all, and 99 has ended',
  );
  t.equal(processesOf('ended.service', root), null);
  t.equal(processesOf('only.service', root), null, 'the program has ended before its launcher');
  t.equal(processesOf('nosuch.service', root), null);
});

t.test('control groups of version 1', async (t) => {
  const root = t.testdir({
    proc: { 10: process('worker', LIBRARY) },
    sys: { fs: { cgroup: { systemd: { 'system.slice': { 'u.service': { 'cgroup.procs': '10\n' } } } } } },
  });
  t.strictSame(processesOf('u.service', root), { all: 1, converted: 1 });
});
