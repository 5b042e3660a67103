// SPDX-License-Identifier: MIT
/** Words for changes. */
import type { Change, Kept, Obstacle, PnetMember } from './changes.ts';
import type { ServiceSettings } from './configuration.ts';

/** `interface eth0`, `device mlx5_0 port 2`, `device loopback-ism` */
export function memberText(member: PnetMember): string {
  if ('interface' in member) return `interface ${member.interface}`;
  const { name, port, kind } = member.device;
  return kind === 'ism' ? `device ${name}` : `device ${name} port ${port}`;
}

/** What a change does, in the imperative: "add interface eth0 to PNET ID NET1". */
export function changeText(change: Change): string {
  return inNamespace(change.namespace, textOf(change));
}

const PAST: Readonly<Record<string, string>> = {
  add: 'added',
  delete: 'deleted',
  remove: 'removed',
  enable: 'enabled',
  disable: 'disabled',
  set: 'set',
  change: 'changed',
  make: 'made',
};

/** The same when it is done: "added interface eth0 to PNET ID NET1". */
export function doneText(change: Change): string {
  const text = textOf(change)
    .replace(/^[a-z]+/, (verb) => PAST[verb] ?? verb)
    .replace(/ \(now (.*)\)$/, ' (was $1)');
  return inNamespace(change.namespace, text);
}

function textOf(change: Change): string {
  switch (change.what) {
    case 'add-pnet':
      return `add ${memberText(change.member)} to PNET ID ${change.pnetId}${change.isAgain ? ' again' : ''}`;
    case 'delete-pnet':
      return `delete PNET ID ${change.pnetId}: ${change.members.map(memberText).join(', ')}`;
    case 'add-ueid':
      return `add UEID ${change.ueid}`;
    case 'remove-ueid':
      return `remove UEID ${change.ueid}`;
    case 'set-seid':
      return `${change.isEnabled ? 'enable' : 'disable'} the SEID`;
    case 'set-handshake-limit':
      return `${change.isEnabled ? 'enable' : 'disable'} the handshake limitation`;
    case 'set-sysctl':
      return `set ${change.name} to ${change.to || 'nothing'} (now ${change.from || 'nothing'})`;
    case 'enable-service':
      return `${change.from ? 'change how' : 'make'} ${change.unit} run${change.from ? 's' : ''} over SMC${settingsText(change.settings)}`;
    case 'disable-service':
      return `make ${change.unit} run over TCP`;
  }
}

/** What stays though the file lacks it: "interface eth1 in PNET ID NET1". */
export function keptText(kept: Kept): string {
  switch (kept.what) {
    case 'pnet':
      return inNamespace(kept.namespace, `${memberText(kept.member)} in PNET ID ${kept.pnetId}`);
    case 'ueid':
      return `UEID ${kept.ueid}`;
    case 'service':
      return `service ${kept.unit}`;
  }
}

/** "sysctl hs_ctrl cannot be set: this kernel does not have it" */
export function obstacleText({ namespace, object, reason }: Obstacle): string {
  if (object === undefined) return `network namespace ${namespace} cannot be set up: ${reason}`;
  return inNamespace(namespace, `${object} cannot be set: ${reason}`);
}

function inNamespace(namespace: string | undefined, text: string): string {
  return namespace === undefined ? text : `in network namespace ${namespace}: ${text}`;
}

function settingsText(settings: ServiceSettings): string {
  const words = Object.entries(settings)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name} ${value}`));
  return words.length > 0 ? ` (${words.join(', ')})` : '';
}
