// SPDX-License-Identifier: MIT
import type { NetworkInterface } from '../../host/network-interfaces.ts';
import { chooseDevices, type InterfaceChoice, rdmaPnet, type Verdict } from '../device-choice.ts';
import { type Host, hasSmc, NO_SMC } from '../host.ts';
import { type Check, type CheckContext, defineCheck } from './check.ts';

/** Any will do that is not in use for another network. */
const EXAMPLE_PNET_ID = 'NET1';

const VERDICT = [
  'each version of SMC-R and SMC-D',
  { usable: 'whether it can be used', reason: 'why, or why not' },
] as const;

/** Interfaces that connections can use: up, with an address that is not of one link only. */
export function interfacesInUse({ interfaces, addresses }: Host): NetworkInterface[] {
  const up = interfaces.filter(({ isUp }) => isUp);
  if (!addresses.value) return up;
  const withAddress = new Set(
    addresses.value.flatMap(({ index, scope, isUsable }) => (isUsable && scope !== 'link' ? index : [])),
  );
  return up.filter(({ index }) => withAddress.has(index));
}

/** The device that the kernel would choose for connections over each interface, and why, or why none. */
export const interfaceCheck = defineCheck({
  id: 'interface',
  about:
    'The device that the kernel would choose for connections over the interface and why, or why it would choose none. PNET IDs are those of the lowest device below VLANs and bonds, from hardware or from the table; an interface without a PNET ID uses the RDMA port on that lowest device. Without operands, the interfaces that are up and have an address are checked. If one of them has a device, those without one are warnings; `lo` is then left out.',
  facts: {
    base_interface: 'lowest device below the interface',
    pnet_id: 'PNET ID of that device',
    pnet_id_source: 'where it is from: `hardware`, `table`, `base-table`, `none` or `unknown`',
    smcr_v1: VERDICT,
    smcr_v2: VERDICT,
    smcd_v1: VERDICT,
    smcd_v2: VERDICT,
    rdma_ports: 'RDMA ports that belong to the interface, usable or not',
    smcd_devices: 'SMC-D devices that belong to the interface, usable or not',
  },
  run(context) {
    const { host, interfaces, areNamed, fail } = context;
    if (interfaces.length === 0)
      return [
        fail(null, 'no interface is up and has an address', {
          reason: 'connections need one, whether SMC or TCP',
          fix: 'ip link set INTERFACE up; ip address add ADDRESS/BITS dev INTERFACE',
        }),
      ];
    const all = interfaces.map((one) => chooseDevices(one, host));
    if (!hasSmc(host)) return all.map((choice) => nothingToAsk(context, choice));
    const anyUsable = all.some((choice) => best(choice).usable);
    return all
      .filter((choice) => areNamed || all.length === 1 || !isIdleLoopback(choice))
      .map((choice) => checkOne(context, choice, !areNamed && anyUsable));
  },
});

const isIdleLoopback = (choice: InterfaceChoice): boolean =>
  choice.interface.kind === 'loopback' && best(choice).usable === false && choice.rdma.length === 0;

/** The most that an interface offers: usable, not known, or neither. */
function best({ smcrV1, smcrV2, smcdV1, smcdV2 }: InterfaceChoice): { usable: boolean | undefined } {
  const all = [smcrV1, smcrV2, smcdV1, smcdV2];
  if (all.some(({ usable }) => usable)) return { usable: true };
  return { usable: all.some(({ usable }) => usable === undefined) ? undefined : false };
}

/** "SMC-R version 2 over rxelo port 1, SMC-D version 2 over loopback-ism" */
function offers({ rdma, ism, smcrV1, smcrV2, smcdV1, smcdV2 }: InterfaceChoice): string[] {
  const versions = (one: Verdict, two: Verdict): string =>
    one.usable && two.usable ? 'versions 1 and 2' : `version ${one.usable ? 1 : 2}`;
  const port = rdma.find(({ v1, v2 }) => v2.usable || v1.usable);
  const device = ism.find(({ v1, v2 }) => v2.usable || v1.usable);
  return [
    ...(smcrV1.usable || smcrV2.usable
      ? [`SMC-R ${versions(smcrV1, smcrV2)} over ${port?.device.name} port ${port?.port.number}`]
      : []),
    ...(smcdV1.usable || smcdV2.usable ? [`SMC-D ${versions(smcdV1, smcdV2)} over ${device?.name}`] : []),
  ];
}

function describePnet({ interface: { name }, base, pnet }: InterfaceChoice): string {
  const below = base.name === name ? '' : ` of ${base.name} below it`;
  switch (pnet.source) {
    case 'hardware':
      return `PNET ID ${pnet.pnetId}${below} from hardware`;
    case 'base-table':
      return `PNET ID ${pnet.pnetId} of ${base.name} below it, from the table`;
    case 'table':
      return `PNET ID ${pnet.pnetId} from the table`;
    case 'none':
      return `no PNET ID, so only an RDMA port on ${base.name} itself can be used`;
    case 'unknown':
      return 'an unknown PNET ID';
  }
}

