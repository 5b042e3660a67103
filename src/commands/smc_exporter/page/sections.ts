// SPDX-License-Identifier: MIT
/** The parts of the page that change with each reading. The browser renders them anew by the same code. */
import type {
  ConnectionRow,
  CountsByMode,
  DeviceRow,
  FallbackRow,
  OverviewDocument,
  OverviewFinding,
} from '../../../documents/smc_exporter-page.ts';
import { bytesText, countText, durationText, percentText, plural, rateText } from './format.ts';
import { type Html, html, type Part } from './html.ts';
import { linkPicture, linkTable } from './link-picture.ts';
import { totalOf } from './verdict.ts';

/** A part of the page, by the id of its element. */
export type SectionId =
  | 'answer'
  | 'figures'
  | 'fallbacks'
  | 'links'
  | 'findings'
  | 'connections'
  | 'devices'
  | 'unseen';

export function sections(overview: OverviewDocument): Readonly<Record<SectionId, Html>> {
  return {
    answer: answer(overview),
    figures: figures(overview),
    fallbacks: fallbacks(overview),
    links: links(overview),
    findings: findings(overview.findings),
    connections: connections(overview),
    devices: devices(overview),
    unseen: unseen(overview),
  };
}

const none = (text: string): Html => html`<p class="none">${text}</p>`;

/** For an empty list: that there is nothing in it, or that nobody knows. */
const nothing = (isRead: boolean, text: string): Html =>
  none(isRead ? text : 'This could not be read. The end of the page says why.');

/** Whether a part was read, or what of it the kernel told. @param part a word of its name in `unseen` */
const wasRead = ({ unseen }: OverviewDocument, part: string): boolean =>
  !unseen.some((row) => row.part.includes(part));

/** `HH:MM:SS UTC` and the day; the browser shows the time of the reader. */
const timeText = (time: string): Html =>
  html`<time datetime="${time}">${time.slice(0, 10)} ${time.slice(11, 19)} UTC</time>`;

function answer({ verdict, host, recorded, time }: OverviewDocument): Html {
  const where = [
    host.kernel && `Linux ${host.kernel}`,
    host.initial_namespace === false && 'a network namespace of its own',
  ].filter(Boolean);
  return html`<p class="question">Is SMC working on <bdi>${host.name ?? 'this host'}</bdi>?</p>
<h1 class="verdict" data-state="${verdict.state}">${verdict.sentence}</h1>
<p class="where">${where.join(', ')}${where.length > 0 && ' · '}${recorded ? 'recorded' : 'read'} ${timeText(time)}</p>${
    recorded &&
    html`
<p class="note">This page shows a bundle of smc_dbg: one moment of the host, so there are no rates and no history.</p>`
  }`;
}

const MODES = [
  ['smcr', 'SMC-R'],
  ['smcd', 'SMC-D'],
  ['tcp', 'TCP'],
] as const;

/** A bar whose parts are as wide as their shares; the numbers stand in the table beside it. */
function bar(counts: CountsByMode): Html | false {
  const all = totalOf(counts);
  if (all === 0) return false;
  let at = 0;
  const parts = MODES.map(([key]) => {
    const width = (100 * counts[key]) / all;
    const part = html`<rect class="${key}" x="${at.toFixed(3)}%" width="${width.toFixed(3)}%" height="100%"/>`;
    at += width;
    return counts[key] > 0 && part;
  });
  return html`<svg class="bar" aria-hidden="true" focusable="false">${parts}</svg>`;
}

function figures(overview: OverviewDocument): Html {
  const { sockets, recent, counted } = overview;
  const columns = [
    sockets && { title: 'open now', counts: sockets },
    recent && { title: `made in the last ${durationText(recent.seconds)}`, counts: recent },
    counted && { title: counted.since, counts: counted },
  ].filter((column) => column !== null);
  const cells = ({ counts }: (typeof columns)[number], key: keyof CountsByMode): Html => {
    const all = totalOf(counts);
    return html`<td>${countText(counts[key])}</td><td class="share">${all > 0 && percentText(counts[key] / all)}</td>`;
  };
  const bars = columns.map(({ title, counts }) => {
    const picture = bar(counts);
    return picture && html`<div class="bars"><span>${title}</span>${picture}</div>`;
  });
  return html`<div class="cards">
<section class="card" aria-labelledby="by-mode">
<h2 id="by-mode">What connections run over</h2>
${columns.length === 0 && none('Neither the sockets nor the counters can be read.')}${bars}${
  columns.length > 0 &&
  html`
<div class="scroll" tabindex="0" role="group" aria-labelledby="by-mode"><table id="modes">
<caption>Numbers of connections. Programs that do not ask for SMC are not counted.</caption>
<thead><tr><th scope="col">over</th>${columns.map(({ title }) => html`<th scope="colgroup" colspan="2">${title}</th>`)}</tr></thead>
<tbody>${MODES.map(
    ([key, name]) =>
      html`<tr data-mode="${key}"><th scope="row"><i class="key ${key}"></i>${name}</th>${columns.map((column) => cells(column, key))}</tr>`,
  )}</tbody></table></div>`
}
<p class="small">${sockets && `${plural(sockets.listening, 'socket')} ${sockets.listening === 1 ? 'listens' : 'listen'}. `}${sockets && !sockets.complete && 'The table of sockets changed while it was read, so these counts are not exact. '}${counted && counted.handshake_errors > 0 && `${plural(counted.handshake_errors, 'handshake')} failed for good.`}</p>
</section>
<section class="card" aria-labelledby="by-bytes">
<h2 id="by-bytes">Traffic</h2>
${trafficFigures(overview)}
</section>
</div>`;
}

