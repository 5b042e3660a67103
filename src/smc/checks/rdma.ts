// SPDX-License-Identifier: MIT
import { rdmaNamespaceMode } from '../../host/network-namespace.ts';
import { isIpv4Gid, type RdmaDevice, type RdmaPort } from '../../host/rdma-devices.ts';
import { IBPORT_MAX } from '../../netlink/uapi/smc.ts';
import type { SmcrPort } from '../devices.ts';
import { type Host, hasLoopback, hasSmc } from '../host.ts';
import { type Check, counted, defineChecks, type Fact, type Reports } from './check.ts';

/** RDMA devices, their ports and addresses, which SMC-R needs. */
export const rdmaChecks = defineChecks({
  ids: {
    'rdma-device': {
      about: 'RDMA devices, which SMC-R needs.',
      facts: {
        devices: 'RDMA devices that smc knows, if /sys shows none',
        node_type: 'kind of device; RoCE and InfiniBand are `CA`',
        driver: 'its driver',
        firmware: 'version of its firmware',
        parent: 'PCI address of the adapter; null for a device in software',
        numa_node: 'NUMA node',
        soft_roce: 'whether it is implemented in software',
        known_to_smc: 'whether smc knows it',
      },
    },
    'rdma-port': {
      about: 'Ports of RDMA devices: state, addresses (GIDs), PNET ID. Ports are named DEVICE/PORT.',
      facts: {
        device: 'the device',
        port: 'number of the port',
        state: 'such as `ACTIVE`',
        physical_state: 'such as `LinkUp`',
        link_layer: '`Ethernet` or `InfiniBand`',
        rate: 'speed of the port',
        interface: 'its interface',
        gids: [
          'its addresses, each with',
          {
            index: 'place in the table of addresses',
            gid: 'the address',
            type: '`v1` or `v2`, the version of RoCE, or `infiniband`',
            interface: 'interface that the address is from',
          },
        ],
        pnet_id: 'PNET ID',
        pnet_id_by_user: 'whether that was set with smc_pnet(8)',
        links: 'links of SMC-R that use the port',
      },
    },
  },
  run({ host, reports }) {
    const { rdmaDevices: devices } = host;
    if (devices.length === 0) return [noDevice(host, reports['rdma-device'])];
    const anyActive = devices.some(({ name, ports }) =>
      ports.some(
        ({ number, state }) => state === 'ACTIVE' && knownToSmc(host, name, number)?.state !== 'INACTIVE',
      ),
    );
    return devices.flatMap((device) => [
      checkDevice(host, device, reports['rdma-device']),
      ...device.ports.map((port) =>
        checkPort(host, device, port, reports['rdma-port'], anyActive ? 'warn' : 'fail'),
      ),
    ]);
  },
});

function noDevice(host: Host, { warn, fail, unknown }: Reports): Check {
  const { isMainframe, smcdDevices, isInitialNamespace, smcrPorts, root } = host;
  const known = [...new Set((smcrPorts.value ?? []).map(({ device }) => device.ibName ?? ''))];
  // in other namespaces it is as it should be, if devices belong to single ones
  if (known.length > 0 && !(isInitialNamespace === false && rdmaNamespaceMode(root) === 'exclusive'))
    return unknown(null, `module smc knows ${known.join(', ')}, but /sys does not show it`, {
      reason: '/sys/class/infiniband is missing here, or belongs to another network namespace',
      fix: 'list the RDMA devices: rdma link',
      facts: { devices: known },
    });
  const hasSmcd = hasLoopback(host) || (smcdDevices.value?.length ?? 0) > 0;
  const elsewhere = isInitialNamespace === false;
  const report = hasSmcd ? warn : fail;
  return report(
    null,
    elsewhere
      ? 'no RDMA device is visible in this network namespace, so there is no SMC-R here'
      : 'this host has no RDMA device, so there is no SMC-R',
    {
      reason: hasSmcd
        ? 'connections to other hosts need SMC-R; SMC-D works within this machine only'
        : elsewhere
          ? 'each device is visible only in the namespace that it belongs to'
          : 'SMC-R needs an adapter for RDMA (RoCE) with its driver, or soft-RoCE',
      fix: elsewhere
        ? 'in the initial namespace: rdma system set netns shared'
        : isMainframe
          ? 'see which functions are switched off, and switch them on: smc_rnics -a; smc_rnics -e FID'
          : 'load the driver of the adapter, or add one in software: rdma link add rxe0 type rxe netdev INTERFACE',
      facts: { devices: [] },
    },
  );
}

/** What the kernel's SMC has of a port. */
function knownToSmc({ smcrPorts }: Host, device: string, port?: number): SmcrPort | undefined {
  return smcrPorts.value?.find(
    (known) => known.device.ibName === device && (port ?? known.number) === known.number,
  );
}

