// SPDX-License-Identifier: MIT
/**
 * What has to be done to get from one configuration to another: one change for each request to the kernel, in an order in
 * which a host keeps what works.
 */
import { SYSCTLS } from '../../smc/sysctls.ts';
import type {
  Configuration,
  NamespaceSettings,
  PnetDevice,
  PnetNetwork,
  ServiceSettings,
} from './configuration.ts';

/** What has a PNET ID: an interface or a port of a device. */
export type PnetMember = { interface: string } | { device: PnetDevice };

/** An addition to the PNET table; again, if `deletePnet` has just removed it. */
export type AddPnet = { what: 'add-pnet'; pnetId: string; member: PnetMember; isAgain: boolean };

/** The kernel deletes all entries of a PNET ID or none. Those that are to stay are added again right after. */
export type DeletePnet = { what: 'delete-pnet'; pnetId: string; members: readonly PnetMember[] };

/** One request to the kernel, or one service. */
export type Change = {
  /** network namespace by name; `undefined` for the one in which the command works */
  namespace: string | undefined;
} & (
  | AddPnet
  | DeletePnet
  | { what: 'add-ueid' | 'remove-ueid'; ueid: string }
  | { what: 'set-seid'; isEnabled: boolean }
  | { what: 'set-handshake-limit'; isEnabled: boolean }
  | { what: 'set-sysctl'; name: string; from: string; to: string }
  | { what: 'enable-service'; unit: string; settings: ServiceSettings; from: ServiceSettings | undefined }
  | { what: 'disable-service'; unit: string; from: ServiceSettings }
);

/** Something that the running system has and the wanted configuration does not, and that stays. */
export type Kept = { namespace: string | undefined } & (
  | { what: 'pnet'; pnetId: string; member: PnetMember }
  | { what: 'ueid'; ueid: string }
  | { what: 'service'; unit: string }
);

/** Something that is wanted and that this host cannot have at the moment. There is no change for it. */
export interface Obstacle {
  namespace: string | undefined;
  /** what is wanted: "sysctl smcr_max_send_wr"; `undefined` for all that a namespace is to have */
  object: string | undefined;
  /** a clause */
  reason: string;
}

export interface Plan {
  changes: Change[];
  kept: Kept[];
  obstacles: Obstacle[];
}

/** Entries that the table of UEIDs has room for, on mainline kernels. Only the order depends on it. */
export const UEID_ROOM = 4;

/**
 * Changes that lead from one configuration to the other. What `wanted` does not mention stays. Additions come before
 * removals: the SEID is switched on and UEIDs are added first, and UEIDs are removed last, but for those that must make
 * room. An entry of the PNET table that gets another PNET ID counts as a change, not as a removal.
 * @param running complete; what is `undefined` in it, this kernel or machine does not have
 * @param isPruning remove what `wanted` lacks in the sections that it has
 * @param detached entries of the table that have no effect, by `memberKey`; those that are wanted are made again
 */
export function changesBetween(
  running: Configuration,
  wanted: Configuration,
  { isPruning, detached = new Set() }: { isPruning: boolean; detached?: ReadonlySet<string> },
): Plan {
  const plan: Plan = { changes: [], kept: [], obstacles: [] };
  const host = (change: Unplaced<Change>): void => {
    plan.changes.push({ namespace: undefined, ...change });
  };
  const lacks = (object: string, reason: string): void => {
    plan.obstacles.push({ namespace: undefined, object, reason });
  };

  const seid = wanted.seid === running.seid ? undefined : wanted.seid;
  const canSwitch = running.seid !== undefined;
  if (seid && canSwitch) host({ what: 'set-seid', isEnabled: true });
  if (seid && !canSwitch)
    lacks('seid', 'this machine has no SEID, or does not show it without an ISM device');

  const ueids = ueidChanges(running.ueids ?? [], wanted.ueids, isPruning);
  for (const change of ueids.before) host(change);
  for (const ueid of ueids.kept) plan.kept.push({ namespace: undefined, what: 'ueid', ueid });

  namespaceChanges(plan, undefined, running, wanted, isPruning, detached);
  for (const [name, settings] of wanted.namespaces ?? []) {
    const present = running.namespaces?.get(name);
    if (present) namespaceChanges(plan, name, present, settings, isPruning, new Set());
    else
      plan.obstacles.push({
        namespace: name,
        object: undefined,
        reason: 'there is no network namespace of this name, or it cannot be entered',
      });
  }

  serviceChanges(plan, running.services, wanted.services, isPruning);
  for (const change of ueids.after) host(change);
  if (seid === false && canSwitch) host({ what: 'set-seid', isEnabled: false });
  return plan;
}

type Unplaced<C> = C extends unknown ? Omit<C, 'namespace'> : never;

type UeidChange = Unplaced<Extract<Change, { ueid: string }>>;

function ueidChanges(
  running: readonly string[],
  wanted: readonly string[] | undefined,
  isPruning: boolean,
): { before: UeidChange[]; after: UeidChange[]; kept: string[] } {
  if (!wanted) return { before: [], after: [], kept: [] };
  const missing = wanted.filter((ueid) => !running.includes(ueid));
  const surplus = running.filter((ueid) => !wanted.includes(ueid));
  const removable = isPruning ? [...surplus] : [];
  const before: UeidChange[] = [];
  let count = running.length;
  for (const ueid of missing) {
    // never the last one: the kernel would put the SEID in its place
    if (count >= UEID_ROOM && removable.length > 0) {
      before.push({ what: 'remove-ueid', ueid: removable.shift()! });
      count--;
    }
    before.push({ what: 'add-ueid', ueid });
    count++;
  }
  const after = removable.map((ueid): UeidChange => ({ what: 'remove-ueid', ueid }));
  return { before, after, kept: isPruning ? [] : surplus };
}

