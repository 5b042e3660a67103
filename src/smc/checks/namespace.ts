// SPDX-License-Identifier: MIT
import { rdmaNamespaceMode } from '../../host/network-namespace.ts';
import { defineCheck } from './check.ts';

/** Network namespaces: what of SMC belongs to one, and what to the host. */
export const namespaceCheck = defineCheck({
  id: 'namespace',
  about:
    'Whether this is the initial network namespace. Other namespaces have their own PNET table, settings, handshake limitation and statistics; PNET IDs of devices can be set only in the initial one.',
  facts: {
    initial: 'whether it is',
    rdma_mode: 'whether RDMA devices belong to single namespaces: `shared` or `exclusive`',
  },
  run({ host: { root, isInitialNamespace }, pass, warn, unknown }) {
    const mode = rdmaNamespaceMode(root);
    const facts = { initial: isInitialNamespace ?? null, rdma_mode: mode ?? null };
    if (isInitialNamespace === undefined)
      return [
        unknown(null, 'it is not known which network namespace this is', {
          reason: '/proc/sys/net/core cannot be read',
          facts,
        }),
      ];
    if (isInitialNamespace) return [pass(null, 'the initial network namespace', { facts })];
    const devices =
      mode === 'exclusive'
        ? 'an RDMA device is visible only in the namespace to which it was moved (rdma dev set DEVICE netns NAME)'
        : 'RDMA devices of the host can be used from here, but only by PNET ID: their own interfaces are in another namespace';
    return [
      warn(null, 'not the initial network namespace, as in a container', {
        reason:
          `it has a PNET table, settings net.smc.*, a handshake limitation and statistics of its own; PNET IDs of RDMA ` +
          `and ISM devices can be set in the initial one only; ${devices}`,
        fix: 'here: smc_pnet -a PNETID -I INTERFACE; in the initial namespace: smc_pnet -a PNETID -D DEVICE',
        facts,
      }),
    ];
  },
});
