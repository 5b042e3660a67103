// SPDX-License-Identifier: MIT
/** Everything that is known of an adapter, as JSON; the same on all machines. */
import type {
  AdapterPortRow,
  AdapterRow,
  GidRow,
  UseOfVersion,
  UseOfVersions,
} from '../../documents/smc_rnics.ts';
import { type PciName, pciKey } from '../../host/pci-names.ts';
import type { RdmaGid } from '../../host/rdma-devices.ts';
import type { Made } from '../../output/document.ts';
import { hexOrNull } from '../../output/json-values.ts';
import { type Adapter, type AdapterPort, stackedInterfaces, type Use } from '../../smc/adapters.ts';
import type { PnetSource } from '../../smc/device-choice.ts';
import type { HostFiles } from '../../smc/host.ts';
import { activeMtu } from './adapters-table.ts';
import { isVirtual, typeName } from './function-types.ts';

export function adapterJson(
  { kind, name, rdma, pci, dibs, slot, ports, smcd }: Adapter,
  host: HostFiles,
  names: ReadonlyMap<string, PciName>,
): Made<AdapterRow> {
  const { mainframe } = pci ?? {};
  const known = pci && names.get(pciKey(pci));
  return {
    name,
    kind,
    ib_device: rdma?.name ?? null,
    node_type: rdma?.nodeType ?? null,
    node_guid: rdma?.nodeGuid ?? null,
    firmware: rdma?.firmware ?? null,
    is_soft_roce: rdma?.isSoftRoce ?? false,
    driver: pci?.driver ?? rdma?.driver ?? ports[0]?.netdev?.driver ?? null,
    numa_node: pci?.numaNode ?? rdma?.numaNode ?? null,
    pci_id: pci?.address ?? null,
    pci_vendor: hexOrNull(pci?.vendor, 4),
    pci_device: hexOrNull(pci?.device, 4),
    pci_subsystem_vendor: hexOrNull(pci?.subsystemVendor, 4),
    pci_subsystem_device: hexOrNull(pci?.subsystemDevice, 4),
    pci_class: hexOrNull(pci?.class, 6),
    pci_physical_function: pci?.physicalFunction ?? null,
    vendor_name: known?.vendor ?? null,
    device_name: known?.device ?? null,
    is_on: slot?.isOn ?? null,
    pci_fid: hexOrNull(slot?.fid ?? mainframe?.fid, 4),
    pchid: hexOrNull(mainframe?.pchid, 4),
    pft: hexOrNull(mainframe?.type, 2),
    type: pci && mainframe ? typeName(pci, rdma) : null,
    is_virtual: (pci && (mainframe ? isVirtual(pci) : pci.physicalFunction !== undefined)) ?? null,
    vfn: mainframe?.virtualFunction ?? null,
    uid: hexOrNull(mainframe?.uid, 4),
    adapter_port: mainframe?.port || null,
    ports: ports.map((port) => portJson(port, host)),
    smc_d: useJson(smcd),
    dibs_name: dibs?.name ?? null,
    gid: dibs?.gid ?? null,
    ext_gid: dibs?.extGid ?? null,
    fabric_id: hexOrNull(dibs?.fabricId, 4),
  };
}

function portJson(port: AdapterPort, { interfaces }: HostFiles): Made<AdapterPortRow> {
  const { number, rdma, netdev, pnet, interfacePnet, smcr } = port;
  return {
    port: number ?? null,
    state: rdma?.state ?? null,
    physical_state: rdma?.physicalState ?? null,
    rate: rdma?.rate ?? null,
    link_layer: rdma?.linkLayer ?? null,
    active_mtu: activeMtu(port) ?? null,
    gids: (rdma?.gids ?? []).map(gidJson),
    interface: netdev?.name ?? rdma?.netdev ?? null,
    interface_index: netdev?.index ?? null,
    interface_state: netdev?.operstate ?? null,
    mtu: netdev?.mtu ?? null,
    below: netdev ? stackedInterfaces(netdev, 'lower', interfaces) : [],
    above: netdev ? stackedInterfaces(netdev, 'upper', interfaces) : [],
    chpid: netdev?.chpid ?? null,
    pnet_id: pnet?.pnetId ?? null,
    pnet_id_source: sourceOrNull(pnet),
    interface_pnet_id: interfacePnet?.pnetId ?? null,
    interface_pnet_id_source: sourceOrNull(interfacePnet),
    smc_r: useJson(smcr),
  };
}

function gidJson({ index, gid, type, netdev }: RdmaGid): Made<GidRow> {
  return { index, gid, type, interface: netdev ?? null };
}

const sourceOrNull = (pnet: PnetSource | undefined): AdapterPortRow['pnet_id_source'] =>
  pnet === undefined || pnet.source === 'none' ? null : pnet.source;

/** `usable` is null when it is not known. */
function useJson(use: Use | undefined): Made<UseOfVersions> | null {
  if (!use) return null;
  const verdict = ({ usable, reason }: Use['v1']): Made<UseOfVersion> => ({ usable: usable ?? null, reason });
  return { v1: verdict(use.v1), v2: verdict(use.v2) };
}
