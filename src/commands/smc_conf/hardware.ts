// SPDX-License-Identifier: MIT
/** What the machine has set by itself, and no file can. */
import { interfacePnetId } from '../../host/hardware-pnetid.ts';
import type { SmcClient } from '../../smc/client.ts';
import { hostFiles } from '../../smc/host.ts';
import { unlessTooOld } from './running.ts';

/** PNET IDs in hardware, and the name of the machine. */
export interface Hardware {
  /** what has it, in words, by PNET ID */
  pnetIds: ReadonlyMap<string, readonly string[]>;
  /** `undefined` on machines without one */
  seid: string | undefined;
}

/** @throws NetlinkError */
export async function readHardware(client: SmcClient, root: string): Promise<Hardware> {
  const { interfaces } = hostFiles(root);
  const found: [id: string, words: string][] = [];
  for (const one of interfaces) {
    const id = interfacePnetId(one, root);
    if (id !== undefined) found.push([id, `interface ${one.name}`]);
  }
  for (const { pnetId, isUserPnetId, device, number } of await client.smcrPorts())
    if (pnetId !== undefined && !isUserPnetId) found.push([pnetId, `device ${device.ibName} port ${number}`]);
  for (const { pnetId, isUserPnetId, pciId } of await client.smcdDevices())
    if (pnetId !== undefined && !isUserPnetId) found.push([pnetId, `device ${pciId}`]);
  const ids = [...new Set(found.map(([id]) => id))].sort();
  return {
    pnetIds: new Map(
      ids.map((id) => [
        id,
        found
          .filter(([one]) => one === id)
          .map(([, words]) => words)
          .sort(),
      ]),
    ),
    seid: (await unlessTooOld(() => client.seid.read()))?.seid || undefined,
  };
}

/** Lines for a comment; none without such PNET IDs. */
export function hardwareLines({ pnetIds }: Hardware): string[] {
  if (pnetIds.size === 0) return [];
  return [
    'PNET IDs in hardware, which cannot be set here:',
    ...[...pnetIds].map(([id, members]) => `  ${id}: ${members.join(', ')}`),
  ];
}
