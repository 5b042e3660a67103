// SPDX-License-Identifier: MIT
/** Columns of smcss: the C suite's text, and JSON. */
import type {
  SocketConnection,
  SocketCursor,
  SocketDmb,
  SocketEnd,
  SocketFlags,
  SocketLink,
  SocketRow,
} from '../../documents/smcss.ts';
import type { Made } from '../../output/document.ts';
import { hexOrNull, numberIfExact } from '../../output/json-values.ts';
import { hex } from '../../output/numbers.ts';
import { type Column, type DocumentColumns, documentColumns, printable } from '../../output/table.ts';
import { formatReasonCode, namedReason } from '../../smc/fallback-reasons.ts';
import {
  connectionMode,
  type Endpoint,
  MODE_TCP,
  type SmcSocket,
  STATE_CLOSED,
  STATE_INIT,
  STATE_LISTEN,
  socketCookie,
  stateName,
} from '../../smc/sockets.ts';
import { linkRole } from '../../smc/words.ts';
import type { SmcssOptions } from './options.ts';

/** Column after which the row of a socket ends; states and modes without further data end early. */
type RowEnd = 'inode' | 'local' | 'interface' | 'fallback' | 'all';

export function rowEnd(socket: SmcSocket): RowEnd {
  if (socket.state === STATE_INIT) return 'inode';
  if (socket.state === STATE_LISTEN) return 'local';
  if (socket.state === STATE_CLOSED) return 'interface';
  if (socket.mode === MODE_TCP) return 'fallback';
  return 'all';
}

/** Index of the last column that a row has in text. */
export function lastColumns(columns: readonly Column<SmcSocket>[]): Readonly<Record<RowEnd, number>> {
  const at = (end: RowEnd): number => columns.findIndex(({ key }) => key === end);
  return {
    inode: at('inode'),
    local: at('local'),
    interface: at('interface'),
    fallback: at('fallback'),
    all: columns.length - 1,
  };
}

/** Columns of the table for the options given. */
export function columnsFor({ wide, debug, smcr, smcd }: SmcssOptions): Column<SmcSocket>[] {
  return [
    ...baseColumns(wide ? fullAddress : shortAddress),
    ...(debug ? debugColumns : []),
    ...(smcr ? smcrColumns : []),
    ...(smcd ? smcdColumns : []),
  ];
}

const ADDRESS_WIDTH = 23;

function fullAddress({ address, port }: Endpoint): string {
  return `${address ?? 'unknown'}:${port}`;
}

/** At most so many characters: the end of a longer address gives way to `..`, the port stays. */
export function addressText(endpoint: Endpoint, width: number): string {
  const text = fullAddress(endpoint);
  if (text.length <= width) return text;
  const port = String(endpoint.port);
  return `${endpoint.address?.slice(0, width - 3 - port.length)}..:${port}`;
}

const shortAddress = (endpoint: Endpoint): string => addressText(endpoint, ADDRESS_WIDTH);

const endpointJson = ({ address, port }: Endpoint): Made<SocketEnd> => ({ address: address ?? null, port });

/** Keys of the columns that only some options show. */
type DetailKey = 'shutdown' | 'connection' | 'link' | 'dmb' | 'cookie' | AddedKey;

/** Keys that options add: columns in additions.ts, and what only --watch knows. */
type AddedKey = 'rates' | 'ownership' | 'owners' | 'netns' | 'watched';