const TECHNOLOGIES = [
  ['smcr', 'SMC-R'],
  ['smcd', 'SMC-D'],
] as const;

function trafficFigures({ traffic, counted, recorded }: OverviewDocument): Html {
  if (!traffic && !counted) return none('The kernel does not count bytes.');
  const rates = traffic && {
    received: traffic.smcr_rx_bytes_per_second + traffic.smcd_rx_bytes_per_second,
    sent: traffic.smcr_tx_bytes_per_second + traffic.smcd_tx_bytes_per_second,
  };
  const row = ([key, name]: (typeof TECHNOLOGIES)[number]): Html =>
    html`<tr data-technology="${name}"><th scope="row">${name}</th>${
      traffic &&
      html`<td>${rateText(traffic[`${key}_rx_bytes_per_second`])}</td><td>${rateText(traffic[`${key}_tx_bytes_per_second`])}</td>`
    }${counted && html`<td>${bytesText(counted[`${key}_rx_bytes`])}</td><td>${bytesText(counted[`${key}_tx_bytes`])}</td>`}</tr>`;
  const ways = html`<th scope="col">received</th><th scope="col">sent</th>`;
  return html`${
    rates
      ? html`<dl class="big"><div><dt>received</dt><dd>${rateText(rates.received)}</dd></div><div><dt>sent</dt><dd>${rateText(rates.sent)}</dd></div></dl>`
      : none(
          recorded
            ? 'No rates: a bundle has one reading, and a rate takes two.'
            : 'A rate takes two readings.',
        )
  }
<div class="scroll" tabindex="0" role="group" aria-labelledby="by-bytes"><table id="traffic"><caption>What connections over SMC have moved</caption>
<thead><tr><td></td>${traffic && html`<th scope="colgroup" colspan="2">last ${durationText(traffic.seconds)}</th>`}${counted && html`<th scope="colgroup" colspan="2">${counted.since}</th>`}</tr>
<tr><th scope="col">over</th>${traffic && ways}${counted && ways}</tr></thead>
<tbody>${TECHNOLOGIES.map(row)}</tbody></table></div>`;
}

/** A number that may not be known. */
const orDash = (value: number | null): Part => (value === null ? '–' : countText(value));

function fallbacks({ fallbacks: rows, recent, recorded, sockets, counted }: OverviewDocument): Html {
  const lately = recent && `last ${durationText(recent.seconds)}`;
  const row = ({ code, name, text, remedy, ...counts }: FallbackRow): Html =>
    html`<tr data-code="${code}"><th scope="row"><strong>${text ?? 'a reason that Linux does not know'}</strong> <span class="code">${name} ${code}</span>${remedy !== null && html`<span class="fix">Fix: ${remedy}</span>`}</th><td data-what="open">${orDash(counts.open)}</td>${lately !== null && html`<td data-what="recent">${orDash(counts.recent)}</td>`}<td data-what="client">${orDash(counts.client)}</td><td data-what="server">${orDash(counts.server)}</td></tr>`;
  return html`<h2 id="fallbacks-title">Why connections are TCP</h2>
${
  rows.length === 0
    ? nothing(
        sockets !== null || counted !== null,
        recorded ? 'No connection fell back.' : 'No connection has fallen back.',
      )
    : html`<div class="scroll" tabindex="0" role="group" aria-labelledby="fallbacks-title"><table>
<caption>Fallbacks by reason, and what to do about them</caption>
<thead><tr><th scope="col">reason</th><th scope="col">open</th>${lately !== null && html`<th scope="col">${lately}</th>`}<th scope="col">as client</th><th scope="col">as server</th></tr></thead>
<tbody>${rows.map(row)}</tbody></table></div>${
        rows.some(({ name }) => name === 'PEERDECL') &&
        html`
<p class="small">If the peer declined, the kernel counts PEERDECL. For open connections, the peer's reason is known and shown.</p>`
      }`
}`;
}

function links(overview: OverviewDocument): Html {
  const { link_groups: groups } = overview;
  return html`<h2 id="links-title">Link groups</h2>
${groups.length === 0 ? nothing(wasRead(overview, 'link groups'), 'There is no link group: no connection runs over SMC.') : [linkPicture(groups), linkTable(groups)]}`;
}

