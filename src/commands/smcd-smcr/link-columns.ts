// SPDX-License-Identifier: MIT
/** Columns of `smcr linkgroup link-show`. */
import type { Json } from '../../output/json.ts';
import { enumWord, enumWordOrNull, hexOrNull } from '../../output/json-values.ts';
import { hex } from '../../output/numbers.ts';
import { type Column, printable } from '../../output/table.ts';
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

export const roleWord = (role: number | undefined): string => (role ? 'SERV' : 'CLNT');

/** The same for JSON. */
export const roleOrNull = (role: number | undefined): Json => (role === undefined ? null : roleWord(role));

/**
 * @param ibWidth of the IB device's name
 * @param details level: columns beyond it are in JSON only
 */
export function linkColumns(ibWidth: number, details: number): Column<LinkRow>[] {
  const atLevel = (level: number, columns: Column<LinkRow>[]): Column<LinkRow>[] =>
    details >= level ? columns : columns.map(({ key, json }) => ({ key: key!, json: json! }));
  return [
    {
      key: 'link_group_id',
      header: 'LG-ID    ',
      text: ({ group }) => `${hex(group.id, 8)} `,
      json: ({ group }) => hex(group.id, 8),
    },
    { key: 'link_id', json: ({ link }) => hex(link.id, 2) },
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
    ...atLevel(1, [
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
    ...atLevel(2, [
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
  ];
}
