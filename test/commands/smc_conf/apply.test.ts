// SPDX-License-Identifier: MIT
// smc_conf apply and undo on a kernel in memory: every change, a failure and a death at every position.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { smcConf } from '../../../src/commands/smc_conf/command.ts';
import { Errno } from '../../helpers/fake-kernel.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';
import { DROP_IN, DYNAMIC, serviceHost } from '../../helpers/service-host.ts';
import { onDevice, onInterface, SettingsKernel } from '../../helpers/settings-kernel.ts';

const SYSCTLS = {
  autocorking_size: '65536',
  wmem: '65536',
  rmem: '65536',
  smcr_buf_type: '0',
  smcr_testlink_time: '30',
};

const FILE = `version: 1
pnet:
  NET1: { interfaces: [eth0, eth3], rdma_devices: [mlx5_0] }
  NET3: { interfaces: [eth1] }
ueids: [A, B, C]
handshake_limit: true
sysctls: { wmem: 128k, smcr_testlink_time: 10 }
services: { u: { debug: true } }
`;

/** What apply --prune makes of the host with this file, in its order. */
const REQUESTS = [
  'ADD_UEID B',
  'ADD_UEID C',
  'ADD NET1 eth3',
  'DEL NET2',
  'ADD NET3 eth1',
  'DEL OLD',
  'ENABLE_HS_LIMITATION',
  'REMOVE_UEID OLD',
];

class Host {
  readonly root: string;
  readonly kernel = new SettingsKernel(
    [
      onInterface('NET1', 'eth0'),
      onDevice('NET1', 'mlx5_0'),
      onInterface('NET2', 'eth1'),
      onInterface('OLD', 'eth2'),
    ],
    ['A', 'OLD'],
  );

