// SPDX-License-Identifier: MIT
// smc_conf export, check and diff on a real kernel: with a bond, a VLAN and soft-RoCE, and in two network namespaces.
import t from 'tap';
import { batch, bootWithSuite } from './suite.ts';

const guest = await bootWithSuite({ kernel: '6.12-smcd' });
t.teardown(() => guest.close());

await guest.run(
  `modprobe -a rdma_rxe bonding 8021q dummy
ip link add d0 type dummy
ip link add bond0 type bond mode active-backup
ip link set d0 master bond0
ip link add link bond0 name bond0.7 type vlan id 7
rdma link add rxelo type rxe netdev lo
ip netns add red
ip netns add blue
ip -n red link add r0 type dummy
ip link set lo up`,
  { check: true },
);
const conf = async (words: string) => (await batch(guest, [`smc_conf ${words}`]))[0]!;

/** Commands that must succeed. */
async function ours(...commands: string[]): Promise<void> {
  for (const [index, { status, stderr }] of (await batch(guest, commands)).entries())
    if (status !== 0) throw new Error(`${commands[index]}: ${stderr}`);
}

const EMPTY = (await conf('export')).stdout;

const RED = `namespaces:
  red:
    pnet:
      NETR:
        interfaces:
          - r0
          - r1
    handshake_limit: true
    sysctls:
`;

