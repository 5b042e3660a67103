// SPDX-License-Identifier: MIT
/** Columns of `linkgroup show`: the table, the view with a line for each field, and JSON. */
import { rowObjects } from '../../cli/print.ts';
import type { SmcdLinkGroupRow, SmcrLinkGroupRow } from '../../documents/smcd.ts';
import { hexOrNull } from '../../output/json-values.ts';
import { hex, prefixedHex } from '../../output/numbers.ts';
import { type DocumentColumns, documentColumns, printable } from '../../output/table.ts';
import {
  type LinkGroup,
  LOOPBACK_CHID,
  PEER_SYSTEMS,
  type SmcdLinkGroup,
  type SmcrLinkGroup,
} from '../../smc/link-groups.ts';
import { groupLinkColumns, linkRows } from './link-columns.ts';

/** What documents of both have in common. */
type Common<Key extends keyof SmcdLinkGroupRow & keyof SmcrLinkGroupRow> = Pick<SmcdLinkGroupRow, Key>;

/** Width of an EID, to which the view with details pads it. */
const EID_WIDTH = 32;

const idColumn = documentColumns<LinkGroup, Common<'link_group_id'>>()([
  {
    key: 'link_group_id',
    header: 'LG-ID    ',
    text: ({ id }) => `${hex(id, 8)} `,
    label: 'LG-ID',
    detail: ({ id }) => hex(id, 8),
    json: ({ id }) => hex(id, 8),
  },
]);

const tableColumns = documentColumns<LinkGroup, Common<'vlan_id' | 'connections' | 'pnet_id'>>()([
  {
    key: 'vlan_id',
    header: 'VLAN  ',
    text: ({ vlanId = 0 }) => `${prefixedHex(vlanId).padStart(4)}  `,
    label: 'VLAN',
    detail: ({ vlanId = 0 }) => vlanId.toString(16),
    json: ({ vlanId }) => vlanId ?? null,
  },
  {
    key: 'connections',
    header: '#Conns  ',
    text: ({ connections = 0 }) => `${String(connections).padStart(6)}  `,
    json: ({ connections }) => connections ?? null,
  },
  {
    key: 'pnet_id',
    header: 'PNET-ID ',
    text: ({ pnetId = '' }) => `${printable(pnetId).padEnd(16)} `,
    label: 'PNET-ID',
    detail: ({ pnetId = '' }) => printable(pnetId),
    json: ({ pnetId }) => pnetId ?? null,
  },
]);

// A link group of SMC version 1 has no block of version 2: then these lines are missing and the keys are null.
const versionColumns = documentColumns<
  LinkGroup,
  Common<'version' | 'peer_release' | 'peer_host' | 'peer_os'>
>()([
  {
    key: 'version',
    label: 'Version',
    detail: ({ version }) => String(version),
    json: ({ version }) => version,
  },
  {
    key: 'peer_release',
    label: 'Peer-Rel',
    detail: ({ v2 }) => v2 && String(v2.peerRelease ?? 0),
    json: ({ v2 }) => v2?.peerRelease ?? null,
  },
  {
    key: 'peer_host',
    label: 'Peer-Host',
    detail: ({ v2 }) => v2 && printable(v2.peerHost ?? ''),
    json: ({ v2 }) => v2?.peerHost ?? null,
  },
  {
    key: 'peer_os',
    label: 'Peer-OS',
    detail: ({ v2 }) => v2 && (PEER_SYSTEMS[v2.peerOs ?? 0] ?? `Unknown (${prefixedHex(v2.peerOs ?? 0)})`),
    json: ({ v2 }) => PEER_SYSTEMS[v2?.peerOs ?? 0] ?? null,
  },
]);

const eidAndCountColumns = documentColumns<LinkGroup, Common<'eid' | 'sndbuf_bytes'>>()([
  {
    key: 'eid',
    label: 'EID',
    detail: ({ v2 }) => v2 && printable(v2.eid ?? '').padEnd(EID_WIDTH),
    json: ({ v2 }) => v2?.eid ?? null,
  },
  { label: '#Conns', detail: ({ connections = 0 }) => String(connections) },
  {
    key: 'sndbuf_bytes',
    label: 'Sndbuf',
    detail: ({ sndbufBytes = 0n }) => `${sndbufBytes} B`,
    json: ({ sndbufBytes }) => sndbufBytes ?? null,
  },
]);

