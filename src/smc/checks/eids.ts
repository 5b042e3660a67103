// SPDX-License-Identifier: MIT

import type { Host } from '../host.ts';
import { counted, defineCheck } from './check.ts';

/** Enterprise IDs: version 2 of SMC needs one that both hosts have. */
export const ueidCheck = defineCheck({
  id: 'ueid',
  about:
    'Enterprise IDs. Version 2 of SMC requires one that both hosts have; on machines other than IBM Z, the lack of a common one is the usual cause of a fallback.',
  facts: {
    ueids: 'user-defined enterprise IDs',
    seid: 'enterprise ID of the machine; null if it has none',
    seid_enabled: 'whether it is offered',
  },
  run({ host, pass, warn, fail, unknown }) {
    const { ueids, seid } = host;
    if (!ueids.value) return [unknown(null, 'the UEIDs cannot be read', { reason: ueids.why })];
    const system = seid.value?.isEnabled ? seid.value.seid : '';
    const facts = {
      ueids: ueids.value,
      seid: seid.value?.seid || null,
      seid_enabled: seid.value?.isEnabled ?? false,
    };
    if (ueids.value.length > 0)
      return [
        pass(null, `${counted(ueids.value.length, 'UEID')}: ${ueids.value.join(', ')}`, {
          reason: 'the other host needs at least one of them, spelled the same',
          facts,
        }),
      ];
    const fix = 'smcd ueid add NAME, with the same NAME on every host';
    if (system)
      return [
        pass(null, `no UEID; the SEID ${system} is enough for SMC-D within this machine`, {
          reason: 'SMC-R version 2 would need a UEID',
          facts,
        }),
      ];
    if (hasVersion1Port(host))
      return [
        warn(null, 'no UEID: only version 1 of SMC-R can be used', {
          reason:
            'version 1 requires both hosts to be in one IP subnet; SMC-D over loopback-ism and SMC-R over RoCE v2 support version 2 only',
          fix,
          facts,
        }),
      ];
    return [
      fail(null, 'no UEID: no connection can use version 2 of SMC', {
        reason: host.isMainframe
          ? 'no SEID is in use either, and no RDMA port of this host can use version 1'
          : 'soft-RoCE and loopback-ism support version 2 only, which requires a UEID that both hosts have',
        fix,
        facts,
      }),
    ];
  },
});

/** An active RDMA port with an address of RoCE v1, which version 1 of SMC-R needs. */
function hasVersion1Port({ rdmaDevices }: Host): boolean {
  return rdmaDevices.some(({ ports }) =>
    ports.some(({ state, gids }) => state === 'ACTIVE' && gids.some(({ type }) => type !== 'v2')),
  );
}