t.test('export', async (t) => {
  t.match(EMPTY, /^version: 1\npnet: \{\}\nueids: \[\]\nhandshake_limit: false\nsysctls:\n/m);
  t.notMatch(EMPTY, 'namespaces', 'those that are as the kernel starts them');
  await ours(
    'smc_pnet -a net1 -I bond0.7 -D rxelo',
    'smc_pnet -a NET1 -I d0',
    'smc_pnet -a 100 -D 0000:01:00.0 -P 2',
    'smcd ueid add B.EID',
    'smcd ueid add A-EID',
    'smcr hs-limit enable',
    'smcd sysctl set wmem 256k',
  );
  await guest.run(
    `for i in r1 r0; do smc_pnet -N red -a NETR -I $i || exit; done
smcd -N red hs-limit enable && smcd -N red sysctl set rmem 32k`,
    { check: true },
  );
  const { status, stdout, stderr } = await conf('export');
  t.strictSame([status, stderr], [0, '']);
  t.match(
    stdout,
    `version: 1
pnet:
  "100":
    rdma_devices:
      - name: "0000:01:00.0"
        port: 2
  NET1:
    interfaces:
      - bond0.7
      - d0
    rdma_devices:
      - rxelo
ueids:
  - A-EID
  - B.EID
handshake_limit: true
sysctls:
`,
  );
  t.match(stdout, '\n  wmem: 262144\n');
  t.match(stdout, RED);
  t.match(stdout, '\n      rmem: 32768\n');
  t.notMatch(stdout, 'blue');
  t.equal((await conf('export')).stdout, stdout, 'the same bytes again');

  const nobody = await guest.run('smc_conf export', { user: 'nobody' });
  t.strictSame([nobody.status, nobody.stdout], [0, stdout.slice(0, stdout.indexOf('namespaces:'))]);
  t.match(
    nobody.stderr,
    /^(?:smc_conf: network namespace (?:red|blue) is left out: it cannot be entered: run it as root, outside of containers\n){2}$/,
  );
  const red = await guest.run('smc_conf -N red export', { check: true });
  t.match(red.stdout, /^pnet:\n {2}NETR:\n {4}interfaces:\n {6}- r0\n {6}- r1\nueids:\n/m, 'from inside');

  await guest.run('smc_dbg -o /tmp/bundle.tgz && smc_conf export --from /tmp/bundle.tgz > /tmp/from.yaml', {
    check: true,
  });
  // the first line names the schema of this installation, and in what is made of a bundle that of distributions
  const rest = (text: string): string => text.replace(/^# yaml-language-server: \$schema=\S+\n/, '');
  t.equal(
    rest((await guest.run('cat /tmp/from.yaml')).stdout),
    rest(stdout.slice(0, stdout.indexOf('namespaces:'))),
    'of a bundle, which has one namespace',
  );
});

t.test('what was exported comes back', async (t) => {
  const { stdout } = await conf('export');
  await guest.writeFile('/tmp/full.yaml', stdout);
  await ours('smc_pnet -f', 'smcd ueid flush', 'smcr hs-limit disable', 'smcd sysctl set wmem default');
  await guest.run(
    'smc_pnet -N red -f && smcd -N red hs-limit disable && smcd -N red sysctl set rmem default',
    { check: true },
  );
  t.equal((await conf('export')).stdout, EMPTY);
  t.match(await conf('diff -f /tmp/full.yaml'), {
    status: 2,
    stdout: /^in network namespace red: set rmem to 32768 \(now 65536\)$/m,
  });
  t.equal((await conf('apply -f /tmp/full.yaml')).status, 0);
  t.equal((await conf('export')).stdout, stdout, 'the same bytes');
  t.strictSame(await conf('diff --prune -f /tmp/full.yaml'), { status: 0, stdout: '', stderr: '' });
  t.strictSame(
    await conf('export --merge -f /tmp/full.yaml'),
    { status: 0, stdout: '', stderr: '' },
    'all is in it',
  );
  t.equal((await guest.run('cat /tmp/full.yaml')).stdout, stdout);
});

t.test('diff and merge', async (t) => {
  await guest.writeFile(
    '/tmp/some.yaml',
    `version: 1   # ours
ueids: [A-EID, MORE]   # of the site
namespaces:
  red: {handshake_limit: false}
  green: {handshake_limit: true}
`,
  );
  t.strictSame(await conf('diff -f /tmp/some.yaml'), {
    status: 2,
    stdout: 'add UEID MORE\nin network namespace red: disable the handshake limitation\nkeep UEID B.EID\n',
    stderr:
      'smc_conf: network namespace green cannot be set up: there is no network namespace of this name\n',
  });
  const nobody = await guest.run('smc_conf diff -f /tmp/some.yaml', { user: 'nobody' });
  t.strictSame(
    [nobody.status, nobody.stdout],
    [2, 'add UEID MORE\nkeep UEID B.EID\n'],
    'an ordinary user sees all but other namespaces',
  );
  t.match(nobody.stderr, 'network namespace red cannot be set up: it cannot be entered');
  t.equal(
    (await guest.run('smc_conf export --merge -f - < /tmp/some.yaml', { check: true })).stdout.split('\n')[1],
    'ueids: [A-EID, B.EID] # of the site',
  );
  t.match(await conf('diff -f /tmp/none.yaml'), { status: 1, stderr: /^smc_conf: there is no file/ });
});

t.test('check', async (t) => {
  await guest.writeFile(
    '/tmp/check.yaml',
    `version: 1
pnet:
  NET5:
    interfaces: [bond0.7, nosuch0]
    rdma_devices: [{name: rxelo, port: 2}]
    ism_devices: [loopback-ism]
sysctls: {wmem: 65536, smcr_max_recv_wr: 64}
namespaces: {red: {}, green: {}}
`,
  );
  const { status, stdout, stderr } = await conf('check -f /tmp/check.yaml');
  t.strictSame([status, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  for (const [index, pattern] of [
    /^\/tmp\/check\.yaml:4:18: warning: .*\bd0 only, the lowest interface below bond0\.7\b.*; give the PNET ID to d0$/,
    /:4:27: warning: there is no interface nosuch0; .*bond0, bond0\.7, d0, lo$/,
    /:5:20: warning: device rxelo has no port 2$/,
    /:6:19: warning: with a PNET ID the kernel does not use loopback-ism, /,
    /:7:24: warning: this kernel does not have sysctl smcr_max_recv_wr; it is available since Linux 6\.19$/,
    /:8:23: warning: there is no network namespace green; ip netns lists blue, red$/,
  ].entries())
    t.match(lines[index], pattern);
  t.equal(lines.length, 6, stdout);
});