  constructor(t: Test, file = FILE) {
    this.root = serviceHost(t, `ExecStart=${DYNAMIC}\n`, {
      'proc/sys/kernel/random/boot_id': 'one\n',
      'proc/sys/net/core/netdev_max_backlog': '1000\n',
      ...Object.fromEntries(
        Object.entries(SYSCTLS).map(([name, value]) => [`proc/sys/net/smc/${name}`, `${value}\n`]),
      ),
    });
    mkdirSync(join(this.root, 'proc/self/ns'), { recursive: true });
    symlinkSync('net:[4026531840]', join(this.root, 'proc/self/ns/net'));
    this.put('smc.yaml', file);
    this.put('sys/class/net/eth0/ifindex', '2\n');
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  run(words: string): Promise<Outcome> {
    const isApply = /^(apply|diff)/.test(words);
    return runCommand(smcConf, `${words}${isApply ? ` -f ${join(this.root, 'smc.yaml')}` : ''}`, {
      hostRoot: this.root,
      transport: this.kernel,
    });
  }

  get state(): object {
    const sysctl = (name: string): [string, string] => [
      name,
      readFileSync(join(this.root, 'proc/sys/net/smc', name), 'utf8').trim(),
    ];
    return {
      ...this.kernel.settings,
      sysctls: Object.fromEntries(Object.keys(SYSCTLS).map(sysctl)),
      service: existsSync(join(this.root, DROP_IN)),
    };
  }

  /** What is remembered for undo. */
  get memory(): string {
    return join(this.root, 'run/smc-tools/conf-4026531840.json');
  }
}

const WANTED = {
  table: ['NET1 eth0 n/a 255', 'NET1 eth3 n/a 255', 'NET1 n/a mlx5_0 1', 'NET3 eth1 n/a 255'],
  ueids: ['A', 'B', 'C'],
  limitsHandshakes: true,
  sysctls: { ...SYSCTLS, wmem: '131072', smcr_testlink_time: '10' },
  service: true,
};

t.test('there and back', async (t) => {
  const host = new Host(t);
  const before = host.state;
  const planned = await host.run('apply --prune --dry-run');
  t.equal(planned.status, 0);
  t.same(host.state, before, 'a dry run changes nothing');
  t.equal(existsSync(host.memory), false, 'and remembers nothing');

  const first = await host.run('apply --prune');
  t.equal(first.status, 0);
  t.equal(first.stderr, '');
  t.equal(
    first.stdout,
    `added UEID B
added UEID C
added interface eth3 to PNET ID NET1
deleted PNET ID NET2: interface eth1
added interface eth1 to PNET ID NET3
deleted PNET ID OLD: interface eth2
enabled the handshake limitation
set wmem to 131072 (was 65536)
set smcr_testlink_time to 10 (was 30)
made u.service run over SMC (debug)
removed UEID OLD
`,
  );
  t.same(host.kernel.requests, REQUESTS);
  t.same(host.state, WANTED);

  const second = await host.run('apply --prune');
  t.same([second.status, second.stdout], [0, '']);
  t.match(second.stderr, /^smc_conf: nothing to do: all is as .*smc\.yaml says\n$/);
  t.equal(host.kernel.requests.length, REQUESTS.length);

  // what somebody else does in between stays
  host.kernel.table.push(onInterface('MINE', 'eth9'));
  const back = await host.run('undo');
  t.same([back.status, back.stderr], [0, '']);
  host.kernel.table = host.kernel.table.filter(({ name }) => name !== 'MINE');
  t.same(host.state, before);
  t.match(await host.run('undo'), { status: 1, stderr: /nothing to undo/ });
});

t.test('the SEID of IBM Z, which the kernel puts in the place of the last UEID', async (t) => {
  const host = new Host(t, 'version: 1\nueids: [C]\nseid: false\n');
  const seid: SettingsKernel['seid'] = { entry: 'IBM-SYSZ-ISMSEID0000000000008561', enabled: 1 };
  host.kernel.seid = seid;
  t.strictSame(await host.run('apply --prune'), {
    status: 0,
    stdout: 'added UEID C\nremoved UEID A\nremoved UEID OLD\ndisabled the SEID\n',
    stderr: '',
  });
  t.equal(seid.enabled, 0);

  host.put('smc.yaml', 'version: 1\nueids: []\nseid: true\n');
  t.strictSame(await host.run('apply --prune'), {
    status: 0,
    stdout: 'enabled the SEID\nremoved UEID C\n',
    stderr: 'smc_conf: no UEID is left: the kernel has enabled the SEID\n',
  });
  t.equal(seid.enabled, 1);

  t.match(await host.run('undo'), { status: 0, stdout: 'added UEID C\ndisabled the SEID\n', stderr: '' });
  t.match([host.kernel.ueids, seid.enabled], [['C'], 0]);
  host.put('smc.yaml', 'version: 1\nueids: []\nseid: false\n');
  t.match(await host.run('apply --prune'), {
    status: 1,
    stdout: 'removed UEID C\n',
    stderr: /^smc_conf: without effect, though the kernel accepted it: disable the SEID$/m,
  });
});

t.test('without --prune, what the file lacks stays and is named', async (t) => {
  const host = new Host(t);
  const { status, stdout, stderr } = await host.run('apply');
  t.equal(status, 0);
  t.match(
    stdout,
    /^kept interface eth2 in PNET ID OLD\nkept UEID OLD\n|^kept UEID OLD\nkept interface eth2 in PNET ID OLD\n/,
  );
  t.equal(stderr, 'smc_conf: the file does not have what is kept; --prune removes it\n');
  t.same(host.kernel.ueids, ['A', 'OLD', 'B', 'C']);
});

t.test('a failure at every position', async (t) => {
  for (const [index, request] of REQUESTS.entries()) {
    const host = new Host(t);
    const before = host.state;
    host.kernel.beforeRequest = (count) => {
      if (count === index + 1) throw new Errno('ENOMEM');
    };
    const { status, stderr } = await host.run('apply --prune');
    t.equal(status, 1);
    t.match(
      stderr,
      /^smc_conf: could not (add|remove|delete|enable).*: the kernel does not have enough memory/,
      request,
    );
    t.match(stderr, index === 0 ? /: nothing was changed\n$/ : /the host is as it was\n$/);
    t.same(host.state, before, `${request} fails, and all is as before`);
    t.match(await host.run('undo'), { status: 1, stderr: /nothing to undo/ });
  }
});

t.test('a failure at every position, and going on', async (t) => {
  for (const [index, request] of REQUESTS.entries()) {
    const host = new Host(t);
    const before = host.state;
    host.kernel.beforeRequest = (count) => {
      if (count === index + 1) throw new Errno('ENOMEM');
    };
    const { status } = await host.run('apply --prune --keep-going');
    t.equal(status, 1);
    t.ok(host.kernel.requests.length >= REQUESTS.length - 1, `after ${request}, the rest is done`);
    t.equal((await host.run('apply --prune')).status, 0);
    t.same(host.state, WANTED, 'another apply does what is missing');
    host.kernel.beforeRequest = () => {};
    await host.run('undo');
    t.notSame(host.state, WANTED);
    t.ok(before);
  }
});

t.test('killed after every request', async (t) => {
  for (const [index, request] of REQUESTS.entries()) {
    const host = new Host(t);
    const before = host.state;
    const kept = join(host.root, 'kept');
    host.kernel.beforeRequest = (count) => {
      if (count !== index + 1) return;
      // from here on nothing reaches the kernel, and nothing is written
      cpSync(join(host.root, 'run'), kept, { recursive: true });
      host.kernel.isGone = true;
      throw new Errno('EIO');
    };
    await host.run('apply --prune');
    host.kernel.isGone = false;
    host.kernel.beforeRequest = () => {};
    rmSync(join(host.root, 'run'), { recursive: true });
    cpSync(kept, join(host.root, 'run'), { recursive: true });

    t.equal((await host.run('apply --prune')).status, 0, request);
    t.same(host.state, WANTED, `killed before ${request}, and applied again`);
    t.equal((await host.run('undo')).status, 0);
    t.same(host.state, before, 'undo goes back to before the one that was killed');
  }
});

t.test('going back fails, too', async (t) => {
  const host = new Host(t);
  host.kernel.beforeRequest = (count) => {
    if (count >= 3) throw new Errno('ENOMEM');
  };
  const { status, stderr } = await host.run('apply --prune');
  t.equal(status, 1);
  t.match(stderr, /^smc_conf: could not add interface eth3 to PNET ID NET1: /);
  t.match(stderr, /^smc_conf: could not go back: remove UEID B: the kernel/m);
  t.match(stderr, /^smc_conf: this was done: add UEID B$/m);
  t.match(stderr, /^smc_conf: this was done: add UEID C$/m);
  t.match(stderr, /^smc_conf: the host is between the two states; smc_conf undo tries to go back again$/m);
  host.kernel.beforeRequest = () => {};
  t.equal((await host.run('undo')).status, 0);
  t.same(host.kernel.ueids, ['A', 'OLD']);
});

t.test('documents', async (t) => {
  const host = new Host(t);
  t.match(JSON.parse((await host.run('apply --prune --dry-run -j')).stdout), {
    dry_run: true,
    changed: false,
    changes: [{ action: 'add-ueid', ueid: 'B', result: 'planned', error: null }],
  });
  host.kernel.beforeRequest = (count) => {
    if (count === 2) throw new Errno('ENOMEM');
  };
  t.match(JSON.parse((await host.run('apply --prune -j')).stdout), {
    changed: false,
    went_back: true,
    changes: [
      { ueid: 'B', result: 'undone' },
      { ueid: 'C', result: 'failed', error: { text: /enough memory/ } },
      { pnet_id: 'NET1', result: 'skipped' },
    ],
  });
  host.kernel.beforeRequest = () => {};
  t.match(JSON.parse((await host.run('apply --prune -j')).stdout), { changed: true, went_back: null });
  t.match(JSON.parse((await host.run('apply --prune -j')).stdout), { changed: false, changes: [] });
  t.match(JSON.parse((await host.run('undo -j')).stdout), { changed: true, dry_run: false });
});

t.test('an ordinary user', async (t) => {
  const host = new Host(t);
  host.put('proc/self/status', 'CapEff:\t0000000000000000\n');
  for (const words of ['apply', 'apply --prune', 'undo'])
    t.strictSame(await host.run(words), {
      status: 1,
      stdout: '',
      stderr: `smc_conf: ${words.split(' ')[0]} changes the settings of the kernel; run it as root\n`,
    });
  t.same(host.kernel.requests, []);
  t.equal((await host.run('apply --dry-run')).status, 0);
});

t.test('entries that have no effect are made again', async (t) => {
  const host = new Host(
    t,
    'version: 1\npnet: { NET1: { interfaces: [eth0, eth3], rdma_devices: [mlx5_0] } }\n',
  );
  const rename = (name: string, index: number): void => {
    host.put(`sys/class/net/${name}/ifindex`, `${index}\n`);
    host.put(`sys/class/net/${name}/name_assign_type`, '4\n');
  };
  await host.run('apply');
  t.same(host.kernel.requests.splice(0), ['ADD NET1 eth3']);
  t.equal((await host.run('apply')).stdout.includes('again'), false);

  rename('eth3', 9);
  const made = await host.run('apply');
  t.match(made.stdout, /^added interface eth3 to PNET ID NET1 again$/m, 'an interface that was renamed');
  t.same(host.kernel.requests.splice(0)[0], 'DEL NET1');
  t.equal((await host.run('diff')).status, 0, 'and only once');
  t.match(
    (await host.run('undo --dry-run')).stdout,
    /^delete PNET ID NET1: .*eth3/m,
    'undo means the apply before',
  );

  host.put('sys/class/net/eth3/ifindex', '10\n');
  host.put('sys/class/net/eth3/name_assign_type', '3\n');
  t.equal((await host.run('diff')).status, 0, 'the kernel follows one that comes with its name');

  const port = { pnetUser: 0, pnetId: '', netDev: 2, state: 1, valid: 1, linkCount: 0 };
  host.kernel.rdmaDevices = [{ devSmcr: { ibName: 'mlx5_0', pciId: '0000:01:00.0', port } }];
  host.kernel.beforeRequest = (_count, request) => {
    if (request.startsWith('ADD NET1 mlx5_0')) Object.assign(port, { pnetUser: 1, pnetId: 'NET1' });
  };
  t.equal((await host.run('apply')).status, 0);
  t.match(host.kernel.requests[0], 'DEL NET1', 'an RDMA device that was renamed');
  t.equal((await host.run('diff')).status, 0);
});

t.test('what the kernel accepts without effect is a failure', async (t) => {
  const host = new Host(t, 'version: 1\nueids: [A, B]\n');
  host.kernel.beforeRequest = (_count, request) => {
    if (request === 'ADD_UEID B') setImmediate(() => host.kernel.ueids.pop());
  };
  const { status, stderr } = await host.run('apply');
  t.equal(status, 1);
  t.match(stderr, /^smc_conf: without effect, though the kernel accepted it: add UEID B$/m);
});

t.test('another boot', async (t) => {
  const host = new Host(t);
  await host.run('apply');
  host.put('proc/sys/kernel/random/boot_id', 'two\n');
  t.match(await host.run('undo'), {
    status: 1,
    stderr: /nothing to undo: apply has changed nothing since the boot/,
  });
  writeFileSync(host.memory, 'junk');
  t.match(await host.run('undo'), { status: 1, stderr: /conf-4026531840\.json is damaged; delete it/ });
});
