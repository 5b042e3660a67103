// SPDX-License-Identifier: MIT
/**
 * Link groups as a picture: this host on the left, its peers on the right, a line for each link. Text in it keeps its size:
 * places are shares of the width, and only the height is in pixels, so that it can be read on a phone.
 */
import type { LinkGroupRow, LinkRow } from '../../../documents/smc_exporter-page.ts';
import { bytesText, countText, plural, shortGid } from './format.ts';
import { type Html, html } from './html.ts';

/** More are in the table only. */
const MOST_GROUPS = 16;

/** Heights in pixels. */
const LINK = 46;
const HEAD = 26;
const GAP = 12;

/** Shares of the width: boxes of this host and of the peers. */
const BOX = 36;
const PEER_X = 100 - BOX;

/** A link is as good as its state; SMC-D has none. */
const isUp = ({ state }: LinkRow): boolean => state === null || state === 'LINK_ACTIVE';

const stateText = ({ state }: LinkRow): string =>
  state === null ? 'direct' : state.replace('LINK_', '').toLowerCase();

const peerName = ({ peer_host: host }: LinkGroupRow): string => host ?? 'peer without a name';

/** Only SMC-R can have several links. */
const isRedundant = ({ technology, links }: LinkGroupRow): boolean =>
  technology === 'SMC-D' || links.filter(isUp).length > 1;

function captionOf(groups: readonly LinkGroupRow[], hidden: number): Html | false {
  const single = groups.filter((group) => !isRedundant(group)).length;
  const texts = [
    hidden > 0 && `${plural(hidden, 'more link group')} ${hidden === 1 ? 'is' : 'are'} in the table.`,
    single > 0 &&
      `${plural(single, 'group')} of SMC-R ${single === 1 ? 'has' : 'have'} no second link that works: if the link fails, the connections end.`,
  ].filter((text) => text !== false);
  return texts.length > 0 && html`<figcaption class="small">${texts.join(' ')}</figcaption>`;
}

export function linkPicture(groups: readonly LinkGroupRow[]): Html {
  const shown = groups.slice(0, MOST_GROUPS);
  const byPeer = new Map<string, LinkGroupRow[]>();
  for (const group of shown) byPeer.set(peerName(group), [...(byPeer.get(peerName(group)) ?? []), group]);
  let y = HEAD;
  const parts: Html[] = [];
  for (const [name, theirs] of byPeer) {
    const top = y;
    y += HEAD;
    for (const group of theirs) {
      for (const [index, link] of (group.links.length > 0 ? group.links : [NO_LINK]).entries()) {
        parts.push(linkLine(link, y, index === 0 ? groupText(group) : ''));
        y += LINK;
      }
    }
    parts.push(
      html`<g class="box"><rect x="${PEER_X}%" y="${top}" width="${BOX}%" height="${y - top}" rx="6"/><svg x="${PEER_X}%" y="${top}" width="${BOX - 2}%" height="${HEAD}"><text x="10" y="18" class="name">${name}</text></svg></g>`,
    );
    y += GAP;
  }
  const height = y - GAP;
  return html`<figure>
<svg class="links" role="img" aria-labelledby="picture-title picture-text" width="100%" height="${height + 1}">
<title id="picture-title">Link groups of this host</title>
<desc id="picture-text">${shown.map(inWords).join(' ')}</desc>
<g class="box"><rect x="0" y="${HEAD}" width="${BOX}%" height="${height - HEAD}" rx="6"/><text x="0" dx="10" y="${HEAD + 18}" class="name">this host</text></g>
<text x="0" y="14" class="head">devices here</text><text x="${PEER_X}%" y="14" class="head">peers</text>
${parts.reverse()}
</svg>
${captionOf(groups, groups.length - shown.length)}
</figure>`;
}

const NO_LINK: LinkRow = {
  link_id: null,
  device: 'no link',
  port: null,
  interface: null,
  gid: null,
  peer_gid: null,
  state: 'LINK_INACTIVE',
  connections: 0,
};

/** Short enough for the box of the peer. */
const groupText = ({ technology, link_group_id: id }: LinkGroupRow): string =>
  `${technology} ${id.replace(/^0+(?=.{3})/, '')}`;

