// SPDX-License-Identifier: MIT
import { fallbackReasons, formatReasonCode } from '../fallback-reasons.ts';
import type { Host } from '../host.ts';
import { smcConnections, sum } from '../statistics.ts';
import { defineCheck } from './check.ts';

/** Share of connections that may fall back without a warning: peers without SMC are common. */
const TOLERATED = 0.1;
/** Reasons that are named. */
const TOP = 3;

/** Of the last reset, ISO 8601; `undefined` for none. */
export const resetTime = ({ statistics }: Pick<Host, 'statistics'>): string | undefined =>
  statistics.value?.baseline?.time;

/** "since the reset at 2026-01-01T00:00:00.000Z": what the counters of this host count from */
export function sinceText(host: Pick<Host, 'statistics' | 'isInitialNamespace'>): string {
  const time = resetTime(host);
  if (time !== undefined) return `since the reset at ${time}`;
  return `since ${host.isInitialNamespace === false ? 'this network namespace was created' : 'smc was loaded'}`;
}

/** Takes a warning away that counts what has been mended. */
export const COUNT_ANEW = 'to restart the counts: smcr stats reset';

/** What the fact `since` is. */
export const RESET_TIME = 'time of the reset, null without one';

interface ReasonCount {
  side: 'client' | 'server';
  code: number;
  count: number;
}

/** What became of the connections of this network namespace since the last reset. */
export const fallbacksCheck = defineCheck({
  id: 'fallbacks',
  about:
    "The share of the connections of this network namespace that became TCP, and the most frequent reasons. Connections are counted since this user's last `smcr stats reset`, or else since smc was loaded or the namespace was created; the finding says which. After you have fixed something, a reset therefore clears the warning. More than a tenth is a warning.",
  facts: {
    since: RESET_TIME,
    smc_connections: 'connections over SMC',
    tcp_connections: 'connections that became TCP',
    fallback_ratio: 'their share, from 0 to 1',
    reasons: [
      'the reasons, the most frequent first, each with',
      {
        side: '`client` or `server`, what this host was',
        code: 'reason code with the prefix 0x',
        name: "the kernel's name; null for an unknown code",
        count: 'number of connections',
      },
    ],
  },
  run({ host, pass, warn, unknown }) {
    if (!host.statistics.value)
      return [unknown(null, 'the statistics cannot be read', { reason: host.statistics.why })];
    const { smcd, smcr, fallbacks } = host.statistics.value.statistics;
    const smc = sum(smcConnections(smcd)) + sum(smcConnections(smcr));
    const tcp = fallbacks.client.total + fallbacks.server.total;
    const reasons = (['client', 'server'] as const)
      .flatMap((side) => fallbacks[side].reasons.map((reason): ReasonCount => ({ side, ...reason })))
      .sort((one, other) => other.count - one.count);
    const ratio = smc + tcp === 0n ? 0 : Number(tcp) / Number(smc + tcp);
    const facts = {
      since: resetTime(host) ?? null,
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
    if (smc + tcp === 0n) return [pass(null, `no connection was made ${sinceText(host)}`, { facts })];
    const finding = `${tcp} of ${smc + tcp} connections fell back to TCP (${Math.round(ratio * 100)} %) ${sinceText(host)}`;
    if (ratio <= TOLERATED) return [pass(null, finding, { facts })];
    return [
      warn(null, finding, {
        reason: reasons.slice(0, TOP).map(describe).join('; ') || null,
        fix: [reasons[0] && fallbackReasons.get(reasons[0].code)?.remedy, COUNT_ANEW]
          .filter(Boolean)
          .join('; '),
        facts,
      }),
    ];
  },
});

function describe({ side, code, count }: ReasonCount): string {
  const known = fallbackReasons.get(code);
  return `${count} as ${side}: ${formatReasonCode(code)} ${known ? `${known.name}, ${known.meaning}` : 'with unknown meaning'}`;
}

/** Handshakes that failed for good; such a connection is lost, not TCP. */
export const handshakeErrorsCheck = defineCheck({
  id: 'handshake-errors',
  about: 'Handshakes that failed and made their connections fail, counted like `fallbacks`.',
  facts: {
    since: RESET_TIME,
    client: 'failed handshakes of clients on this host',
    server: 'failed handshakes of servers on this host',
  },
  run({ host, warn }) {
    // that they cannot be read is said by the check of the fallbacks
    if (!host.statistics.value) return [];
    const { handshakeErrors } = host.statistics.value.statistics;
    const count = sum(handshakeErrors);
    if (count === 0n) return [];
    return [
      warn(null, `${count} handshakes failed ${sinceText(host)}, and so did their connections`, {
        reason: 'the peer went away, or an error occurred after both sides had agreed on SMC',
        fix: `read the kernel log of both hosts: dmesg | grep smc; ${COUNT_ANEW}`,
        facts: {
          since: resetTime(host) ?? null,
          client: handshakeErrors.client,
          server: handshakeErrors.server,
        },
      }),
    ];
  },
});