function namespaceChanges(
  plan: Plan,
  namespace: string | undefined,
  running: NamespaceSettings,
  wanted: NamespaceSettings,
  isPruning: boolean,
  detached: ReadonlySet<string>,
): void {
  const add = (change: Unplaced<Change>): void => {
    plan.changes.push({ namespace, ...change });
  };
  if (wanted.pnet) {
    const { changes, kept } = pnetChanges(running.pnet ?? new Map(), wanted.pnet, isPruning, detached);
    for (const change of changes) add(change);
    for (const entry of kept) plan.kept.push({ namespace, what: 'pnet', ...entry });
  }
  const { handshakeLimit } = wanted;
  if (handshakeLimit !== undefined && running.handshakeLimit === undefined)
    plan.obstacles.push({
      namespace,
      object: 'handshake_limit',
      reason: 'this kernel does not have it; it is available since Linux 5.18',
    });
  else if (handshakeLimit !== undefined && handshakeLimit !== running.handshakeLimit)
    add({ what: 'set-handshake-limit', isEnabled: handshakeLimit });
  for (const [name, to] of wanted.sysctls ?? []) {
    const from = running.sysctls?.get(name);
    const since = SYSCTLS.find((spec) => spec.name === name)?.since;
    if (from === undefined)
      plan.obstacles.push({
        namespace,
        object: `sysctl ${name}`,
        reason: `this kernel does not have it${since ? `; it is available since Linux ${since}` : ''}`,
      });
    else if (from !== to) add({ what: 'set-sysctl', name, from, to });
  }
}

interface PnetEntry {
  pnetId: string;
  member: PnetMember;
}

/** What the kernel finds an entry by. */
export function memberKey(member: PnetMember): string {
  return 'interface' in member
    ? `interface ${member.interface}`
    : `device ${member.device.name} ${member.device.port}`;
}

/** The entries of a table, by key. */
export function pnetEntries(table: ReadonlyMap<string, PnetNetwork>): Map<string, PnetEntry> {
  const entries = new Map<string, PnetEntry>();
  for (const [pnetId, { interfaces, devices }] of table)
    for (const member of [
      ...interfaces.map((name): PnetMember => ({ interface: name })),
      ...devices.map((device): PnetMember => ({ device })),
    ])
      entries.set(memberKey(member), { pnetId, member });
  return entries;
}

function pnetChanges(
  running: ReadonlyMap<string, PnetNetwork>,
  wanted: ReadonlyMap<string, PnetNetwork>,
  isPruning: boolean,
  detached: ReadonlySet<string>,
): { changes: (Unplaced<AddPnet> | Unplaced<DeletePnet>)[]; kept: PnetEntry[] } {
  const present = pnetEntries(running);
  const target = pnetEntries(wanted);
  const isDetached = (key: string): boolean => detached.has(key) && target.has(key);
  const kept: PnetEntry[] = [];
  if (!isPruning)
    for (const [key, entry] of present)
      if (!target.has(key)) {
        kept.push(entry);
        target.set(key, entry);
      }
  const toDelete = new Set(
    [...present]
      .filter(([key, { pnetId }]) => target.get(key)?.pnetId !== pnetId || isDetached(key))
      .map(([, at]) => at.pnetId),
  );
  let toAdd = [...target].filter(([key, { pnetId }]) => {
    const before = present.get(key);
    return !before || before.pnetId !== pnetId || toDelete.has(pnetId);
  });

  const changes: (AddPnet | DeletePnet)[] = [];
  /** Adds what can be added: its key is free, and its PNET ID will not be deleted any more. */
  const addAll = (): void => {
    const isBlocked = ([key, { pnetId }]: [string, PnetEntry]): boolean =>
      toDelete.has(pnetId) || toDelete.has(present.get(key)?.pnetId ?? '');
    for (const [key, { pnetId, member }] of toAdd.filter((entry) => !isBlocked(entry)))
      changes.push({
        what: 'add-pnet',
        pnetId,
        member,
        isAgain: present.get(key)?.pnetId === pnetId,
      });
    toAdd = toAdd.filter(isBlocked);
  };
  addAll();
  for (const pnetId of [...toDelete]) {
    const members = [...present.values()].filter((entry) => entry.pnetId === pnetId);
    changes.push({ what: 'delete-pnet', pnetId, members: members.map(({ member }) => member) });
    toDelete.delete(pnetId);
    addAll();
  }
  return { changes, kept };
}

function serviceChanges(
  plan: Plan,
  running: ReadonlyMap<string, ServiceSettings> | undefined,
  wanted: ReadonlyMap<string, ServiceSettings> | undefined,
  isPruning: boolean,
): void {
  if (!wanted) return;
  for (const [unit, settings] of wanted) {
    const from = running?.get(unit);
    if (!from || !isSameService(from, settings))
      plan.changes.push({ namespace: undefined, what: 'enable-service', unit, settings, from });
  }
  for (const [unit, from] of running ?? []) {
    if (wanted.has(unit)) continue;
    if (isPruning) plan.changes.push({ namespace: undefined, what: 'disable-service', unit, from });
    else plan.kept.push({ namespace: undefined, what: 'service', unit });
  }
}

/** Whether two services are run in the same way. */
function isSameService(one: ServiceSettings, other: ServiceSettings): boolean {
  const text = (settings: ServiceSettings): string =>
    JSON.stringify(
      Object.entries(settings)
        .filter(([, value]) => value !== false && !(Array.isArray(value) && value.length === 0))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return text(one) === text(other);
}
