// SPDX-License-Identifier: MIT

import type { Host } from '../host.ts';
import { type Check, check } from './check.ts';

/** Whether connections may become TCP because handshakes queue up. */
export function checkHandshakeLimit({ isHandshakeLimited }: Host): Check[] {
  if (isHandshakeLimited.value === undefined)
    return [
      check('unknown', 'handshake-limit', null, 'the handshake limitation cannot be read', {
        reason: isHandshakeLimited.why,
      }),
    ];
  const facts = { enabled: isHandshakeLimited.value };
  if (!isHandshakeLimited.value)
    return [check('pass', 'handshake-limit', null, 'handshakes are not limited', { facts })];
  return [
    check('warning', 'handshake-limit', null, 'handshakes are limited: under load new connections use TCP', {
      reason: 'while SMC handshakes queue up, connections are completed as TCP instead of waiting',
      fix: 'smcd hs-limit disable, then restart the programs: sockets keep the setting they were created with',
      facts,
    }),
  ];
}
