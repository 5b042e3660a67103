// SPDX-License-Identifier: MIT
/** Configurations that follow from others: the state after changes, and the state to go back to. */
import { type Change, memberKey, type PnetMember, pnetEntries } from './changes.ts';
import type { Configuration, NamespaceSettings, PnetDevice, PnetNetwork } from './configuration.ts';

type PnetEntries = ReturnType<typeof pnetEntries>;

/** The state after changes have been made to `before`. */
export function stateAfter(before: Configuration, changes: readonly Change[]): Configuration {
  return changes.reduce(afterChange, before);
}

function afterChange(state: Configuration, change: Change): Configuration {
  const { namespace } = change;
  if (namespace !== undefined) {
    const namespaces = new Map(state.namespaces);
    namespaces.set(namespace, afterOwn(namespaces.get(namespace) ?? {}, change));
    return { ...state, namespaces };
  }
  switch (change.what) {
    case 'add-ueid':
      return { ...state, ueids: [...(state.ueids ?? []), change.ueid] };
    case 'remove-ueid': {
      const ueids = (state.ueids ?? []).filter((ueid) => ueid !== change.ueid);
      // the kernel keeps one EID at least, and falls back to the SEID
      return { ...state, ueids, ...(ueids.length === 0 && state.seid === false && { seid: true }) };
    }
    case 'set-seid':
      return { ...state, seid: change.isEnabled };
    case 'enable-service':
      return { ...state, services: new Map(state.services).set(change.unit, change.settings) };
    case 'disable-service': {
      const services = new Map(state.services);
      services.delete(change.unit);
      return { ...state, services };
    }
    default:
      return { ...state, ...afterOwn(state, change) };
  }
}

function afterOwn(state: NamespaceSettings, change: Change): NamespaceSettings {
  switch (change.what) {
    case 'add-pnet':
    case 'delete-pnet': {
      const entries = pnetEntries(state.pnet ?? new Map());
      if (change.what === 'add-pnet') entries.set(memberKey(change.member), change);
      else for (const [key, { pnetId }] of entries) if (pnetId === change.pnetId) entries.delete(key);
      return { ...state, pnet: tableOf(entries) };
    }
    case 'set-handshake-limit':
      return { ...state, handshakeLimit: change.isEnabled };
    case 'set-sysctl':
      return { ...state, sysctls: new Map(state.sysctls).set(change.name, change.to) };
    default:
      return state;
  }
}

function tableOf(entries: PnetEntries): Map<string, PnetNetwork> {
  const table = new Map<string, { interfaces: string[]; devices: PnetDevice[] }>();
  for (const { pnetId, member } of entries.values()) {
    const network = table.get(pnetId) ?? { interfaces: [], devices: [] };
    addMember(network, member);
    table.set(pnetId, network);
  }
  return table;
}

function addMember(network: { interfaces: string[]; devices: PnetDevice[] }, member: PnetMember): void {
  if ('interface' in member) network.interfaces.push(member.interface);
  else network.devices.push(member.device);
}

/**
 * The state to which going from `after` to `before` leads: what differs between the two is as in `before`, and
 * everything else stays as it is now.
 */
export function reverted(now: Configuration, before: Configuration, after: Configuration): Configuration {
  const ueids = new Map(
    differences(asMap(before.ueids), asMap(after.ueids), sameText).map(([ueid, was]) => [ueid, was]),
  );
  const namespaces = new Map(now.namespaces);
  for (const [name, settings] of now.namespaces ?? []) {
    const was = before.namespaces?.get(name);
    const became = after.namespaces?.get(name);
    if (was && became) namespaces.set(name, revertedOwn(settings, was, became));
  }
  return {
    ...revertedOwn(now, before, after),
    ueids: [
      ...(now.ueids ?? []).filter((ueid) => !ueids.has(ueid)),
      ...[...ueids].flatMap(([ueid, was]) => (was === undefined ? [] : [ueid])),
    ],
    seid: before.seid === after.seid ? now.seid : before.seid,
    services: patched(now.services, differences(before.services, after.services, sameJson)),
    namespaces,
  };
}

function revertedOwn(
  now: NamespaceSettings,
  before: NamespaceSettings,
  after: NamespaceSettings,
): NamespaceSettings {
  const entriesOf = ({ pnet }: NamespaceSettings): PnetEntries => pnetEntries(pnet ?? new Map());
  const entries = differences(entriesOf(before), entriesOf(after), (a, b) => a.pnetId === b.pnetId);
  return {
    pnet: tableOf(patched(entriesOf(now), entries)),
    handshakeLimit:
      before.handshakeLimit === after.handshakeLimit ? now.handshakeLimit : before.handshakeLimit,
    sysctls: patched(now.sysctls, differences(before.sysctls, after.sysctls, sameText)),
  };
}

const asMap = (list: readonly string[] | undefined): Map<string, string> =>
  new Map((list ?? []).map((text) => [text, text]));

const sameText = (one: string, other: string): boolean => one === other;
const sameJson = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Keys whose values differ, with the value of `before`; `undefined` where it has none. */
function differences<T>(
  before: ReadonlyMap<string, T> | undefined,
  after: ReadonlyMap<string, T> | undefined,
  isSame: (one: T, other: T) => boolean,
): [key: string, was: T | undefined][] {
  return [...new Set([...(before ?? new Map()).keys(), ...(after ?? new Map()).keys()])].flatMap((key) => {
    const was = before?.get(key);
    const became = after?.get(key);
    const isEqual = was === undefined || became === undefined ? was === became : isSame(was, became);
    return isEqual ? [] : [[key, was]];
  });
}

function patched<T>(
  now: ReadonlyMap<string, T> | undefined,
  changes: readonly [key: string, was: T | undefined][],
): Map<string, T> {
  const result = new Map(now);
  for (const [key, was] of changes)
    if (was === undefined) result.delete(key);
    else result.set(key, was);
  return result;
}
