// SPDX-License-Identifier: MIT
/** devices.txt: adapters in the layout of the C suite. */
import { isMainframe } from '../../host/architecture.ts';
import { interfacePnetId } from '../../host/hardware-pnetid.ts';
import { readInterfaces } from '../../host/network-interfaces.ts';
import { entries, readText } from '../../host/sysfs.ts';

/** @param rnics what smc_rnics prints */
export function devicesText(rnics: string, root: string): string {
  const pci = `PCI Devices:\n${rnics.replace(/^(?=.)/gm, '  ')}`;
  return isMainframe(root) ? `${ccwTable(root)}\n${pci}` : pci;
}

/** OSA and HiperSockets devices. */
function ccwTable(root: string): string {
  const interfaces = readInterfaces(root);
  const directory = `${root}/sys/bus/ccwgroup/devices`;
  const rows = entries(directory).map((device) => {
    const chpid = readText(`${directory}/${device}/chpid`)?.toLowerCase() ?? '';
    const port = readText(`${directory}/${device}/portno`) ?? '';
    const netdev = interfaces.find(({ parent }) => parent?.bus === 'ccwgroup' && parent.id === device);
    const pnetId = netdev ? (interfacePnetId(netdev, root) ?? '') : '';
    return `  ${device.padStart(8)}  ${`0x${chpid}`.padStart(4)}   ${port.padEnd(4)}  ${pnetId}\n`;
  });
  return `CCW Devices:\n  Device    CHPID  Port  PNET ID\n  ${'-'.repeat(43)}\n${rows.join('')}`;
}
