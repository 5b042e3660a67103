// SPDX-License-Identifier: MIT
/** Columns of `linkgroup show`: the table, the view with a line for each field, and JSON. */
import { rowObjects } from '../../cli/print.ts';
import type { SmcdLinkGroupRow, SmcrLinkGroupRow } from '../../documents/smcd.ts';
import { booleanOrNull, enumWord, enumWordOrNull, hexOrNull } from '../../output/json-values.ts';
import { hex, prefixedHex } from '../../output/numbers.ts';
import { type DocumentColumns, documentColumns, printable } from '../../output/table.ts';
import {
  BUFFER_TYPES,
  LINK_GROUP_TYPES,
  LOOPBACK_CHID,
  PEER_SYSTEMS,
  type SmcdLinkGroup,
  type SmcrLinkGroup,
} from '../../smc/link-groups.ts';
import { groupLinkColumns, linkRows, roleOrNull, roleWord } from './link-columns.ts';

/** What SMC-D and SMC-R link groups have in common. */
type AnyGroup = Pick<
  SmcdLinkGroup & SmcrLinkGroup,
  'id' | 'vlanId' | 'connsNum' | 'pnetId' | 'v2Common' | 'sndbufAlloc'
>;

/** What documents of both have in common. */
type Common<Key extends keyof SmcdLinkGroupRow & keyof SmcrLinkGroupRow> = Pick<SmcdLinkGroupRow, Key>;

/** Width of an EID, to which the view with details pads it. */
const EID_WIDTH = 32;

const idColumn = documentColumns<AnyGroup, Common<'link_group_id'>>()([
  {
    key: 'link_group_id',
    header: 'LG-ID    ',
    text: ({ id }) => `${hex(id, 8)} `,
    label: 'LG-ID',
    detail: ({ id }) => hex(id, 8),
    json: ({ id }) => hex(id, 8),
  },
]);

const tableColumns = documentColumns<AnyGroup, Common<'vlan_id' | 'connections' | 'pnet_id'>>()([
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
    text: ({ connsNum = 0 }) => `${String(connsNum).padStart(6)}  `,
    json: ({ connsNum }) => connsNum ?? null,
  },
  {
    key: 'pnet_id',
    header: 'PNET-ID ',
    text: ({ pnetId = '' }) => `${printable(pnetId.trim()).padEnd(16)} `,
    label: 'PNET-ID',
    detail: ({ pnetId = '' }) => printable(pnetId.trim()),
    json: ({ pnetId }) => pnetId?.trim() || null,
  },
]);

// A link group of SMC version 1 has no block of version 2: then these lines are missing and the keys are null.
const versionColumns = documentColumns<
  AnyGroup,
  Common<'version' | 'peer_release' | 'peer_host' | 'peer_os'>
>()([
  {
    key: 'version',
    label: 'Version',
    detail: ({ v2Common }) => String(v2Common?.version ?? 1),
    json: ({ v2Common }) => v2Common?.version ?? 1,
  },
  {
    key: 'peer_release',
    label: 'Peer-Rel',
    detail: ({ v2Common }) => v2Common && String(v2Common.release ?? 0),
    json: ({ v2Common }) => v2Common?.release ?? null,
  },
  {
    key: 'peer_host',
    label: 'Peer-Host',
    detail: ({ v2Common }) => v2Common && printable(v2Common.peerHost?.trim() ?? ''),
    json: ({ v2Common }) => v2Common?.peerHost?.trim() || null,
  },
  {
    key: 'peer_os',
    label: 'Peer-OS',
    detail: ({ v2Common }) =>
      v2Common && (PEER_SYSTEMS[v2Common.peerOs ?? 0] ?? `Unknown (${prefixedHex(v2Common.peerOs ?? 0)})`),
    json: ({ v2Common }) => PEER_SYSTEMS[v2Common?.peerOs ?? 0] ?? null,
  },
]);

const eidAndCountColumns = documentColumns<AnyGroup, Common<'eid' | 'sndbuf_bytes'>>()([
  {
    key: 'eid',
    label: 'EID',
    detail: ({ v2Common }) => v2Common && printable(v2Common.negotiatedEid ?? '').padEnd(EID_WIDTH),
    json: ({ v2Common }) => v2Common?.negotiatedEid || null,
  },
  { label: '#Conns', detail: ({ connsNum = 0 }) => String(connsNum) },
  {
    key: 'sndbuf_bytes',
    label: 'Sndbuf',
    detail: ({ sndbufAlloc = 0n }) => `${sndbufAlloc} B`,
    json: ({ sndbufAlloc }) => sndbufAlloc ?? null,
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
    detail: ({ dmbAlloc = 0n }) => `${dmbAlloc} B`,
    json: ({ dmbAlloc }) => dmbAlloc ?? null,
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
      text: ({ role }) => `${roleWord(role).padEnd(8)} `,
      label: 'LG-Role',
      detail: ({ role }) => roleWord(role),
      json: ({ role }) => roleOrNull(role),
    },
    {
      key: 'type',
      header: 'LG-Type  ',
      text: ({ type = 0 }) => `${enumWord(LINK_GROUP_TYPES, type).padEnd(8)} `,
      label: 'LG-Type',
      detail: ({ type = 0 }) => enumWord(LINK_GROUP_TYPES, type),
      json: ({ type }) => enumWordOrNull(LINK_GROUP_TYPES, type),
    },
    ...tableColumns,
    ...versionColumns,
    {
      key: 'direct',
      label: 'Direct',
      detail: ({ v2Common, v2 }) => v2Common && (v2?.direct ? 'Yes' : 'No'),
      json: ({ v2 }) => booleanOrNull(v2?.direct),
    },
    ...eidAndCountColumns,
    {
      key: 'rmb_bytes',
      label: 'RMB',
      detail: ({ rmbAlloc = 0n }) => `${rmbAlloc} B`,
      json: ({ rmbAlloc }) => rmbAlloc ?? null,
    },
    {
      key: 'max_connections',
      label: 'Max-Conns',
      isExtra: true,
      detail: ({ v2 }) => v2?.maxConns?.toString(),
      json: ({ v2 }) => v2?.maxConns ?? null,
    },
    {
      key: 'max_links',
      label: 'Max-Links',
      isExtra: true,
      detail: ({ v2 }) => v2?.maxLinks?.toString(),
      json: ({ v2 }) => v2?.maxLinks ?? null,
    },
    {
      key: 'buffer_type',
      label: 'Buf-Type',
      isExtra: true,
      detail: ({ bufType }) => (bufType === undefined ? undefined : enumWord(BUFFER_TYPES, bufType)),
      json: ({ bufType }) => enumWordOrNull(BUFFER_TYPES, bufType),
    },
    { key: 'net_cookie', json: ({ netCookie }) => netCookie ?? null },
    { key: 'links', json: (group) => rowObjects(groupLinkColumns, linkRows(group, names)) },
  ]);
}
