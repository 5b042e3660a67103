// SPDX-License-Identifier: MIT
import { fallbackReasons, formatReasonCode } from '../fallback-reasons.ts';
import type { Host } from '../host.ts';
import { type Statistics, smcConnections, sum } from '../statistics.ts';
import { type Check, check } from './check.ts';

/** Share of connections that may fall back without a warning: peers without SMC are common. */
const TOLERATED = 0.1;
/** Reasons that are named. */
const TOP = 3;

/** From when the counters count. */
interface Since {
  /** of the last reset, ISO 8601; `undefined` for none */
  resetTime: string | undefined;
  isInitialNamespace: boolean | undefined;
}

/** "since the reset at 2026-01-01T00:00:00.000Z": what the counters of this host count from */
export function sinceText({ resetTime, isInitialNamespace }: Since): string {
  if (resetTime !== undefined) return `since the reset at ${resetTime}`;
  return `since ${isInitialNamespace === false ? 'this network namespace was created' : 'smc was loaded'}`;
}

/** Takes a warning away that counts what has been mended. */
export const COUNT_ANEW = 'to restart the counts: smcr stats reset';

/** What became of the connections of this network namespace since the last reset. */
export function checkStatistics({ statistics, isInitialNamespace }: Host): Check[] {
  if (!statistics.value)
    return [check('unknown', 'fallbacks', null, 'the statistics cannot be read', { reason: statistics.why })];
  const { statistics: counters, baseline } = statistics.value;
  const since = { resetTime: baseline?.time, isInitialNamespace };
  return [checkFallbacks(counters, since), ...checkHandshakeErrors(counters, since)];
}

interface ReasonCount {
  side: 'client' | 'server';
  code: number;
  count: number;
}

function checkFallbacks({ smcd, smcr, fallbacks }: Statistics, since: Since): Check {
  const smc = sum(smcConnections(smcd)) + sum(smcConnections(smcr));
  const tcp = fallbacks.client.total + fallbacks.server.total;
  const reasons = (['client', 'server'] as const)
    .flatMap((side) => fallbacks[side].reasons.map((reason): ReasonCount => ({ side, ...reason })))
    .sort((one, other) => other.count - one.count);
  const ratio = smc + tcp === 0n ? 0 : Number(tcp) / Number(smc + tcp);
  const facts = {
    since: since.resetTime ?? null,
    smc_connections: smc,
    tcp_connections: tcp,
    fallback_ratio: ratio,
    reasons: reasons.map(({ side, code, count }) => ({
      side,
      code: formatReasonCode(code),
      name: fallbackReasons.get(code)?.name ?? null,
      count,
    })),
  };
  if (smc + tcp === 0n)
    return check('pass', 'fallbacks', null, `no connection was made ${sinceText(since)}`, { facts });
  const finding = `${tcp} of ${smc + tcp} connections fell back to TCP (${Math.round(ratio * 100)} %) ${sinceText(since)}`;
  if (ratio <= TOLERATED) return check('pass', 'fallbacks', null, finding, { facts });
  return check('warning', 'fallbacks', null, finding, {
    reason: reasons.slice(0, TOP).map(describe).join('; ') || null,
    fix: [reasons[0] && fallbackReasons.get(reasons[0].code)?.remedy, COUNT_ANEW].filter(Boolean).join('; '),
    facts,
  });
}

function describe({ side, code, count }: ReasonCount): string {
  const known = fallbackReasons.get(code);
  return `${count} as ${side}: ${formatReasonCode(code)} ${known ? `${known.name}, ${known.meaning}` : 'with unknown meaning'}`;
}

/** Handshakes that failed for good; such a connection is lost, not TCP. */
function checkHandshakeErrors({ handshakeErrors }: Statistics, since: Since): Check[] {
  const count = sum(handshakeErrors);
  if (count === 0n) return [];
  return [
    check(
      'warning',
      'handshake-errors',
      null,
      `${count} handshakes failed ${sinceText(since)}, and so did their connections`,
      {
        reason: 'the peer went away, or an error occurred after both sides had agreed on SMC',
        fix: `read the kernel log of both hosts: dmesg | grep smc; ${COUNT_ANEW}`,
        facts: {
          since: since.resetTime ?? null,
          client: handshakeErrors.client,
          server: handshakeErrors.server,
        },
      },
    ),
  ];
}