function linkLine(link: LinkRow, y: number, group: string): Html {
  const middle = y + LINK / 2;
  const device = `${link.device}${link.port === null ? '' : `/${link.port}`}`;
  const here = link.interface ?? gidText(link.gid);
  return html`<g class="link ${isUp(link) ? 'up' : 'down'}"><line x1="${BOX}%" x2="${PEER_X}%" y1="${middle}" y2="${middle}"/><circle cx="${BOX}%" cy="${middle}" r="4"/><circle cx="${PEER_X}%" cy="${middle}" r="4"/><text x="50%" y="${middle - 6}" class="middle state">${stateText(link)}</text><text x="50%" y="${middle + 15}" class="middle">${link.connections === null ? '' : `${countText(link.connections)} conn.`}</text></g>${boxText(0, y, device, here)}${boxText(PEER_X, y, group, gidText(link.peer_gid))}`;
}

const gidText = (gid: string | null): string => (gid === null ? '' : shortGid(gid));

/** Two lines in a box, cut off at its edge. */
const boxText = (x: number, y: number, first: string, second: string): Html =>
  html`<svg x="${x}%" y="${y}" width="${BOX - 2}%" height="${LINK}"><text x="10" y="${LINK / 2 - 3}">${first}</text><text x="10" y="${LINK / 2 + 12}" class="dim">${second}</text></svg>`;

/** What the picture shows, for those who do not see it. */
function inWords(group: LinkGroupRow): string {
  const links = group.links.map(
    (link) =>
      `${link.device}${link.port === null ? '' : ` port ${link.port}`}${link.interface === null ? '' : ` on ${link.interface}`}, ${stateText(link)}`,
  );
  return `${group.technology} group ${group.link_group_id} with ${peerName(group)}, ${plural(group.connections ?? 0, 'connection')}: ${links.join('; ') || 'no link'}.`;
}

/** Everything that the picture has no room for. */
export function linkTable(groups: readonly LinkGroupRow[]): Html {
  const rows = groups.flatMap((group) =>
    (group.links.length > 0 ? group.links : [NO_LINK]).map((link, at) => ({
      group,
      link,
      isFirst: at === 0,
    })),
  );
  return html`<details id="link-table"><summary>All link groups as a table</summary>
<div class="scroll" tabindex="0" role="group" aria-labelledby="links-title"><table>
<caption>Link groups and their links</caption>
<thead><tr><th scope="col">group</th><th scope="col">peer</th><th scope="col">version</th><th scope="col">type</th><th scope="col">PNET ID</th><th scope="col">EID</th><th scope="col">buffers</th><th scope="col">link</th><th scope="col">device</th><th scope="col">state</th><th scope="col">connections</th><th scope="col">addresses, here and peer</th></tr></thead>
<tbody>${rows.map(tableRow)}</tbody></table></div></details>`;
}

function tableRow({ group, link, isFirst }: { group: LinkGroupRow; link: LinkRow; isFirst: boolean }): Html {
  const device = `${link.device}${link.port === null ? '' : ` port ${link.port}`}`;
  const ofGroup = isFirst
    ? html`<th scope="row">${group.technology} ${group.link_group_id}</th><td><bdi>${group.peer_host ?? '–'}</bdi> ${group.peer_os ?? ''}</td><td>${group.version}</td><td>${[group.role, group.type].filter(Boolean).join(' ') || '–'}</td><td><bdi>${group.pnet_id ?? '–'}</bdi></td><td><bdi>${group.eid ?? '–'}</bdi></td><td>${group.buffer_bytes === null ? '–' : bytesText(group.buffer_bytes)}</td>`
    : html`<th scope="row">${group.technology} ${group.link_group_id}</th><td colspan="6"></td>`;
  return html`<tr data-group="${group.link_group_id}">${ofGroup}<td>${link.link_id ?? '–'}</td><td><bdi>${device}</bdi>${link.interface !== null && html` <bdi class="code">${link.interface}</bdi>`}</td><td>${link.state ?? '–'}</td><td>${link.connections === null ? '–' : countText(link.connections)}</td><td class="gids"><span>${link.gid ?? '–'}</span> <span>${link.peer_gid ?? '–'}</span></td></tr>`;
}
