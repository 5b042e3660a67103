// SPDX-License-Identifier: MIT
/** Columns of `smcr linkgroup link-show`. */
import type { SmcrGroupLink, SmcrLinkRow } from '../../documents/smcd.ts';
import { hexOrNull } from '../../output/json-values.ts';
import { hex } from '../../output/numbers.ts';
import { type DocumentColumns, documentColumns, jsonOnly, printable } from '../../output/table.ts';
import type { SmcrLink, SmcrLinkGroup } from '../../smc/link-groups.ts';
import { cell, interfaceColumns, type OnInterface } from './port-columns.ts';

/** A link with its group. */
export interface LinkRow extends OnInterface {
  group: SmcrLinkGroup;
  link: SmcrLink;
}

/** @param names interfaces of this network namespace by index */
export function linkRows(group: SmcrLinkGroup, names: ReadonlyMap<number, string>): LinkRow[] {
  return group.links.map((link) => ({ group, link, interface: names.get(link.interfaceIndex ?? 0) ?? '' }));
}

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
    ...interfaceColumns(({ link }: LinkRow) => link.interfaceIndex),
    {
      key: 'state',
      header: 'Link-State      ',
      text: ({ link: { state = 'LINK_UNUSED' } }) => `${state.padEnd(15)} `,
      style: ({ link }) => (link.state === 'LINK_ACTIVE' ? 'good' : 'bad'),
      json: ({ link }) => link.state ?? null,
    },
    {
      key: 'connections',
      header: '#Conns  ',
      text: ({ link }) => `${String(link.connections ?? 0).padStart(6)}  `,
      json: ({ link }) => link.connections ?? null,
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
          text: ({ link: { ibDevice = '' } }) => `${cell(ibDevice, ibWidth)}  `,
          json: ({ link }) => link.ibDevice ?? null,
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
      text: ({ group: { role = 'CLNT' } }) => `${role.padEnd(8)} `,
      json: ({ group }) => group.role ?? null,
    },
    {
      key: 'type',
      header: 'LG-Type  ',
      text: ({ group: { type = 'NONE' } }) => `${type.padEnd(8)} `,
      json: ({ group }) => group.type ?? null,
    },
    ...ownColumns(ibWidth, details),
  ]);
}

/** Inside a group, a link need not repeat what the group says. */
export const groupLinkColumns = documentColumns<LinkRow, SmcrGroupLink>()([...linkId, ...ownColumns(0, 0)]);
