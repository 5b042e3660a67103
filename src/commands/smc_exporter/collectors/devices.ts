// SPDX-License-Identifier: MIT
/** RDMA devices with their ports, and ISM devices. */
import { gauge } from '../metric.ts';
import { defineCollector } from './collector.ts';

const BY_PORT = ['device', 'port'] as const;

const portActive = gauge({
  name: 'smc_port_active',
  help: '1 if a port of an RDMA device is active, 0 if it is not.',
  labels: BY_PORT,
});

const portInfo = gauge({
  name: 'smc_port_info',
  help: 'Always 1. The labels describe a port of an RDMA device: its interface by number, its PNET ID, and who set that (user or hardware). Empty labels do not apply.',
  labels: [...BY_PORT, 'ifindex', 'pnetid', 'pnetid_by', 'pci_id'],
});

const portLinks = gauge({
  name: 'smc_port_links',
  help: 'Links over a port of an RDMA device.',
  labels: BY_PORT,
});

const ismInfo = gauge({
  name: 'smc_ism_device_info',
  help: 'Always 1. The labels describe an ISM device. The kernel lists no loopback-ism.',
  labels: ['device', 'pnetid', 'pnetid_by'],
});

const ismGroups = gauge({
  name: 'smc_ism_device_link_groups',
  help: 'Link groups that use an ISM device.',
  labels: ['device'],
});

const critical = gauge({
  name: 'smc_device_critical',
  help: '1 if connections depend on this device, because no other can take its place.',
  labels: ['technology', 'device'],
});

export const devices = defineCollector({
  name: 'devices',
  about: 'The devices that SMC can use.',
  onByDefault: true,
  needs: ['smcrPorts', 'smcdDevices'],
  metrics: [portActive, portInfo, portLinks, ismInfo, ismGroups, critical],
  collect({ smcrPorts = [], smcdDevices = [] }, samples) {
    const seen = new Set<string>();
    for (const { device, number, state, interfaceIndex, pnetId, isUserPnetId, links } of smcrPorts) {
      const labels = { device: device.ibName, port: String(number) };
      samples.add(portActive, state === undefined ? undefined : state === 'ACTIVE', labels);
      samples.add(portInfo, 1, {
        ...labels,
        ifindex: String(interfaceIndex ?? ''),
        ...pnetLabels(pnetId, isUserPnetId),
        pci_id: device.pciId ?? '',
      });
      samples.add(portLinks, links, labels);
      if (!seen.has(device.ibName))
        samples.add(critical, device.isCritical, { technology: 'smcr', device: device.ibName });
      seen.add(device.ibName);
    }
    for (const { pciId, pnetId, isUserPnetId, linkGroups, isCritical } of smcdDevices) {
      const device = pciId ?? '';
      samples.add(ismInfo, 1, { device, ...pnetLabels(pnetId, isUserPnetId) });
      samples.add(ismGroups, linkGroups, { device });
      samples.add(critical, isCritical, { technology: 'smcd', device });
    }
  },
});

const pnetLabels = (pnetId: string | undefined, isUser: boolean): { pnetid: string; pnetid_by: string } => ({
  pnetid: pnetId ?? '',
  pnetid_by: pnetId === undefined ? '' : isUser ? 'user' : 'hardware',
});