function factsOf(choice: InterfaceChoice): Check['facts'] {
  const verdict = ({ usable, reason }: Verdict) => ({ usable: usable ?? null, reason });
  return {
    base_interface: choice.base.name,
    pnet_id: choice.pnet.pnetId ?? null,
    pnet_id_source: choice.pnet.source,
    smcr_v1: verdict(choice.smcrV1),
    smcr_v2: verdict(choice.smcrV2),
    smcd_v1: verdict(choice.smcdV1),
    smcd_v2: verdict(choice.smcdV2),
    rdma_ports: choice.rdma.map(({ device, port }) => `${device.name}/${port.number}`),
    smcd_devices: choice.ism.map(({ name }) => name),
  };
}

function nothingToAsk({ host, unknown }: CheckContext, choice: InterfaceChoice): Check {
  return unknown(choice.interface.name, 'up; without SMC the kernel does not choose a device', {
    reason: host.families.value ? NO_SMC : host.families.why,
    facts: factsOf(choice),
  });
}

function checkOne(
  { host, pass, warn, fail, unknown }: CheckContext,
  choice: InterfaceChoice,
  othersAreUsable: boolean,
): Check {
  const { name, kind } = choice.interface;
  const facts = factsOf(choice);
  const found = offers(choice);
  const { usable } = best(choice);
  const elsewhere =
    host.isInitialNamespace === false && choice.rdma.length === 0 && host.rdmaDevices.length > 0
      ? '; the interfaces of the RDMA devices are in another network namespace'
      : '';
  const why = `SMC-R: ${whyNot(choice.smcrV1, choice.smcrV2)}; SMC-D: ${whyNot(choice.smcdV1, choice.smcdV2)}${elsewhere}`;
  const identity = describePnet(choice);
  if (usable === undefined)
    return unknown(name, `${identity}; it is not known which device it has`, {
      reason: why,
      facts,
    });
  const fix = remedy(host, choice);
  if (!usable) {
    const report = othersAreUsable ? warn : fail;
    return report(name, `no device for SMC: ${identity}`, { reason: why, fix, facts });
  }
  const finding = `${found.join(', ')}; ${identity}`;
  const stays = !(choice.smcrV1.usable || choice.smcrV2.usable) && !choice.ism.some((ism) => ism.function);
  if (stays && kind !== 'loopback')
    return warn(name, finding, {
      reason: `other hosts are reached over TCP; SMC-R: ${whyNot(choice.smcrV1, choice.smcrV2)}`,
      fix,
      facts,
    });
  return pass(name, finding, { facts });
}

/** Why there is neither version; the second is the one that matters when both have something in the way. */
function whyNot(one: Verdict, two: Verdict): string {
  return one.reason === two.reason ? two.reason : `${two.reason} (version 1: ${one.reason})`;
}

/** What brings SMC-R to the interface. */
function remedy(host: Host, choice: InterfaceChoice): string {
  const { base, pnet, rdma } = choice;
  const { name } = choice.interface;
  if (host.rdmaDevices.length === 0)
    return host.isMainframe
      ? 'smc_rnics -a shows the functions, smc_rnics -e FID switches one on'
      : `rdma link add rxe0 type rxe netdev ${base.name}`;
  const [candidate] = rdma;
  if (candidate) {
    const { port } = candidate;
    if (port.state !== 'ACTIVE') return `ip link set ${port.netdev ?? base.name} up`;
    if (host.ueids.value?.length === 0) return 'smcd ueid add NAME, with the same NAME on every host';
    return `ip address add IPV4ADDRESS/BITS dev ${name}`;
  }
  const ports = host.rdmaDevices.flatMap((device) => device.ports.map((port) => ({ device, port })));
  const nearest = ports.find(({ port }) => port.netdev === base.name) ?? ports[0];
  if (!nearest) return 'rdma link';
  const { device, port } = nearest;
  const own = rdmaPnet(device, port.number, host);
  const forInterface = (pnetId: string): string => `smc_pnet -a ${pnetId} -I ${base.name}`;
  if (own.source === 'hardware') {
    if (pnet.source === 'hardware') return 'have one PNET ID configured for both on the machine';
    return `${pnet.pnetId ? `smc_pnet -d ${pnet.pnetId}; ` : ''}${forInterface(own.pnetId ?? '')}`;
  }
  const forPort = `-D ${device.name} -P ${port.number}`;
  if (own.pnetId !== undefined)
    return pnet.pnetId
      ? `smc_pnet -d ${own.pnetId}; smc_pnet -a ${pnet.pnetId} ${forPort}`
      : forInterface(own.pnetId);
  const wanted = pnet.pnetId ?? EXAMPLE_PNET_ID;
  if (host.isInitialNamespace !== false)
    return pnet.pnetId ? `smc_pnet -a ${wanted} ${forPort}` : `${forInterface(wanted)} ${forPort}`;
  const there = `in the initial namespace: smc_pnet -a ${wanted} ${forPort}`;
  return pnet.pnetId ? there : `${forInterface(wanted)}; ${there}`;
}