const gid = (value: bigint | undefined): string => hex(value ?? 0n, 16);

/** A 128-bit GID, the second half only where the device has one. */
const fullGid = (value: bigint | undefined, extension: bigint | undefined): string =>
  extension ? `${gid(value)}:${gid(extension)}` : gid(value);

export const smcdColumns = documentColumns<SmcdLinkGroup, SmcdLinkGroupRow>()([
  ...idColumn,
  ...tableColumns,
  ...versionColumns,
  ...eidAndCountColumns,
  {
    key: 'dmb_bytes',
    label: 'DMB',
    detail: ({ dmbBytes = 0n }) => `${dmbBytes} B`,
    json: ({ dmbBytes }) => dmbBytes ?? null,
  },
  {
    key: 'gid',
    label: 'GID',
    isExtra: true,
    detail: (group) => fullGid(group.gid, group.extGid),
    json: (group) => hexOrNull(group.gid, 16),
  },
  { key: 'ext_gid', json: ({ extGid }) => hexOrNull(extGid, 16) },
  {
    key: 'peer_gid',
    label: 'Peer-GID',
    isExtra: true,
    detail: ({ peerGid, peerExtGid }) => fullGid(peerGid, peerExtGid),
    json: ({ peerGid }) => hexOrNull(peerGid, 16),
  },
  { key: 'peer_ext_gid', json: ({ peerExtGid }) => hexOrNull(peerExtGid, 16) },
  {
    key: 'chid',
    label: 'CHID',
    isExtra: true,
    detail: ({ chid = 0n }) => `${hex(chid, 4)}${chid === LOOPBACK_CHID ? ' (loopback-ism)' : ''}`,
    json: ({ chid }) => hexOrNull(chid, 4),
  },
]);

/** @param names interfaces of this network namespace by index, for the links in JSON */
export function smcrColumns(
  names: ReadonlyMap<number, string>,
): DocumentColumns<SmcrLinkGroup, SmcrLinkGroupRow> {
  return documentColumns<SmcrLinkGroup, SmcrLinkGroupRow>()([
    ...idColumn,
    {
      key: 'role',
      header: 'LG-Role  ',
      text: ({ role = 'CLNT' }) => `${role.padEnd(8)} `,
      label: 'LG-Role',
      detail: ({ role = 'CLNT' }) => role,
      json: ({ role }) => role ?? null,
    },
    {
      key: 'type',
      header: 'LG-Type  ',
      text: ({ type = 'NONE' }) => `${type.padEnd(8)} `,
      label: 'LG-Type',
      detail: ({ type = 'NONE' }) => type,
      json: ({ type }) => type ?? null,
    },
    ...tableColumns,
    ...versionColumns,
    {
      key: 'direct',
      label: 'Direct',
      detail: ({ v2, isDirect }) => v2 && (isDirect ? 'Yes' : 'No'),
      json: ({ isDirect }) => isDirect ?? null,
    },
    ...eidAndCountColumns,
    {
      key: 'rmb_bytes',
      label: 'RMB',
      detail: ({ rmbBytes = 0n }) => `${rmbBytes} B`,
      json: ({ rmbBytes }) => rmbBytes ?? null,
    },
    {
      key: 'max_connections',
      label: 'Max-Conns',
      isExtra: true,
      detail: ({ maxConnections }) => maxConnections?.toString(),
      json: ({ maxConnections }) => maxConnections ?? null,
    },
    {
      key: 'max_links',
      label: 'Max-Links',
      isExtra: true,
      detail: ({ maxLinks }) => maxLinks?.toString(),
      json: ({ maxLinks }) => maxLinks ?? null,
    },
    {
      key: 'buffer_type',
      label: 'Buf-Type',
      isExtra: true,
      detail: ({ bufferType }) => bufferType,
      json: ({ bufferType }) => bufferType ?? null,
    },
    { key: 'net_cookie', json: ({ netCookie }) => netCookie ?? null },
    { key: 'links', json: (group) => rowObjects(groupLinkColumns, linkRows(group, names)) },
  ]);
}
