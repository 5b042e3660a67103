// SPDX-License-Identifier: MIT
/** Columns of `smcr linkgroup link-show`. */
import type { SmcrGroupLink, SmcrLinkRow } from '../../documents/smcd.ts';
import { enumWord, enumWordOrNull, hexOrNull } from '../../output/json-values.ts';
import { hex } from '../../output/numbers.ts';
import { type DocumentColumns, documentColumns, jsonOnly, printable } from '../../output/table.ts';
import { LINK_GROUP_TYPES, LINK_STATES, type SmcrLink, type SmcrLinkGroup } from '../../smc/link-groups.ts';
import { cell, interfaceColumns, type OnInterface } from './port-columns.ts';

/** A link with its group. */
export interface LinkRow extends OnInterface {
  group: SmcrLinkGroup;
  link: SmcrLink;
}

/** @param names interfaces of this network namespace by index */
export function linkRows(group: SmcrLinkGroup, names: ReadonlyMap<number, string>): LinkRow[] {
  return group.links.map((link) => ({ group, link, interface: names.get(link.netDev ?? 0) ?? '' }));
}

const LINK_ACTIVE = 3;

export const roleWord = (role: number | undefined): 'SERV' | 'CLNT' => (role ? 'SERV' : 'CLNT');

/** The same for JSON. */
export const roleOrNull = (role: number | undefined): SmcrLinkRow['role'] =>
  role === undefined ? null : roleWord(role);

const linkId = documentColumns<LinkRow, Pick<SmcrGroupLink, 'link_id'>>()([
  { key: 'link_id', json: ({ link }) => hex(link.id, 2) },
]);

/** The columns with the parts of a link that are shown from a level of details on; below it they are in JSON only. */
const atLevel = <Doc>(
  details: number,
  level: number,
  columns: DocumentColumns<LinkRow, Doc>,
): DocumentColumns<LinkRow, Doc> => (details >= level ? columns : jsonOnly(columns));

/** What follows the link group. */
function ownColumns(
  ibWidth: number,
  details: number,
): DocumentColumns<LinkRow, Omit<SmcrGroupLink, 'link_id'>> {
  return documentColumns<LinkRow, Omit<SmcrGroupLink, 'link_id'>>()([
    ...interfaceColumns(({ link }: LinkRow) => link.netDev),
    {
      key: 'state',
      header: 'Link-State      ',
      text: ({ link }) => `${enumWord(LINK_STATES, link.state ?? 0).padEnd(15)} `,
      style: ({ link }) => (link.state === LINK_ACTIVE ? 'good' : 'bad'),
      json: ({ link }) => enumWordOrNull(LINK_STATES, link.state),
    },
    {
      key: 'connections',
      header: '#Conns  ',
      text: ({ link }) => `${String(link.connCnt ?? 0).padStart(6)}  `,
      json: ({ link }) => link.connCnt ?? null,
    },
    ...atLevel(
      details,
      1,
      documentColumns<LinkRow, Pick<SmcrGroupLink, 'link_uid' | 'peer_uid' | 'ib_device' | 'ib_port'>>()([
        {
          key: 'link_uid',
          header: 'Link-UID  ',
          text: ({ link }) => `${hex(link.uid ?? 0, 8)}  `,
          json: ({ link }) => hexOrNull(link.uid, 8),
        },
        {
          key: 'peer_uid',
          header: 'Peer-UID  ',
          text: ({ link }) => `${hex(link.peerUid ?? 0, 8)}  `,
          json: ({ link }) => hexOrNull(link.peerUid, 8),
        },
        {
          key: 'ib_device',
          header: `${'IB-Dev'.padEnd(ibWidth)}  `,
          text: ({ link: { ibDev = '' } }) => `${cell(ibDev, ibWidth)}  `,
          json: ({ link }) => link.ibDev ?? null,
        },
        {
          key: 'ib_port',
          header: 'IB-P  ',
          text: ({ link }) => `${String(link.ibPort ?? 0).padStart(4)}  `,
          json: ({ link }) => link.ibPort ?? null,
        },
      ]),
    ),
    ...atLevel(
      details,
      2,
      documentColumns<LinkRow, Pick<SmcrGroupLink, 'gid' | 'peer_gid'>>()([
        {
          key: 'gid',
          header: 'Local-GID'.padEnd(42),
          text: ({ link }) => `${printable(link.gid ?? '').padEnd(40)}  `,
          json: ({ link }) => link.gid ?? null,
        },
        {
          key: 'peer_gid',
          header: 'Peer-GID  ',
          text: ({ link }) => `${printable(link.peerGid ?? '')}  `,
          json: ({ link }) => link.peerGid ?? null,
        },
      ]),
    ),
  ]);
}

/**
 * @param ibWidth of the IB device's name
 * @param details level: columns beyond it are in JSON only
 */
export function linkColumns(ibWidth: number, details: number): DocumentColumns<LinkRow, SmcrLinkRow> {
  return documentColumns<LinkRow, SmcrLinkRow>()([
    {
      key: 'link_group_id',
      header: 'LG-ID    ',
      text: ({ group }) => `${hex(group.id, 8)} `,
      json: ({ group }) => hex(group.id, 8),
    },
    ...linkId,
    {
      key: 'role',
      header: 'LG-Role  ',
      text: ({ group }) => `${roleWord(group.role).padEnd(8)} `,
      json: ({ group }) => roleOrNull(group.role),
    },
    {
      key: 'type',
      header: 'LG-Type  ',
      text: ({ group }) => `${enumWord(LINK_GROUP_TYPES, group.type ?? 0).padEnd(8)} `,
      json: ({ group }) => enumWordOrNull(LINK_GROUP_TYPES, group.type),
    },
    ...ownColumns(ibWidth, details),
  ]);
}

/** Inside a group, a link need not repeat what the group says. */
export const groupLinkColumns = documentColumns<LinkRow, SmcrGroupLink>()([...linkId, ...ownColumns(0, 0)]);
