// SPDX-License-Identifier: MIT
/** Changes as JSON. */
import type { ChangeRow, KeptRow, ObstacleRow, PnetMemberRow } from '../../documents/smc_conf.ts';
import type { Made } from '../../output/document.ts';
import { changeText, keptText, obstacleText } from './change-text.ts';
import type { Change, Kept, Obstacle, PnetMember } from './changes.ts';

export function changeRow(change: Change): Made<ChangeRow> {
  return {
    action: change.what,
    text: changeText(change),
    namespace: change.namespace ?? null,
    pnet_id: 'pnetId' in change ? change.pnetId : null,
    entries:
      change.what === 'add-pnet'
        ? [memberRow(change.member)]
        : change.what === 'delete-pnet'
          ? change.members.map(memberRow)
          : [],
    ueid: 'ueid' in change ? change.ueid : null,
    name: 'name' in change ? change.name : 'unit' in change ? change.unit : null,
    from: change.what === 'set-sysctl' ? change.from : 'isEnabled' in change ? !change.isEnabled : null,
    to: change.what === 'set-sysctl' ? change.to : 'isEnabled' in change ? change.isEnabled : null,
  };
}

function memberRow(member: PnetMember): Made<PnetMemberRow> {
  if ('interface' in member) return { interface: member.interface, device: null, port: null };
  const { name, port } = member.device;
  return { interface: null, device: name, port };
}

export function keptRow(kept: Kept): Made<KeptRow> {
  return { text: keptText(kept), namespace: kept.namespace ?? null };
}

export function obstacleRow(obstacle: Obstacle): Made<ObstacleRow> {
  return { text: obstacleText(obstacle), namespace: obstacle.namespace ?? null };
}
