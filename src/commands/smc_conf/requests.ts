// SPDX-License-Identifier: MIT
/** Makes changes: one request to the kernel each, or the files of one service. */
import type { SmcClient } from '../../smc/client.ts';
import { SmcError } from '../../smc/error.ts';
import { setSysctl } from '../../smc/sysctls.ts';
import { makeServiceChange, planDisable, planEnable } from '../services/changes.ts';
import type { Change } from './changes.ts';
import { inNamespace, type Source } from './running.ts';
import { conversionOf } from './services.ts';

/**
 * Makes one change.
 * @returns what else has happened, in a clause
 * @throws SmcError; NetlinkError; UntrustedError; Node's own error
 */
export async function makeChange(change: Change, source: Source): Promise<string | undefined> {
  if (change.what === 'enable-service') {
    makeServiceChange(
      planEnable(change.unit, conversionOf(change.settings), source.hostRoot),
      source.hostRoot,
    );
    return undefined;
  }
  if (change.what === 'disable-service') {
    makeServiceChange(planDisable(change.unit, source.hostRoot), source.hostRoot);
    return undefined;
  }
  if (change.namespace === undefined) return request(change, await source.client(), source);
  const done = await inNamespace(change.namespace, source, async (client) => ({
    remark: await request(change, client, source),
  }));
  if (typeof done === 'string') throw new SmcError('NOT_FOUND', done);
  return done.remark;
}

/** What the kernel is asked for. */
type Request = Exclude<Change, { unit: string }>;

async function request(
  change: Request,
  client: SmcClient,
  { hostRoot }: Source,
): Promise<string | undefined> {
  switch (change.what) {
    case 'add-pnet': {
      const { pnetId, member } = change;
      if ('interface' in member) await client.pnet.add({ pnetId, ethName: member.interface });
      else await client.pnet.add({ pnetId, ibName: member.device.name, ibPort: member.device.port });
      return undefined;
    }
    case 'delete-pnet':
      await client.pnet.remove(change.pnetId);
      return undefined;
    case 'add-ueid':
      await client.ueids.add(change.ueid);
      return undefined;
    case 'remove-ueid': {
      const { seidTookOver } = await client.ueids.remove(change.ueid);
      return seidTookOver ? 'no UEID is left: the kernel has enabled the SEID' : undefined;
    }
    case 'set-seid':
      await client.seid.set(change.isEnabled);
      return undefined;
    case 'set-handshake-limit':
      await client.handshakeLimit.set(change.isEnabled);
      return undefined;
    case 'set-sysctl':
      setSysctl(change.name, change.to, hostRoot);
      return undefined;
  }
}
