// SPDX-License-Identifier: MIT
/** How connections began: over SMC, as a fallback to TCP, or not at all. */
import { fallbackReasons, formatReasonCode } from '../../../smc/fallback-reasons.ts';
import { counter } from '../metric.ts';
import { defineCollector } from './collector.ts';

const connections = counter({
  name: 'smc_connections_total',
  help: 'Connections that became SMC, by the version of the handshake.',
  labels: ['technology', 'role', 'version'],
});

const fallbacks = counter({
  name: 'smc_fallbacks_total',
  help: 'Connections that fell back to TCP.',
  labels: ['role'],
});

const reasons = counter({
  name: 'smc_fallback_reasons_total',
  help: 'Fallbacks by reason and by the side that finds it out. The kernel counts them in 16 bits, so they start again at 65536, and it keeps 36 reasons of each role.',
  labels: ['role', 'reason', 'side'],
});

const errors = counter({
  name: 'smc_handshake_errors_total',
  help: 'Handshakes that failed for good, without a fallback: the program got an error.',
  labels: ['role'],
});

const TECHNOLOGIES = ['smcr', 'smcd'] as const;
const ROLES = ['client', 'server'] as const;

export const handshakes = defineCollector({
  name: 'handshakes',
  about:
    'How connections began, counted by the kernel since the network namespace was made or smc was loaded.',
  onByDefault: true,
  needs: ['statistics'],
  metrics: [connections, fallbacks, reasons, errors],
  collect({ statistics: counted }, samples) {
    if (!counted) return;
    const { statistics } = counted;
    for (const technology of TECHNOLOGIES) {
      const { clientV1, clientV2, serverV1, serverV2 } = statistics[technology].connections;
      samples.add(connections, clientV1, { technology, role: 'client', version: '1' });
      samples.add(connections, clientV2, { technology, role: 'client', version: '2' });
      samples.add(connections, serverV1, { technology, role: 'server', version: '1' });
      samples.add(connections, serverV2, { technology, role: 'server', version: '2' });
    }
    for (const role of ROLES) samples.add(fallbacks, statistics.fallbacks[role].total, { role });
    for (const role of ROLES)
      for (const { code, count } of statistics.fallbacks[role].reasons)
        samples.add(reasons, count, { role, reason: reasonLabel(code), side: sideLabel(code) });
    for (const role of ROLES) samples.add(errors, statistics.handshakeErrors[role], { role });
  },
});

/** Name of a reason, or its code where it has none. */
const reasonLabel = (code: number): string => fallbackReasons.get(code)?.name ?? formatReasonCode(code);

/** The side that finds it out: `client`, `server`, `either`, `peer` or `nobody`; `unknown` for a code without a name. */
const sideLabel = (code: number): string => fallbackReasons.get(code)?.side ?? 'unknown';
