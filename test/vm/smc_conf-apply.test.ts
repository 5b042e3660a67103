// SPDX-License-Identifier: MIT
// smc_conf apply, undo and the boot units on real kernels.
import t from 'tap';
import { isLong, long } from '../helpers/long.ts';
import { type KernelName, setUpSmcR } from './guest.ts';
import {
  addUeid,
  batch,
  bootWithSuite,
  kernelsOf,
  OVER_SMC,
  on,
  sockets,
  UEID,
  waitFor,
  waitForOutput,
} from './suite.ts';
import { startSystemd, stopSystemd } from './systemd.ts';

/** The path where npm installs the package for root. */
const INSTALLED = '/usr/local/lib/node_modules/smc-tools';

/** Settings of a host, made by the other commands. */
const SET_UP = [
  'smc_pnet -a NET1 -I lo -D rxelo',
  'smc_pnet -a LATER -I eth7 -D mlx5_0 -P 2',
  'smc_pnet -a NET2 -I d0',
  'smcd ueid add OTHER.EID',
  'smcr hs-limit enable',
  'smcd sysctl set wmem 131072',
  'smcd sysctl set smcr_testlink_time 10',
];

const EMPTY = [
  'smc_pnet -f',
  'smcd ueid flush',
  'smcr hs-limit disable',
  'smcd sysctl set wmem default',
  'smcd sysctl set smcr_testlink_time default',
];

/** One change of each kind. */
const KINDS: Record<string, string> = {
  pnet: 'pnet: { NET9: { interfaces: [eth9] } }',
  'pnet, moved': 'pnet: { NET8: { interfaces: [d0] } }',
  ueid: 'ueids: [NEW.EID]',
  'handshake limitation': 'handshake_limit: false',
  sysctl: 'sysctls: { rmem: 256k }',
  namespace: 'namespaces: { blue: { pnet: { NETB: { interfaces: [b0] } }, sysctls: { wmem: 32k } } }',
};

// the long run has 6.1, too
const kernels: KernelName[] = ['6.12-smcd', ...(isLong ? kernelsOf('6.1') : [])];