function baseColumns(
  endText: (endpoint: Endpoint) => string,
): DocumentColumns<SmcSocket, Omit<SocketRow, DetailKey>> {
  return documentColumns<SmcSocket, Omit<SocketRow, DetailKey>>()([
    {
      key: 'state',
      header: 'State          ',
      text: ({ state }) => `${stateName(state).padEnd(14)} `,
      json: ({ state }) => stateName(state),
    },
    {
      key: 'uid',
      header: 'UID   ',
      text: ({ uid }) => `${String(uid).padStart(5, '0')} `,
      json: ({ uid }) => uid,
    },
    {
      key: 'inode',
      header: 'Inode   ',
      text: ({ inode }) => `${String(inode).padStart(7, '0')} `,
      json: ({ inode }) => numberIfExact(inode),
    },
    { key: 'family', json: ({ addressFamily }) => addressFamily ?? null },
    {
      key: 'local',
      header: 'Local Address           ',
      text: ({ local }) => `${endText(local).padEnd(ADDRESS_WIDTH)} `,
      json: ({ local }) => endpointJson(local),
    },
    {
      key: 'peer',
      header: 'Peer Address            ',
      text: ({ peer }) => `${endText(peer).padEnd(ADDRESS_WIDTH)} `,
      json: ({ peer, state }) => (state === STATE_LISTEN ? null : endpointJson(peer)),
    },
    {
      key: 'interface',
      header: 'Intf ',
      text: ({ id }) => `${hex(id.interface, 4)} `,
      json: ({ id }) => (id.interface === 0 ? null : id.interface),
    },
    {
      key: 'mode',
      header: 'Mode ',
      text: (socket) => `${connectionMode(socket) ?? 'SMCR'} `,
      style: (socket) => {
        const mode = connectionMode(socket);
        return mode === 'TCP' ? 'bad' : mode === 'SMCD' ? 'info' : 'good';
      },
      json: (socket) => connectionMode(socket) ?? null,
    },
    {
      key: 'fallback',
      text: ({ mode, attributes: { fallback } }) =>
        connectionMode({ mode, state: 0 }) !== 'TCP' || !fallback
          ? ''
          : formatReasonCode(fallback.reason) +
            (fallback.peerDiagnosis === 0 ? '' : `/${formatReasonCode(fallback.peerDiagnosis)}`),
      style: () => 'bad',
      json: (socket) => {
        const { fallback } = socket.attributes;
        if (connectionMode(socket) !== 'TCP' || !fallback) return null;
        return {
          reason: namedReason(fallback.reason),
          peer_diagnosis: fallback.peerDiagnosis === 0 ? null : namedReason(fallback.peerDiagnosis),
        };
      },
    },
  ]);
}

type Connection = NonNullable<SmcSocket['attributes']['connection']>;
type Cursor = Connection['rxProd'];

const RECEIVE_SHUT = 1;
const SEND_SHUT = 2;

/** A column of the connection block; it stays empty when the kernel sent none. */
function connectionColumn(header: string, text: (connection: Connection) => string) {
  return {
    header,
    text: ({ attributes: { connection } }: SmcSocket) => (connection ? text(connection) : ''),
  };
}

const cursorText = ({ wrap, count }: Cursor): string => `${hex(wrap, 4)}:${hex(count, 8)} `;
const cursorJson = ({ wrap, count }: Cursor): Made<SocketCursor> => ({ wrap, count });
const flagText = (prod: number, state: number): string => `${hex(prod, 2)}:${hex(state, 2)}   `;

/** union smc_host_cursor flags, net/smc/smc_cdc.h */
const flagsJson = (prod: number, state: number): Made<SocketFlags> => ({
  producer: hex(prod, 2),
  connection: hex(state, 2),
  writer_blocked: Boolean(prod & 0x80),
  urgent_pending: Boolean(prod & 0x40),
  urgent_present: Boolean(prod & 0x20),
  update_requested: Boolean(prod & 0x10),
  failover_validation: Boolean(prod & 0x08),
  done_writing: Boolean(state & 0x80),
  closed: Boolean(state & 0x40),
  aborted: Boolean(state & 0x20),
});

const connectionJson = (c: Connection): Made<SocketConnection> => ({
  token: hex(c.token, 8),
  sndbuf_bytes: c.sndbufSize,
  rcvbuf_bytes: c.rmbeSize,
  peerbuf_bytes: c.peerRmbeSize,
  rx_prod: cursorJson(c.rxProd),
  rx_cons: cursorJson(c.rxCons),
  rx_flags: flagsJson(c.rxProdFlags, c.rxConnStateFlags),
  tx_prod: cursorJson(c.txProd),
  tx_cons: cursorJson(c.txCons),
  tx_flags: flagsJson(c.txProdFlags, c.txConnStateFlags),
  tx_prep: cursorJson(c.txPrep),
  tx_sent: cursorJson(c.txSent),
  tx_fin: cursorJson(c.txFin),
});

