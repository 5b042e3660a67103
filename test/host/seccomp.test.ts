// SPDX-License-Identifier: MIT
import t from 'tap';
import { seccompObstacle } from '../../src/host/seccomp.ts';

const ACTIONS = 'kill_process kill_thread trap errno user_notif trace log allow\n';

t.test('what kernels lack', async (t) => {
  for (const [osrelease, actions_avail, obstacle] of [
    ['6.12.95\n', ACTIONS, null],
    ['5.9.0-rc1\n', ACTIONS, null],
    ['10.0\n', ACTIONS, null],
    ['5.8.18\n', ACTIONS, 'kernel 5.8.18 has no SECCOMP_IOCTL_NOTIF_ADDFD, which came with 5.9'],
    [
      '5.4.0-1-amd64\n',
      ACTIONS,
      'kernel 5.4.0-1-amd64 has no SECCOMP_USER_NOTIF_FLAG_CONTINUE, which came with 5.5',
    ],
    ['4.19.0\n', ACTIONS, 'kernel 4.19.0 has no SECCOMP_RET_USER_NOTIF, which came with 5.0'],
    ['6.1.0\n', 'kill_process trap\n', 'kernel 6.1.0 has no SECCOMP_RET_USER_NOTIF'],
    ['nonsense', ACTIONS, null],
  ] as const)
    t.equal(
      seccompObstacle(t.testdir({ proc: { sys: { kernel: { osrelease, seccomp: { actions_avail } } } } })),
      obstacle,
      osrelease,
    );
  const without = t.testdir({ proc: { sys: { kernel: { osrelease: '6.1.0\n' } } } });
  t.equal(seccompObstacle(without), 'kernel 6.1.0 was built without seccomp filters');
  t.equal(seccompObstacle('/no/such/root'), null, 'nothing tells');
  t.equal(seccompObstacle('/'), null, 'this machine');
});
