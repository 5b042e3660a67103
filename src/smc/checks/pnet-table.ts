// SPDX-License-Identifier: MIT
import { hasDibsNames } from '../../host/dibs-devices.ts';
import { interfacePnetId } from '../../host/hardware-pnetid.ts';
import { rdmaNamespaceMode } from '../../host/network-namespace.ts';
import { isIsm } from '../../host/pci-devices.ts';
import { ismNames } from '../device-choice.ts';
import { loopbackNames } from '../devices.ts';
import type { Host } from '../host.ts';
import type { PnetEntry } from '../pnet-table.ts';
import { type Check, type CheckContext, counted, defineCheck } from './check.ts';

const INTACT = 'of a table that is as it should be: its PNET IDs, and the number of its entries';
const AFFECTED =
  'otherwise, the interface or device that does not exist; or of a PNET ID, whether an interface and a device have it';

/** The PNET table of this network namespace: what it lacks, and what an empty one means. */
export const pnetTableCheck = defineCheck({
  id: 'pnet-table',
  about:
    'Interfaces and devices in the PNET table that do not exist, and PNET IDs that only interfaces or only devices have.',
  facts: {
    pnet_ids: INTACT,
    entries: INTACT,
    interface: AFFECTED,
    device: AFFECTED,
  },
  run(context) {
    const { host, pass, unknown } = context;
    const { pnetTable } = host;
    if (!pnetTable.value) return [unknown(null, 'the PNET table cannot be read', { reason: pnetTable.why })];
    const entries = pnetTable.value;
    if (entries.length === 0) return [emptyTable(context)];
    const ids = [...new Set(entries.map(({ pnetId }) => pnetId))];
    const found = [
      ...entries.flatMap((entry) => (isThere(host, entry) ? [] : waiting(context, entry))),
      ...ids.flatMap((id) => halfDefined(context, id, entries)),
    ];
    if (found.length > 0) return found;
    return [
      pass(null, `${counted(ids.length, 'PNET ID')}: ${ids.join(', ')}`, {
        facts: { pnet_ids: ids, entries: entries.length },
      }),
    ];
  },
});

function emptyTable({ host: { isMainframe, interfaces, root }, pass, warn }: CheckContext): Check {
  const facts = { pnet_ids: [], entries: 0 };
  const inHardware = interfaces
    .filter((one) => interfacePnetId(one, root) !== undefined)
    .map(({ name }) => name);
  if (inHardware.length > 0)
    return pass(null, `empty; PNET IDs come from hardware (${inHardware.join(', ')})`, { facts });
  if (isMainframe)
    return warn(null, 'empty, and no interface has a PNET ID in hardware', {
      reason:
        'version 1 of SMC-D cannot be used, and SMC-R only over the RoCE interface itself, not over OSA',
      fix: 'smc_pnet -a PNETID -I INTERFACE -D DEVICE, or have PNET IDs configured on the machine',
      facts,
    });
  return pass(null, 'empty: an interface uses the RDMA port of its own lowest device', {
    reason: 'the table is needed only where interface and RDMA port are different devices',
    facts,
  });
}

function isThere(host: Host, { kind, ethName, ibName }: PnetEntry): boolean {
  if (kind === 'ethernet') return host.interfaces.some(({ name }) => name === ethName);
  return (
    host.rdmaDevices.some(({ name, parent }) => name === ibName || parent === ibName) ||
    (host.smcrPorts.value ?? []).some(({ device }) => device.ibName === ibName) ||
    (host.smcdDevices.value ?? []).some(({ pciId }) => pciId === ibName) ||
    (host.dibsDevices ?? []).some(({ name, pciAddress }) => name === ibName || pciAddress === ibName) ||
    // one without a driver is there all the same; its own check has more to say
    host.pciFunctions.some((pci) => isIsm(pci) && ismNames(pci, host).includes(ibName)) ||
    // and so have those of loopback-ism and of its old name
    loopbackNames(host.release, host.dibsDevices).includes(ibName) ||
    ibName === 'loopback-ism'
  );
}

function waiting({ host, warn }: CheckContext, { pnetId, kind, ethName, ibName }: PnetEntry): Check {
  const what = kind === 'ethernet' ? `interface ${ethName}` : `device ${ibName}`;
  return warn(pnetId, `there is no ${what}`, {
    reason: `the entry takes effect when it appears; ${whyWaiting(host, kind, ibName)}`,
    fix: `smc_pnet -d ${pnetId}, then add one that exists`,
    facts: { interface: kind === 'ethernet' ? ethName : null, device: kind === 'device' ? ibName : null },
  });
}

function whyWaiting(host: Host, kind: PnetEntry['kind'], ibName: string): string {
  const typingError = 'an entry with a misspelt name never takes effect';
  if (kind === 'ethernet') return typingError;
  const isNamed = hasDibsNames(host.release, host.dibsDevices);
  if (/^(?:lo|ism[0-9a-f]+)$/.test(ibName) && !isNamed)
    return 'SMC-D devices have such names since Linux 6.18; before that, ISM devices are named by PCI address, and lo is called loopback-ism';
  if (/^ism[0-9a-f]+$/.test(ibName))
    return `such a device appears when its function is switched on (smc_rnics -a) and module ism is loaded; ${typingError}`;
  if (rdmaNamespaceMode(host.root) === 'exclusive')
    return `an RDMA device may be in another network namespace (rdma system), where newer kernels, such as 7.3, do not apply the entry; ${typingError}`;
  return typingError;
}

/** A PNET ID that interfaces have and no device, or the other way round. */
function halfDefined({ host, warn }: CheckContext, id: string, entries: readonly PnetEntry[]): Check[] {
  const { smcrPorts, smcdDevices } = host;
  // devices of the host have their PNET IDs in the initial namespace's table, or in hardware: smc knows them all
  if (!smcrPorts.value || !smcdDevices.value) return [];
  const hasDevice =
    entries.some(({ kind, pnetId }) => kind === 'device' && pnetId === id) ||
    smcrPorts.value.some(({ pnetId }) => pnetId === id) ||
    smcdDevices.value.some(({ pnetId }) => pnetId === id);
  const hasInterface =
    entries.some(({ kind, pnetId }) => kind === 'ethernet' && pnetId === id) ||
    host.interfaces.some((one) => interfacePnetId(one, host.root) === id);
  const there = host.isInitialNamespace === false ? 'in the initial namespace: ' : '';
  if (!hasDevice)
    return [
      warn(id, 'interfaces have this PNET ID, but no device does', {
        reason: 'an interface with a PNET ID uses only devices with the same one',
        fix: `${there}smc_pnet -a ${id} -D DEVICE -P PORT`,
        facts: { interface: true, device: false },
      }),
    ];
  if (!hasInterface)
    return [
      warn(id, 'a device has this PNET ID, but no interface of this namespace does', {
        reason:
          'a device with a PNET ID is used for interfaces with the same one; those in other namespaces are not visible here',
        fix: `smc_pnet -a ${id} -I INTERFACE`,
        facts: { interface: false, device: true },
      }),
    ];
  return [];
}
