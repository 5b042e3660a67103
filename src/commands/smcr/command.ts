// SPDX-License-Identifier: MIT
/** smcr: inspects and configures SMC-R, which connects hosts through RDMA adapters. */
import { smcCommand } from '../smcd-smcr/smcd-smcr.ts';

export const smcr = smcCommand({
  name: 'smcr',
  summary:
    'Shows devices, link groups and statistics of SMC-R, and edits enterprise IDs and settings of SMC.',
  examples: [
    ['smcr device', 'RDMA devices, their ports and PNET IDs'],
    ['smcr -dd linkgroup link-show', 'links with their devices and addresses'],
    ['smcr linkgroup netdev eth0', 'link groups that use an interface'],
    ['smcr stats --interval 1', 'rates, one line per second'],
  ],
});