for (const kernel of kernels)
  t.test(`apply and undo on ${kernel}`, async (t) => {
    const guest = await bootWithSuite({ kernel });
    t.teardown(() => guest.close());
    await setUpSmcR(guest);
    await guest.run('ip netns add blue; ip link add d0 type dummy; ip link add d1 type dummy', {
      check: true,
    });
    await addUeid(guest);
    const ours = async (commands: readonly string[], check = true) => {
      const results = await batch(guest, commands);
      for (const [index, { status, stderr }] of results.entries())
        if (check && status !== 0) throw new Error(`${commands[index]}: ${stderr}`);
      return results;
    };
    const conf = async (words: string) => (await ours([`smc_conf ${words}`], false))[0]!;
    const exported = async () => (await conf('export')).stdout;
    const write = (text: string, file = '/tmp/smc.yaml') => guest.writeFile(file, `version: 1\n${text}\n`);
    const blank = await exported();
    await ours(SET_UP);

    await t.test('what was exported comes back', async (t) => {
      const full = await exported();
      t.not(full, blank);
      await guest.writeFile('/tmp/full.yaml', full);
      await ours(EMPTY);
      const empty = await exported();
      const applied = await conf('apply -f /tmp/full.yaml');
      t.same([applied.status, applied.stderr], [0, '']);
      t.match(applied.stdout, /^added device mlx5_0 port 2 to PNET ID LATER$/m);
      t.equal(await exported(), full, 'the same bytes');
      t.match(await conf('apply -f /tmp/full.yaml'), { status: 0, stdout: '', stderr: /nothing to do/ });
      t.equal((await conf('undo')).status, 0);
      t.equal(await exported(), empty, 'undone');
      t.equal((await conf('apply -f /tmp/full.yaml')).status, 0);
    });

    // handshakes over soft-RoCE may hang in 6.1, see README.md
    const isSafe = kernel !== '6.1';
    if (isSafe)
      await t.test('connections live on', async (t) => {
        const pair = await guest.start(`exec ${OVER_SMC} python3 test/vm/programs/hold-pair.py 7401`);
        t.teardown(() => pair.kill());
        await waitForOutput(pair, 'the connection', (text) => text.includes('connected'));
        const connections = async () =>
          on(7401, await sockets(guest)).map(({ inode, state, mode }) => ({ inode, state, mode }));
        const before = await connections();
        t.ok(
          before.some(({ mode }) => mode === 'SMCD' || mode === 'SMCR'),
          'over SMC',
        );
        const state = await exported();
        const together = Object.values(KINDS)
          .filter((text) => text !== KINDS['pnet'])
          .join('\n');
        // Long: each kind alone; together they are the same requests
        const alone = isLong ? Object.entries(KINDS) : [];
        for (const [kind, text] of [...alone, ['all together', together] as const]) {
          await write(text);
          const applied = await conf('apply -f /tmp/smc.yaml');
          t.equal(applied.status, 0, `${kind}: ${applied.stderr}`);
          t.same(await connections(), before, kind);
          t.match(await conf('diff -f /tmp/smc.yaml'), { status: 0 }, 'the file is in effect');
          const undone = await conf('undo');
          t.equal(undone.status, 0, undone.stderr);
          t.equal(await exported(), state, 'undone');
        }
      });

    // what detached.ts relies on; in every run, devices come later below, at boot
    await long(t, 'which names the kernel follows', async (t) => {
      const says = async (script: string) => (await guest.run(`dmesg -C; ${script}; dmesg`)).stdout;
      const followed = /net device k0 .*NETK/;
      await ours(['smc_pnet -a NETK -I k0', 'smc_pnet -a NETR -D rxek']);
      t.match(await says('ip link add k0 type dummy'), followed, 'an interface that comes');
      t.match(await says('ip link del k0; dmesg -C; ip link add k0 type dummy'), followed, 'and comes back');
      t.notMatch(
        await says('ip link del k0; dmesg -C; ip link add k1 type dummy; ip link set k1 name k0'),
        followed,
        'not one that is renamed',
      );
      t.equal((await guest.run('cat /sys/class/net/k0/name_assign_type')).stdout, '4\n', 'NET_NAME_RENAMED');
      const pnetId = async () =>
        (await guest.run("smcr -a device | grep -o '[*]NETR' || echo none")).stdout.trim();
      const add = (name: string) => `ip link set k0 up; rdma link add ${name} type rxe netdev k0`;
      await guest.run(add('rxek'), { check: true });
      t.equal(await pnetId(), '*NETR', 'an RDMA device that comes');
      await guest.run(`rdma link del rxek; ${add('rxek')}`, { check: true });
      t.equal(await pnetId(), '*NETR', 'and comes back');
      await guest.run(`rdma link del rxek; ${add('rxetmp')}; rdma dev set rxetmp name rxek`, { check: true });
      t.equal(await pnetId(), 'none', 'not one that is renamed');
      await write('pnet: { NETR: { rdma_devices: [rxek] } }');
      t.match(
        (await conf('apply -f /tmp/smc.yaml')).stdout,
        /^added device rxek port 1 to PNET ID NETR again$/m,
      );
      t.equal(await pnetId(), '*NETR', 'apply makes the entry again');
      await guest.run('rdma link del rxek; ip link del k0', { check: true });
      await ours(['smc_pnet -d NETK', 'smc_pnet -d NETR']);
    });

    await t.test('a change that the kernel refuses', async (t) => {
      const state = await exported();
      // room for four: two are there
      await write('pnet: { NET9: { interfaces: [eth9] } }\nhandshake_limit: false\nueids: [A, B, C]');
      const { status, stdout, stderr } = await conf('apply -f /tmp/smc.yaml');
      t.equal(status, 1);
      t.match(stderr, /could not add UEID C: the table of UEIDs is full: it has 4 entries; delete one first/);
      t.match(stderr, /the host is as it was$/m);
      t.match(stdout, /^back: removed UEID A$/m);
      t.equal(await exported(), state);
      t.equal((await conf('apply --keep-going -f /tmp/smc.yaml')).status, 1);
      t.match(await exported(), /eth9/, 'the rest is done');
      await conf('undo');
      t.equal(await exported(), state);
    });

    // in every run, test/commands/smc_conf/apply.test.ts has a kill before each request
    await long(t, 'killed at any moment', async (t) => {
      const state = await exported();
      await guest.run('smc_conf undo; smc_pnet -f; smcd ueid flush');
      await guest.writeFile('/tmp/full.yaml', state);
      await guest.run('mkfifo /tmp/lines', { check: true });
      let isBetween = false;
      for (const lines of [1, 2, 4]) {
        await guest.run(
          `smc_conf apply -f /tmp/full.yaml >/tmp/lines & pid=$!
        { n=0; while [ $n -lt ${lines} ] && read -r line; do n=$((n + 1)); done; kill -9 $pid; } </tmp/lines
        wait`,
        );
        isBetween ||= (await exported()) !== state;
        const { status, stderr } = await conf('apply -f /tmp/full.yaml');
        t.equal(status, 0, stderr);
        t.equal(await exported(), state, `killed after ${lines} changes`);
        await conf('undo');
      }
      // how far it is by then depends on the machine
      t.comment(`killed in the middle: ${isBetween}`);
      await conf('apply -f /tmp/full.yaml');
      t.equal(await exported(), state);
    });

    await t.test('two at once', async (t) => {
      await guest.run('mkfifo /tmp/hold', { check: true });
      const holder = await guest.start('exec flock /run/smc-tools/conf.lock cat /tmp/hold');
      await waitFor(guest, 'flock -n /run/smc-tools/conf.lock true; test $? = 1');
      const waiter = await guest.start('smc_conf apply -f /tmp/full.yaml 2>/tmp/waiting');
      await waitFor(guest, 'cat /tmp/waiting', { shows: 'waiting for another smc_conf to end' });
      await guest.run('echo >/tmp/hold');
      t.equal((await holder.wait()).status, 0);
      t.equal((await waiter.wait()).status, 0, 'it goes on by itself');
    });

    // Long: Ansible takes half a minute here for each run; test/with-packages/ansible.test.ts has it read the playbook
    await long(t, 'Ansible', async (t) => {
      const play = (words = '') =>
        guest.run(
          `mkdir -p /tmp/ansible && cd examples/ansible && ANSIBLE_HOME=/tmp/ansible LC_ALL=C.UTF-8 \\
        ansible-playbook -i localhost, -c local -e ansible_become=false -e smc_conf_file=/tmp/wanted.yaml \\
        --skip-tags boot playbook.yml ${words}`,
        );
      await guest.run('rm -rf /etc/smc-tools');
      await write('pnet: { NETA: { interfaces: [a0] } }', '/tmp/wanted.yaml');
      const state = await exported();
      const checked = await play('--check');
      t.match(
        checked,
        { status: 0, stdout: /changed: \[localhost\][\s\S]*failed=0/ },
        'it tells that there is something',
      );
      t.equal(await exported(), state, 'and changes nothing');
      const played = await play();
      t.match(played, { status: 0, stdout: /failed=0/ });
      t.match(await exported(), /a0/);
      const again = await play();
      t.match(again, { status: 0, stdout: /changed=0 .*failed=0/ }, 'the second time there is nothing');
      await conf('undo');
      t.equal(await exported(), state);
    });

    await t.test('an ordinary user', async (t) => {
      const [applied, compared] = await batch(
        guest,
        ['smc_conf apply -f /tmp/full.yaml', 'smc_conf diff -f /tmp/full.yaml'],
        { user: 'nobody' },
      );
      t.strictSame(applied, {
        status: 1,
        stdout: '',
        stderr: 'smc_conf: apply changes the settings of the kernel; run it as root\n',
      });
      t.equal(compared!.status, 0, compared!.stderr);
    });
  });

