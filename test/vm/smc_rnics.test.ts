// SPDX-License-Identifier: MIT
// smc_rnics on a real kernel: soft-RoCE on lo, on a veth, and below a bond with a VLAN; what it reports about ports
// and PNET IDs is what the kernel's SMC reports; without the module, it lists what /sys shows.
import t from 'tap';
import { validate } from '../helpers/schemas.ts';
import { addUeid, batch, bootWithSuite, LOOPBACK } from './suite.ts';

interface JsonPort {
  state: string;
  active_mtu: number | null;
  gids: { gid: string; type: string; interface: string | null }[];
  interface: string;
  interface_index: number;
  above: string[];
  below: string[];
  pnet_id: string | null;
  pnet_id_source: string | null;
  interface_pnet_id: string | null;
  interface_pnet_id_source: string | null;
  smc_r: { v1: Verdict; v2: Verdict };
}

interface Verdict {
  usable: boolean | null;
  reason: string;
}

interface JsonDevice {
  name: string;
  kind: string;
  is_soft_roce: boolean;
  ports: JsonPort[];
  smc_d: { v1: Verdict; v2: Verdict } | null;
}

t.test('smc_rnics, kernel 6.12 with loopback-ism', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd', modules: 'available' });
  t.teardown(() => guest.close());
  const run = (command: string, options = {}) => guest.run(command, options);
  const devices = async (argv = ''): Promise<Map<string, JsonDevice>> => {
    // another namespace takes a process of its own
    const { stdout } = argv
      ? await run(`smc_rnics -j ${argv}`, { check: true })
      : (await batch(guest, ['smc_rnics -j']))[0]!;
    t.strictSame(validate('smc_rnics -j', stdout), [], 'as the schema says');
    const document = JSON.parse(stdout) as { devices: JsonDevice[] };
    return new Map(document.devices.map((device) => [device.name, device]));
  };

  await run(
    `modprobe -a rdma_rxe bonding 8021q dummy veth
ip link add d0 type dummy
ip link add bond0 type bond mode active-backup
ip link set d0 master bond0
ip link add link bond0 name bond0.7 type vlan id 7
ip link add v0 type veth peer name v1
for i in d0 bond0 bond0.7 v0 v1; do ip link set $i up; done
ip address add 10.6.0.1/24 dev bond0
ip address add 10.7.0.1/24 dev bond0.7
ip address add 10.5.0.1/24 dev v0
ip link set v0 mtu 9000
rdma link add rxelo type rxe netdev lo
rdma link add rxed0 type rxe netdev d0
rdma link add rxev0 type rxe netdev v0`,
    { check: true },
  );

  await t.test(
    'without the SMC module: what /sys tells, for ordinary users, and the module stays out',
    async (t) => {
      const { status, stdout, stderr } = await run('smc_rnics', { user: 'nobody' });
      t.strictSame(
        [status, stderr],
        [0, 'smc_rnics: the kernel module smc is not loaded: what only the kernel knows is shown as ?\n'],
      );
      t.match(stdout, /^rxelo +1 +ACTIVE +\S+ +4096 +lo +n\/a +\? +\? +n\/a +soft-RoCE$/m);
      t.match(stdout, /^ {4}SMC-R v2: .* but SMC in the kernel cannot be queried$/m);
      t.notMatch((await run('ls /sys/module')).stdout, /^smc$/m);
    },
  );

  await run('modprobe -a smc smc_diag', { check: true });

  await t.test('ports, addresses and interfaces above and below', async (t) => {
    const found = await devices();
    t.strictSame([...found.keys()], ['rxed0', 'rxelo', 'rxev0', 'loopback-ism']);
    const port = (name: string): JsonPort => found.get(name)!.ports[0]!;
    t.ok(['rxed0', 'rxelo', 'rxev0'].every((name) => found.get(name)?.is_soft_roce));
    t.match(port('rxed0'), { state: 'ACTIVE', interface: 'd0', above: ['bond0', 'bond0.7'], below: [] });
    t.match(port('rxev0'), { interface: 'v0', active_mtu: 4096, above: [] });
    t.match(port('rxelo'), { interface: 'lo', interface_index: 1 });
    // a port below a bond has the addresses of the bond and its VLANs
    t.strictSame(new Set(port('rxed0').gids.map((gid) => gid.interface)), new Set(['bond0', 'bond0.7']));
    t.ok(port('rxelo').gids.some(({ gid }) => gid === '0000:0000:0000:0000:0000:ffff:7f00:0001'));

    const { stdout } = await run('smcr -j device', { check: true });
    const known = (JSON.parse(stdout) as { devices: { ib_device: string; interface_index: number }[] })
      .devices;
    t.equal(known.length, 3);
    for (const { ib_device, interface_index } of known)
      t.equal(port(ib_device).interface_index, interface_index, `the kernel has ${ib_device} there, too`);
  });

  await t.test('verdicts change with what they name', async (t) => {
    const before = await devices();
    const rxe = before.get('rxelo')!.ports[0]!.smc_r;
    t.match(rxe.v1, { usable: false, reason: 'the port has no RoCE v1 address (GID)' });
    t.match(rxe.v2, { usable: false, reason: 'there is no UEID; SMC-R version 2 needs one on both hosts' });
    t.match(before.get('loopback-ism')?.smc_d?.v2, { usable: false, reason: /neither a UEID nor/ });

    await addUeid(guest);
    await run('ip link set v0 down', { check: true });
    const after = await devices();
    t.match(after.get('rxelo')!.ports[0]!.smc_r.v2, { usable: true });
    t.match(after.get('loopback-ism')?.smc_d?.v2, { usable: true });
    t.match(after.get('rxev0')!.ports[0]!.smc_r.v2, {
      usable: false,
      reason: 'the port is DOWN, not ACTIVE',
    });
  });

  await t.test('PNET IDs of the table', async (t) => {
    await batch(guest, ['smc_pnet -a NETA -I d0 -D rxed0', `smc_pnet -a NETL -D ${LOOPBACK}`]);
    const found = await devices();
    t.match(found.get('rxed0')!.ports[0], {
      pnet_id: 'NETA',
      pnet_id_source: 'table',
      interface_pnet_id: 'NETA',
      interface_pnet_id_source: 'table',
    });
    t.match(found.get('rxelo')!.ports[0], { pnet_id: null, pnet_id_source: null });
    t.match(found.get('loopback-ism')?.smc_d?.v2, {
      usable: false,
      reason: 'no interface that is up has its PNET ID NETL in hardware',
    });
    const { stdout } = await run('smc_rnics');
    t.match(stdout, /^rxed0 .* NETA\* /m);
    t.equal((await run('smc_rnics', { user: 'nobody' })).stdout, stdout, 'seen by ordinary users');
  });

  await t.test('one adapter, and errors', async (t) => {
    const [byBond, unknown, enable, wrong] = await batch(guest, [
      'smc_rnics -j bond0.7',
      'smc_rnics eth7',
      'smc_rnics -e 10',
      'smc_rnics -x',
    ]);
    t.match(byBond?.status, 0);
    t.match(JSON.parse(byBond!.stdout), { devices: [{ name: 'rxed0' }] });
    t.strictSame(unknown, { status: 8, stdout: '', stderr: 'smc_rnics: there is no adapter eth7\n' });
    t.strictSame(enable, {
      status: 1,
      stdout: '',
      stderr: 'smc_rnics: PCI functions can be switched on and off on s390x only, and this is x86_64\n',
    });
    t.equal(wrong?.status, 2);
  });

  await t.test(
    'in another network namespace soft-RoCE is there, too, but its interface is not',
    async (t) => {
      await run('ip netns add other', { check: true });
      const found = await devices('-N other');
      t.strictSame([...found.keys()], ['rxed0', 'rxelo', 'rxev0', 'loopback-ism']);
      t.match(found.get('rxed0')?.ports[0], {
        interface: null,
        interface_index: null,
        active_mtu: null,
        above: [],
      });
      t.equal((await devices()).get('rxed0')?.ports[0]?.above.length, 2, 'here it is');
    },
  );
});
