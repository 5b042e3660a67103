// SPDX-License-Identifier: MIT
/** The page: one document without a reference to anything outside of it, complete without a script. */
import { createHash } from 'node:crypto';
import type { OverviewDocument } from '../../../documents/smc_exporter-page.ts';
import { version } from '../../../version.ts';
import type { Assets } from './assets.ts';
import type { ChartPoint } from './chart-points.ts';
import { historyCharts } from './history-chart.ts';
import { Html, html } from './html.ts';
import { titleOf } from './page-title.ts';
import { type SectionId, sections } from './sections.ts';

export interface PageOptions {
  assets: Assets;
  /** the oldest first; fewer than two make no chart */
  history: readonly ChartPoint[];
  /** whether the page follows the readings of a server; otherwise it is a snapshot and has no script */
  isLive: boolean;
}

/** Two ends and a link. */
const ICON = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M4 8h8" stroke="#2563a8" stroke-width="2"/><circle cx="3.5" cy="8" r="2.5" fill="#2563a8"/><circle cx="12.5" cy="8" r="2.5" fill="#2563a8"/></svg>')}`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * What the browser may do with the page: apply its own style, run its own script, and ask its own server for readings.
 * uPlot sets styles of elements from a script, which is allowed in any case.
 */
function contentSecurityPolicy({ style, script }: Assets, isLive: boolean): string[] {
  return [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    'img-src data:',
    ...(isLive ? [`script-src ${hashOf(script)}`, "connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ];
}

/** Headers of the page. A file has the same policy in itself, apart from `frame-ancestors`, which only a header can have. */
export function pageHeaders(assets: Assets): Readonly<Record<string, string>> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': [...contentSecurityPolicy(assets, true), "frame-ancestors 'none'"].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  };
}

export function renderPage(overview: OverviewDocument, { assets, history, isLive }: PageOptions): string {
  const parts = sections(overview);
  const policy = contentSecurityPolicy(assets, isLive).join('; ');
  const card = (id: SectionId): Html =>
    html`<section class="card" id="${id}"${labelOf(id)}>${parts[id]}</section>`;
  const { text } = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="${ICON}">
<title>${titleOf(overview)}</title>
<style>${new Html(assets.style)}</style>
</head>
<body>
<header><p class="brand">SMC</p><p id="connection" role="status" data-state="${isLive ? 'waiting' : 'snapshot'}">${isLive ? 'updates itself where scripts may run' : 'a snapshot'}</p></header>
<p id="news" role="status" class="hidden"></p>
<main>
<section id="answer">${parts.answer}</section>
<div id="figures">${parts.figures}</div>
${(history.length > 1 || isLive) && html`<div id="charts">${historyCharts(history)}</div>`}
${card('fallbacks')}
${card('links')}
${card('findings')}
${card('devices')}
${card('connections')}
<section id="unseen">${parts.unseen}</section>
</main>
<footer><p>smc_exporter of smc-tools ${version}${isLive && html` · <a href="metrics">metrics</a>`}</p></footer>
${isLive && html`<script>${new Html(assets.script)}</script>`}
</body>
</html>
`;
  return text;
}

const labelOf = (id: SectionId): Html => new Html(` aria-labelledby="${id}-title"`);
