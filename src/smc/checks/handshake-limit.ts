// SPDX-License-Identifier: MIT
import { defineCheck } from './check.ts';

/** Whether connections may become TCP because handshakes queue up. */
export const handshakeLimitCheck = defineCheck({
  id: 'handshake-limit',
  about: 'Whether connections become TCP when handshakes queue up.',
  facts: { enabled: 'whether they do' },
  run({ host: { isHandshakeLimited }, pass, warn, unknown }) {
    if (isHandshakeLimited.value === undefined)
      return [
        unknown(null, 'the handshake limitation cannot be read', {
          reason: isHandshakeLimited.why,
        }),
      ];
    const facts = { enabled: isHandshakeLimited.value };
    if (!isHandshakeLimited.value) return [pass(null, 'handshakes are not limited', { facts })];
    return [
      warn(null, 'handshakes are limited: under load new connections use TCP', {
        reason: 'while SMC handshakes queue up, connections are completed as TCP instead of waiting',
        fix: 'smcd hs-limit disable, then restart the programs: sockets keep the setting they were created with',
        facts,
      }),
    ];
  },
});
