// SPDX-License-Identifier: MIT
/** Link groups as the page shows them: both technologies in one list, with the devices at both ends. */
import type { LinkGroupRow, LinkRow } from '../../../documents/smc_exporter-page.ts';
import { hex } from '../../../output/numbers.ts';
import {
  type LinkGroup,
  LOOPBACK_CHID,
  PEER_SYSTEMS,
  type SmcdLinkGroup,
  type SmcrLinkGroup,
} from '../../../smc/link-groups.ts';
import type { PageHost, Seen } from './seen.ts';

export function linkGroupRows({ smcrGroups, smcdGroups, host }: Seen): LinkGroupRow[] {
  const names = new Map(host.interfaces.map(({ index, name }) => [index, name]));
  return [
    ...(smcrGroups.value ?? []).map((group) => smcrRow(group, names)),
    ...(smcdGroups.value?.groups ?? []).map((group) => smcdRow(group, host)),
  ];
}

type Common = Omit<LinkGroupRow, 'technology' | 'role' | 'type' | 'links' | 'buffer_bytes'>;

const common = ({ id, version, v2, pnetId, connections }: LinkGroup): Common => ({
  link_group_id: hex(id, 8),
  version,
  peer_host: v2?.peerHost ?? null,
  peer_os: PEER_SYSTEMS[v2?.peerOs ?? 0] ?? null,
  eid: v2?.eid ?? null,
  pnet_id: pnetId ?? null,
  connections: connections ?? null,
});

/** Send and receive buffers together; `null` if the kernel tells of neither. */
const bufferBytes = (sent: bigint | undefined, received: bigint | undefined): number | null =>
  sent === undefined && received === undefined ? null : Number((sent ?? 0n) + (received ?? 0n));

const smcrRow = (group: SmcrLinkGroup, names: ReadonlyMap<number, string>): LinkGroupRow => ({
  technology: 'SMC-R',
  ...common(group),
  role: group.role ?? null,
  type: group.type ?? null,
  buffer_bytes: bufferBytes(group.sndbufBytes, group.rmbBytes),
  links: group.links.map(
    (link): LinkRow => ({
      link_id: hex(link.id, 2),
      device: link.ibDevice ?? '?',
      port: link.ibPort ?? null,
      interface: names.get(link.interfaceIndex ?? 0) ?? null,
      gid: link.gid ?? null,
      peer_gid: link.peerGid ?? null,
      state: link.state ?? null,
      connections: link.connections ?? null,
    }),
  ),
});

const gidText = (gid: bigint | undefined): string | null => (gid === undefined ? null : hex(gid, 16));

const smcdRow = (group: SmcdLinkGroup, host: PageHost): LinkGroupRow => ({
  technology: 'SMC-D',
  ...common(group),
  role: null,
  type: null,
  buffer_bytes: bufferBytes(group.sndbufBytes, group.dmbBytes),
  links: [
    {
      link_id: null,
      device: smcdDeviceName(group, host),
      port: null,
      interface: null,
      gid: gidText(group.gid),
      peer_gid: gidText(group.peerGid),
      state: null,
      connections: group.connections ?? null,
    },
  ],
});

/** Older kernels give ISM devices no name. */
function smcdDeviceName({ chid, gid }: SmcdLinkGroup, { dibsDevices }: PageHost): string {
  if (chid === LOOPBACK_CHID) return 'loopback-ism';
  const named = dibsDevices?.find((device) => device.gid !== undefined && device.gid === gidText(gid));
  if (named) return named.name;
  return chid === undefined ? 'ISM' : `ISM, channel ${hex(chid, 4)}`;
}
