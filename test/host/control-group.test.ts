// SPDX-License-Identifier: MIT
// Units and containers, from the paths that systemd and the container engines make.
import t from 'tap';
import { formatControlGroup, parseControlGroup } from '../../src/host/control-group.ts';

const ID = '4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c0123';

const CASES: readonly (readonly [text: string, unit: string | undefined, runtime?: string, id?: string])[] = [
  ['0::/system.slice/nginx.service', 'nginx.service'],
  ['0::/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service'],
  ['0::/user.slice/user-1000.slice/session-2.scope', 'session-2.scope'],
  ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service', 'web.service'],
  ['0::/system.slice/nginx.service/worker', 'nginx.service'],
  ['0::/system.slice/nginx.service (deleted)', 'nginx.service'],
  ['0::/init.scope', 'init.scope'],
  ['0::/', undefined],
  ['0::/../../system.slice/ssh.service', 'ssh.service'],
  ['', undefined],
  ['nonsense\n0:', undefined],
  // version 1, and both
  ['12:cpu,cpuacct:/x.service\n1:name=systemd:/system.slice/nginx.service', 'nginx.service'],
  ['1:name=systemd:/system.slice/nginx.service\n0::/', 'nginx.service'],
  ['12:cpu,cpuacct:/x.service', undefined],
  // Docker, with systemd and without
  [`0::/system.slice/docker-${ID}.scope`, `docker-${ID}.scope`, 'docker', ID],
  [`12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}`, undefined, 'docker', ID],
  [`0::/docker/${ID}`, undefined, 'docker', ID],
  [`0::/system.slice:docker:${ID}`, undefined, 'docker', ID],
  // podman; its monitor is outside of the container
  [`0::/machine.slice/libpod-${ID}.scope/container`, `libpod-${ID}.scope`, 'podman', ID],
  [`0::/libpod_parent/libpod-${ID}`, undefined, 'podman', ID],
  [`0::/machine.slice/libpod-conmon-${ID}.scope`, `libpod-conmon-${ID}.scope`],
  // Kubernetes
  [
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-${ID}.scope`,
    `cri-containerd-${ID}.scope`,
    'containerd',
    ID,
  ],
  [`0::/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope/container`, `crio-${ID}.scope`, 'cri-o', ID],
  [`0::/kubepods.slice/kubepods-pod1.slice/crio-conmon-${ID}.scope`, `crio-conmon-${ID}.scope`],
  [`0::/kubepods/burstable/pod1-2-3/${ID}`, undefined, 'cri', ID],
  [
    `0::/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:${ID}`,
    'containerd.service',
    'containerd',
    ID,
  ],
  [`0::/system.slice/nerdctl-${ID}.scope`, `nerdctl-${ID}.scope`, 'containerd', ID],
  // LXC, and the monitor outside of the container
  ['0::/lxc.payload.web/system.slice/nginx.service', 'nginx.service', 'lxc', 'web'],
  ['0::/lxc/web', undefined, 'lxc', 'web'],
  ['0::/lxc.payload/web/init.scope', 'init.scope', 'lxc', 'web'],
  ['0::/lxc.monitor.web', undefined],
  // systemd-nspawn
  [
    '0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service',
    'nginx.service',
    'systemd-nspawn',
    'web',
  ],
  ['0::/machine.slice/machine-web\\x2d1.scope/payload', 'machine-web\\x2d1.scope', 'systemd-nspawn', 'web-1'],
  ['0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope', 'machine-qemu\\x2d1\\x2dvm.scope'],
  // one inside the other: the inner one
  [`0::/lxc.payload.web/docker/${ID}`, undefined, 'docker', ID],
  // nearly
  [`0::/docker/${ID}0`, undefined],
  ['0::/system.slice/docker.service', 'docker.service'],
  [`0::/elsewhere/${ID}`, undefined],
];

t.test('units and containers', async (t) => {
  for (const [text, unit, runtime, id] of CASES)
    t.strictSame(
      parseControlGroup(text === '' ? '' : `${text}\n`),
      { unit, container: runtime === undefined ? undefined : { runtime, id } },
      text,
    );
});

t.test('written again, and read, it is the same', async (t) => {
  for (const [text] of CASES) {
    const group = parseControlGroup(text);
    t.strictSame(parseControlGroup(formatControlGroup(group)), group, text);
  }
});
