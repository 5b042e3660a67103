// SPDX-License-Identifier: MIT
/** Columns that the C suite does not have. Loaded when an option asks for one. */
import type { SocketNamespace, SocketOwner, SocketRow } from '../../documents/smcss.ts';
import type { Container, SocketHolder } from '../../host/socket-owners.ts';
import type { Made } from '../../output/document.ts';
import {
  type Column,
  type DocumentColumns,
  documentColumns,
  printable,
  rowObject,
} from '../../output/table.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import { jsonColumns, lastColumns, rowEnd } from './columns.ts';
import type { SmcssOptions } from './options.ts';
import { rateColumns } from './rates.ts';

/** The C suite has no title for it, because nothing follows. */
const REASON_HEADER = 'Reason'.padEnd('0x05000000/0x03030000 '.length);

/**
 * The table of the C suite with columns behind it. For these to be below each other, a row that ends early there is
 * filled with blanks.
 */
export function withAdditions(
  columns: readonly Column<SeenSocket>[],
  options: SmcssOptions,
): Column<SeenSocket>[] {
  const last = lastColumns(columns);
  const filled = columns.map((column, at) => {
    const { text, key, width = 0 } = column;
    if (!text) return column;
    const title = key === 'fallback' ? REASON_HEADER : (column.header ?? '');
    const header = title.padEnd(width > 0 ? width + 1 : 0);
    return {
      ...column,
      header,
      text: (socket: SeenSocket): string =>
        (at > last[rowEnd(socket)] ? '' : text(socket)).padEnd(header.length),
    };
  });
  return [...filled, ...(addedColumns(options) as readonly Column<SeenSocket>[])];
}

/** A socket as JSON, with the fields of the options that are given. */
export function rowWithAdditions(options: SmcssOptions): (socket: SeenSocket) => Made<SocketRow> {
  const added = addedColumns(options);
  return (socket) => ({ ...rowObject(jsonColumns, socket), ...rowObject(added, socket) });
}

function addedColumns({ processes, allNetns, rates }: SmcssOptions): DocumentColumns<SeenSocket, Added> {
  return [
    ...(allNetns ? namespaceColumns : []),
    ...(rates === undefined ? [] : rateColumns),
    ...(processes ? ownerColumns : []),
  ] as readonly Column<SeenSocket>[] as DocumentColumns<SeenSocket, Added>;
}

type Added = Partial<Pick<SocketRow, 'rates' | 'ownership' | 'owners' | 'netns'>>;

export const containerJson = (container: Container | undefined): Made<SocketOwner['container']> =>
  container ? { runtime: container.runtime, id: container.id } : null;

export const ownerJson = ({ command, pid, fd, unit, container }: SocketHolder): Made<SocketOwner> => ({
  command: command ?? null,
  pid,
  fd,
  unit: unit ?? null,
  container: containerJson(container),
});

const ownerColumns = documentColumns<SeenSocket, Required<Pick<SocketRow, 'ownership' | 'owners'>>>()([
  {
    key: 'ownership',
    header: 'Owner',
    text: ownerText,
    json: ({ ownership }) => ownership?.state ?? 'unknown',
  },
  { key: 'owners', json: ({ ownership }) => ownership?.holders.map(ownerJson) ?? [] },
]);

/** Who holds the socket, or why nobody; '' if that was not asked for. */
export function ownerText({ ownership }: SeenSocket): string {
  if (!ownership) return '';
  return ownership.state === 'held' ? holdersText(ownership.holders) : ownership.state;
}

/** A process that holds a socket, or has held it: then its descriptor is not known. */
type Holder = Omit<SocketHolder, 'fd'> & { fd: number | undefined };

/** As ss(8) writes it, then each unit and each container once: `users:(("nginx",pid=1,fd=3)) unit:nginx.service`. */
export function holdersText(holders: readonly Holder[]): string {
  const users = holders.map(
    ({ command, pid, fd }) =>
      `("${quoted(command ?? '?')}",pid=${pid}${fd === undefined ? '' : `,fd=${fd}`})`,
  );
  const unitWords = holders.flatMap(({ unit }) => (unit === undefined ? [] : [`unit:${word(unit)}`]));
  const containers = holders.flatMap(({ container }) => (container ? [containerText(container)] : []));
  return [`users:(${users.join(',')})`, ...new Set([...unitWords, ...containers])].join(' ');
}

/** Digits of an identifier that engines show themselves. */
const SHORT_ID = 12;

/** `container:docker/4f0c2d1a9b3c` */
function containerText(container: Container): string {
  return `container:${container.runtime}/${shortId(container)}`;
}

const shortId = ({ id }: Container): string => word(/^[0-9a-f]{64}$/.test(id) ? id.slice(0, SHORT_ID) : id);

const escaped = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** A name between quotation marks that ends only at the second one. */
const quoted = (text: string): string => printable(text.replace(/["\\]/g, escaped));

/** A name without blanks, so that it is one word. */
export const word = (text: string): string => printable(text.replace(/ /g, escaped));

const NAMESPACE_HEADER = 'Netns'.padEnd(20);

const namespaceColumns = documentColumns<SeenSocket, Required<Pick<SocketRow, 'netns'>>>()([
  {
    key: 'netns',
    header: NAMESPACE_HEADER,
    text: ({ netns }) => `${namespaceText(netns).padEnd(NAMESPACE_HEADER.length - 1)} `,
    json: ({ netns }) => namespaceJson(netns),
  },
]);

export const namespaceJson = (netns: SeenSocket['netns']): Made<SocketNamespace> => ({
  name: netns?.name ?? null,
  container: containerJson(netns?.container),
  inode: netns?.inode ?? 0,
});

/** Its name, or `docker/4f0c2d1a9b3c`, or its inode. */
export function namespaceText(netns: SeenSocket['netns']): string {
  if (!netns) return '';
  const { name, container, inode } = netns;
  if (name !== undefined) return word(name);
  return container ? `${container.runtime}/${shortId(container)}` : String(inode);
}