const debugColumns = documentColumns<SmcSocket, Pick<SocketRow, 'shutdown' | 'connection'>>()([
  {
    key: 'shutdown',
    header: 'Shutd ',
    text: ({ attributes: { shutdown = 0 } }) =>
      ` ${shutdown & RECEIVE_SHUT ? 'R' : '<'}-${shutdown & SEND_SHUT ? 'W' : '>'}  `,
    json: ({ attributes: { shutdown = 0 } }) => ({
      receive: Boolean(shutdown & RECEIVE_SHUT),
      send: Boolean(shutdown & SEND_SHUT),
    }),
  },
  connectionColumn('Token    ', ({ token }) => `${hex(token, 8)} `),
  connectionColumn('Sndbuf   ', ({ sndbufSize }) => `${hex(sndbufSize, 8)} `),
  connectionColumn('Rcvbuf   ', ({ rmbeSize }) => `${hex(rmbeSize, 8)} `),
  connectionColumn('Peerbuf  ', ({ peerRmbeSize }) => `${hex(peerRmbeSize, 8)} `),
  connectionColumn('rxprod-Cursor ', ({ rxProd }) => cursorText(rxProd)),
  connectionColumn('rxcons-Cursor ', ({ rxCons }) => cursorText(rxCons)),
  connectionColumn('rxFlags ', (c) => flagText(c.rxProdFlags, c.rxConnStateFlags)),
  connectionColumn('txprod-Cursor ', ({ txProd }) => cursorText(txProd)),
  connectionColumn('txcons-Cursor ', ({ txCons }) => cursorText(txCons)),
  connectionColumn('txFlags ', (c) => flagText(c.txProdFlags, c.txConnStateFlags)),
  connectionColumn('txprep-Cursor ', ({ txPrep }) => cursorText(txPrep)),
  connectionColumn('txsent-Cursor ', ({ txSent }) => cursorText(txSent)),
  connectionColumn('txfin-Cursor  ', ({ txFin }) => cursorText(txFin)),
  {
    key: 'connection',
    json: ({ attributes: { connection } }) => (connection ? connectionJson(connection) : null),
  },
]);

type Link = NonNullable<SmcSocket['attributes']['link']>;

/** A column of the link; it stays empty when the kernel sent none. */
function linkColumn(header: string, text: (link: Link) => string) {
  return { header, text: ({ attributes: { link } }: SmcSocket) => (link ? text(link) : '') };
}

/** Characters of an IPv6 address in full. */
const GID_WIDTH = 39;

const linkJson = (link: Link): Made<SocketLink> => ({
  role: linkRole(link.role),
  ib_device: link.ibName,
  ib_port: link.ibPort,
  link_id: hex(link.linkId, 2),
  gid: link.gid,
  peer_gid: link.peerGid,
});

const smcrColumns = documentColumns<SmcSocket, Pick<SocketRow, 'link'>>()([
  linkColumn('Role ', ({ role }) => `${linkRole(role).padStart(4)} `),
  linkColumn('IB-device       ', ({ ibName }) => `${printable(ibName).padEnd(15)} `),
  linkColumn('Port ', ({ ibPort }) => `${hex(ibPort, 2)}   `),
  linkColumn('Linkid ', ({ linkId }) => `${hex(linkId, 2)}     `),
  {
    ...linkColumn(`${'GID'.padEnd(GID_WIDTH)}  `, ({ gid }) => `${gid.padEnd(GID_WIDTH)}  `),
    width: GID_WIDTH,
  },
  { ...linkColumn('Peer-GID', ({ peerGid }) => peerGid), width: GID_WIDTH },
  { key: 'link', json: ({ attributes: { link } }) => (link ? linkJson(link) : null) },
]);

type Dmb = NonNullable<SmcSocket['attributes']['dmb']>;

/** A column of the buffers; it stays empty when the kernel sent none. */
function dmbColumn(header: string, text: (dmb: Dmb) => string) {
  return { header, text: ({ attributes: { dmb } }: SmcSocket) => (dmb ? text(dmb) : '') };
}

const dmbJson = (dmb: Dmb): Made<SocketDmb> => ({
  link_group_id: hex(dmb.linkId, 8),
  gid: hex(dmb.myGid, 16),
  token: hex(dmb.token, 16),
  peer_gid: hex(dmb.peerGid, 16),
  peer_token: hex(dmb.peerToken, 16),
  ext_gid: hexOrNull(dmb.myGidExt, 16),
  peer_ext_gid: hexOrNull(dmb.peerGidExt, 16),
});

const smcdColumns = documentColumns<SmcSocket, Pick<SocketRow, 'dmb'>>()([
  dmbColumn('GID              ', ({ myGid }) => `${hex(myGid, 16)} `),
  dmbColumn('Token            ', ({ token }) => `${hex(token, 16)} `),
  dmbColumn('Peer-GID         ', ({ peerGid }) => `${hex(peerGid, 16)} `),
  dmbColumn('Peer-Token       ', ({ peerToken }) => `${hex(peerToken, 16)} `),
  { ...dmbColumn('Linkid', ({ linkId }) => `${hex(linkId, 8)} `), width: 8 },
  { key: 'dmb', json: ({ attributes: { dmb } }) => (dmb ? dmbJson(dmb) : null) },
]);

/** All columns, for JSON. */
export const jsonColumns = documentColumns<SmcSocket, Omit<SocketRow, AddedKey>>()([
  ...baseColumns(fullAddress),
  ...debugColumns,
  ...smcrColumns,
  ...smcdColumns,
  { key: 'cookie', json: ({ id }) => hex(socketCookie(id), 16) },
]);
