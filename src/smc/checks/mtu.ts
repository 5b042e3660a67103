// SPDX-License-Identifier: MIT
import { baseDevice, type NetworkInterface } from '../../host/network-interfaces.ts';
import { roceMtu } from '../../host/rdma-devices.ts';
import { type Check, type CheckContext, defineCheck } from './check.ts';

/** RoCE packets smaller than this cost more than they should. */
const SMALL_RDMA_MTU = 1024;
/** MTU of an interface that lets RoCE have its largest packets. */
const ENOUGH_FOR_4096 = 4200;

/** MTU of interfaces that have an RDMA port, and what RDMA makes of it. */
export const mtuCheck = defineCheck({
  id: 'mtu',
  about: 'MTU of an interface with an RDMA port, and the size of RDMA packets that it allows.',
  facts: {
    mtu: 'MTU of the interface',
    base_interface: 'lowest device below it, which has the RDMA port',
    base_mtu: 'MTU of that device',
    rdma_mtu: 'size of RDMA packets; null if it is too small for RDMA',
  },
  run(context) {
    const {
      interfaces: chosen,
      host: { interfaces, rdmaDevices },
    } = context;
    const withRdma = new Set(
      rdmaDevices
        // the sizes are those of RoCE
        .filter(({ nodeType }) => nodeType === undefined || nodeType === 'CA')
        .flatMap(({ ports }) => ports.flatMap(({ netdev }) => netdev ?? [])),
    );
    return chosen.flatMap((one) => {
      const base = baseDevice(one, interfaces) ?? one;
      return withRdma.has(base.name) ? checkOne(context, one, base) : [];
    });
  },
});

function checkOne({ pass, warn, fail }: CheckContext, one: NetworkInterface, base: NetworkInterface): Check {
  const rdma = roceMtu(base.mtu);
  const facts = { mtu: one.mtu, base_interface: base.name, base_mtu: base.mtu, rdma_mtu: rdma ?? null };
  const of = base.name === one.name ? `${one.mtu}` : `${one.mtu}, below it ${base.name} with ${base.mtu}`;
  const raise = `ip link set ${base.name} mtu ${ENOUGH_FOR_4096}, here, at the peer and in the switches between them`;
  if (rdma === undefined)
    return fail(one.name, `the MTU is ${of}: too small for RDMA`, {
      reason: 'a RoCE packet has 96 bytes of headers and at least 256 of data',
      fix: raise,
      facts,
    });
  const finding = `the MTU is ${of}, which allows RDMA packets of ${rdma} bytes`;
  if (rdma < SMALL_RDMA_MTU)
    return warn(one.name, finding, {
      reason: 'the same data needs more packets, and so more work',
      fix: raise,
      facts,
    });
  if (one.mtu > base.mtu)
    return warn(one.name, finding, {
      reason: `${one.name} accepts larger packets than ${base.name} below it can carry`,
      fix: `ip link set ${base.name} mtu ${one.mtu}`,
      facts,
    });
  return pass(one.name, finding, { facts });
}
