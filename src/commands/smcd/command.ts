// SPDX-License-Identifier: MIT
/** smcd: inspects and configures SMC-D, which connects programs of one machine through shared memory. */
import { smcCommand } from '../smcd-smcr/smcd-smcr.ts';

export const smcd = smcCommand({
  name: 'smcd',
  summary:
    'Shows devices, link groups and statistics of SMC-D, and edits enterprise IDs and settings of SMC.',
  examples: [
    ['smcd info', 'what the kernel and the hardware support'],
    ['smcd -d linkgroup', 'link groups with all details'],
    ['smcd -d stats', 'how much runs over SMC-D, and why connections fell back'],
    ['smcd ueid add MY-PLEX', 'define an enterprise ID; do this on both hosts'],
  ],
});