function findings(rows: readonly OverviewFinding[] | null): Html {
  const row = ({ id, subject, status, finding, reason, fix }: OverviewFinding): Html =>
    html`<li data-check="${id}"><p><span class="status ${status}">${status}</span> <strong>${finding}</strong> <span class="code">${id}${subject !== null && ` ${subject}`}</span></p>${reason !== null && html`<p>Reason: ${reason}</p>`}${fix !== null && html`<p>Fix: ${fix}</p>`}</li>`;
  const list = (some: readonly OverviewFinding[]): Html => html`<ul class="findings">${some.map(row)}</ul>`;
  const known = (rows ?? []).filter(({ status }) => status !== 'unknown');
  const unknown = (rows ?? []).filter(({ status }) => status === 'unknown');
  return html`<h2 id="findings-title">System check</h2>
${rows === null ? none('The check was not run.') : known.length === 0 ? none('No check has found a problem.') : list(known)}
${unknown.length > 0 && html`<details id="unknown-findings"><summary>${plural(unknown.length, 'result')} unknown</summary>${list(unknown)}</details>`}
<p class="small">smc_chk --all prints the whole list, including what passed.</p>`;
}

const MODE_NAMES = { SMCR: 'SMC-R', SMCD: 'SMC-D', TCP: 'TCP' } as const;

function connections({ connections: rows, recorded, sockets }: OverviewDocument): Html {
  const hasRates = rows.some(
    ({ rx_bytes_per_second: rx, tx_bytes_per_second: tx }) => rx !== null || tx !== null,
  );
  const hasOwners = rows.some(({ owners }) => owners.length > 0);
  const rate = (value: number | null): Part => (value === null ? '–' : rateText(value));
  const row = (connection: ConnectionRow): Html =>
    html`<tr><th scope="row"><span class="address">${connection.local}</span> <span class="address">${connection.peer}</span></th><td>${MODE_NAMES[connection.mode]}${connection.reason && html`<span class="code">${connection.reason.name ?? connection.reason.code}</span>`}</td><td>${connection.state}</td>${hasRates && html`<td class="rate">${rate(connection.rx_bytes_per_second)}</td><td class="rate">${rate(connection.tx_bytes_per_second)}</td><td class="rate">${connection.rx_buffer_fill === null ? '–' : percentText(connection.rx_buffer_fill)}</td>`}${hasOwners && html`<td class="owner">${ownersText(connection)}</td>`}</tr>`;
  const all = sockets ? totalOf(sockets) : rows.length;
  return html`<h2 id="connections-title">${hasRates ? 'Busiest connections' : 'Connections'}</h2>
${
  rows.length === 0
    ? nothing(sockets !== null, 'There is no connection.')
    : html`<div class="scroll" tabindex="0" role="group" aria-labelledby="connections-title"><table>
<caption>${rows.length < all ? `${rows.length} of ${countText(all)}` : `${plural(all, 'connection')}`}${recorded && ', without rates: a bundle shows one moment'}</caption>
<thead><tr><th scope="col">here, and peer</th><th scope="col">over</th><th scope="col">state</th>${hasRates && html`<th scope="col" class="rate">received</th><th scope="col" class="rate">sent</th><th scope="col" class="rate">unread</th>`}${hasOwners && html`<th scope="col">owner</th>`}</tr></thead>
<tbody>${rows.map(row)}</tbody></table></div>`
}`;
}

const ownersText = ({ owners }: ConnectionRow): Part =>
  owners.map(
    ({ command, pid, unit }) =>
      html`<span><bdi>${command ?? '?'}</bdi> ${pid}${unit !== null && html` <bdi class="code">${unit}</bdi>`}</span>`,
  );

function devices(overview: OverviewDocument): Html {
  const { devices: rows } = overview;
  const row = (device: DeviceRow): Html =>
    html`<tr><th scope="row"><bdi>${device.name}</bdi>${device.port !== null && ` port ${device.port}`}</th><td>${device.technology}</td><td><bdi>${device.interface ?? '–'}</bdi></td><td>${device.state === null ? '–' : html`<span class="${device.state === 'ACTIVE' ? 'good' : 'bad'}">${device.state}</span>`}</td><td>${device.software ? 'software' : (device.rate ?? '–')}</td><td><bdi>${device.pnet_id ?? '–'}</bdi></td><td>${orDash(device.used_by)}</td></tr>`;
  return html`<h2 id="devices-title">Devices</h2>
${
  rows.length === 0
    ? nothing(wasRead(overview, 'devices'), 'There is no device that SMC can use.')
    : html`<div class="scroll" tabindex="0" role="group" aria-labelledby="devices-title"><table>
<caption>Ports of RDMA devices for SMC-R, and ISM devices for SMC-D</caption>
<thead><tr><th scope="col">device</th><th scope="col">for</th><th scope="col">interface</th><th scope="col">state</th><th scope="col">rate</th><th scope="col">PNET ID</th><th scope="col">links</th></tr></thead>
<tbody>${rows.map(row)}</tbody></table></div>`
}`;
}

function unseen({ unseen: rows }: OverviewDocument): Html {
  return html`${
    rows.length > 0 &&
    html`<h2 id="unseen-title">What could not be read</h2>
<ul class="plain">${rows.map(({ part, why }) => html`<li><strong>${part}</strong>: ${why}</li>`)}</ul>`
  }`;
}