const BOOT_FILE = `version: 1
pnet:
  NET1: { interfaces: [lo, late0], rdma_devices: [rxelo, rxelate] }
ueids: [${UEID}]
namespaces:
  blue: { pnet: { NETB: { interfaces: [b0] } } }
`;

t.test('at boot', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12', modules: 'available' });
  t.teardown(() => guest.close());
  await guest.run(
    `modprobe rdma_rxe; modprobe dummy
    mkdir -p ${INSTALLED} /etc/smc-tools
    cp -r bin dist package.json native systemd ${INSTALLED}
    chown -R 0:0 ${INSTALLED}
    rm -rf /etc/systemd/system/* /run/smc-tools`,
    { check: true },
  );
  await setUpSmcR(guest);
  await guest.writeFile('/etc/smc-tools/smc.yaml', BOOT_FILE);
  const enabled = await guest.run(`${INSTALLED}/bin/smc_conf enable`);
  t.equal(enabled.status, 0, enabled.stderr);
  const tree = async () => (await guest.run('find /etc/systemd /etc/udev | sort')).stdout;
  await guest.writeFile(
    '/etc/systemd/system/needs-smc.service',
    `[Service]
Type=oneshot
RemainAfterExit=yes
Environment=PATH=/usr/local/bin:/usr/bin:/bin
ExecStart=/bin/sh -c '/usr/local/bin/smc_pnet >/run/seen; /usr/local/bin/smcd ueid >>/run/seen'
`,
  );
  const boot = () => startSystemd(guest, { keepsUnits: true, udev: true, wants: 'needs-smc.service' });
  const SEEN = `NET1 lo n/a 255\nNET1 late0 n/a 255\nNET1 n/a rxelo 1\nNET1 n/a rxelate 1\n${UEID.padEnd(32)}\n`;
  const seen = async () => (await guest.run('cat /run/seen; rm -f /run/seen')).stdout;

  let inside = await boot();
  await t.test('the state is there before a service starts', async (t) => {
    t.notMatch(
      (await guest.run('cat /sys/module/smc/initstate')).stderr,
      /No such/,
      'the kernel has loaded smc',
    );
    t.equal(await seen(), SEEN);
    const status = await inside(`${INSTALLED}/bin/smc_conf status`);
    t.match(status.stdout, /^at boot {3}yes .*\nfile .*\nlast run {2}succeeded, /, status.stderr);
  });

  await t.test('devices that come later, and under another name', async (t) => {
    await guest.run(
      `ip link add eth0tmp type dummy && ip link set eth0tmp name late0 && ip link set late0 up
      rdma link add rxetmp type rxe netdev late0 && rdma dev set rxetmp name rxelate`,
      { check: true },
    );
    await waitFor(guest, 'smcr -d device', { shows: 'rxelate .*[*]NET1' });
    await waitFor(guest, `cat /run/smc-tools/conf-*.json`, { shows: '"late0",[1-9]' });
    t.match(
      (await inside('journalctl -b --no-pager -u smc-tools; cat /run/smc-tools/*.json')).stdout,
      /late0/,
    );
  });

  // in every run, devices come later, by the same rule of udev
  await long(t, 'smc is unloaded and loaded again', async (t) => {
    // the apply of the devices before may still ask the kernel
    await waitFor(guest, 'modprobe -r smc_diag smc');
    await guest.run('modprobe smc', { check: true });
    await waitFor(guest, 'smc_pnet', { shows: 'NET1 n/a rxelo 1' });
    t.pass();
  });

  // in every run, test/commands/smc_conf/ has --only
  await long(t, 'a namespace that comes later', async (t) => {
    const early = await inside('systemctl start smc-tools@blue.service');
    t.not(early.status, 0, 'it is not there yet');
    await inside('ip netns add blue', { check: true });
    const started = await inside(
      'systemctl start smc-tools@blue.service; systemctl status smc-tools@blue.service',
    );
    t.equal(
      (await inside('ip netns exec blue /usr/local/bin/smc_pnet')).stdout,
      'NETB b0 n/a 255\n',
      started.stdout,
    );
  });

  // in every run, the first boot is tested
  await long(t, 'again after a reboot', async (t) => {
    await inside('ip netns del blue', { check: true });
    await stopSystemd(guest);
    await guest.run(
      'rdma link del rxelate; ip link del late0; modprobe -r smc_diag smc && rm -rf /run/smc-tools',
      { check: true },
    );
    inside = await boot();
    t.equal(await seen(), SEEN);
  });

  await t.test('disable leaves nothing', async (t) => {
    const disabled = await inside(`${INSTALLED}/bin/smc_conf disable`);
    t.equal(disabled.status, 0, disabled.stderr);
    t.notMatch(await tree(), /smc-tools/);
  });
});