function checkDevice(host: Host, device: RdmaDevice, { pass, warn }: Reports): Check {
  const { name, nodeType, firmware, parent, driver, isSoftRoce, numaNode } = device;
  const isKnown = host.smcrPorts.value ? Boolean(knownToSmc(host, name)) : null;
  const facts = {
    node_type: nodeType ?? null,
    driver: driver ?? null,
    firmware: firmware ?? null,
    parent: parent ?? null,
    numa_node: numaNode ?? null,
    soft_roce: isSoftRoce,
    known_to_smc: isKnown,
  };
  const what = isSoftRoce ? 'soft-RoCE' : [driver, parent].filter(Boolean).join(' at ') || 'RDMA device';
  if (nodeType !== 'CA' && !isKnown)
    return warn(name, `${what}, of node type ${nodeType ?? 'unknown'}, which SMC-R cannot use`, {
      reason: 'SMC-R uses InfiniBand and RoCE devices, which are of node type CA',
      facts,
    });
  if (isKnown === false)
    return warn(name, `${what}, which module smc does not know`, {
      reason: 'smc registers a device when it appears; the kernel log says why it did not',
      fix: 'dmesg | grep smc',
      facts,
    });
  const type = nodeType === 'CA' ? '' : `, of node type ${nodeType ?? 'unknown'}, which module smc uses`;
  return pass(name, `${what}${type}, ${counted(device.ports.length, 'port')}`, { facts });
}

function checkPort(
  host: Host,
  { name, isSoftRoce }: RdmaDevice,
  port: RdmaPort,
  reports: Reports,
  ifDown: 'warn' | 'fail',
): Check {
  const { pass, warn, fail } = reports;
  const { number, state, physicalState, gids, netdev, linkLayer, rate } = port;
  const subject = `${name}/${number}`;
  const known = knownToSmc(host, name, number);
  const pnetId = known?.pnetId ?? null;
  const facts: Record<string, Fact> = {
    device: name,
    port: number,
    state: state ?? null,
    physical_state: physicalState ?? null,
    link_layer: linkLayer ?? null,
    rate: rate ?? null,
    interface: netdev ?? null,
    gids: gids.map(({ index, gid, type, netdev }) => ({ index, gid, type, interface: netdev ?? null })),
    pnet_id: pnetId,
    pnet_id_by_user: known?.isUserPnetId ?? null,
    links: known?.links ?? null,
  };
  const on = netdev ? ` on ${netdev}` : '';
  if (number > IBPORT_MAX)
    return warn(subject, `port ${number}${on} cannot be used for SMC-R`, {
      reason: 'SMC-R uses ports 1 and 2 only',
      facts,
    });
  if (state !== 'ACTIVE' && !(state === undefined && known?.state === 'ACTIVE')) {
    const base = host.interfaces.find((candidate) => candidate.name === netdev);
    return reports[ifDown](subject, `the port is ${state ?? 'in an unknown state'}${on}`, {
      reason: whyDown(port, base),
      fix:
        netdev && base && !base.isUp
          ? `ip link set ${netdev} up`
          : isSoftRoce
            ? 'ip link; rdma link'
            : 'check cable and switch; rdma link',
      facts,
    });
  }
  if (hasSmc(host) && known && known.state !== 'ACTIVE')
    return reports[ifDown](subject, `active${on}, but module smc considers it inactive`, {
      reason: 'smc missed the change of its state, or has not been notified yet',
      fix: 'run smc_chk again in a moment; if nothing has changed, set the interface down and up',
      facts,
    });
  const [v1, v2] = [gids.filter(({ type }) => type !== 'v2'), gids.filter(({ type }) => type === 'v2')];
  const usable = v2.filter(isIpv4Gid);
  const identity = pnetId ? `PNET ID ${pnetId}` : 'no PNET ID';
  const finding = `active${on}, ${identity}, addresses: ${v1.length} RoCE v1, ${v2.length} RoCE v2 (${usable.length} for IPv4)`;
  const links = known?.links ?? 0;
  // what the kernel does counts more than what /sys shows of it
  if (usable.length === 0 && links > 0)
    return pass(subject, `${finding}; ${counted(links, 'link')} of SMC-R over it`, { facts });
  if (gids.length === 0)
    return fail(subject, `active${on}, but without an address (GID)`, {
      reason: 'the addresses of a RoCE port come from those of its interface',
      fix: netdev ? `ip address add ADDRESS/BITS dev ${netdev}` : null,
      facts,
    });
  if (v1.length === 0 && usable.length === 0)
    return fail(subject, finding, {
      reason: 'SMC-R version 1 needs a RoCE v1 address, version 2 a RoCE v2 address for IPv4',
      fix: netdev ? `ip address add IPV4ADDRESS/BITS dev ${netdev}` : null,
      facts,
    });
  if (usable.length === 0)
    return warn(subject, finding, {
      reason: 'SMC-R version 2 needs a RoCE v2 address for IPv4; only version 1 is possible',
      fix: netdev ? `ip address add IPV4ADDRESS/BITS dev ${netdev}` : null,
      facts,
    });
  return pass(subject, finding, { facts });
}

function whyDown(
  { physicalState, netdev }: RdmaPort,
  base: { isUp: boolean; operstate: string } | undefined,
): string {
  if (netdev && base && !base.isUp) return `its interface ${netdev} is set down`;
  if (netdev && base) return `its interface ${netdev} is up, its link is ${base.operstate}`;
  return `its physical state is ${physicalState ?? 'unknown'}; its interface is not in this network namespace`;
}
