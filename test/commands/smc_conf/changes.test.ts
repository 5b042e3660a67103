// SPDX-License-Identifier: MIT
// What has to be done to get from one configuration to another, and in which order.
import t from 'tap';
import { changeText, keptText, obstacleText } from '../../../src/commands/smc_conf/change-text.ts';
import { type Change, changesBetween, memberKey } from '../../../src/commands/smc_conf/changes.ts';
import type { Configuration, PnetDevice, PnetNetwork } from '../../../src/commands/smc_conf/configuration.ts';
import { random } from '../../helpers/random.ts';

const rdma = (name: string, port = 1): PnetDevice => ({ name, port, kind: 'rdma' });
const ism = (name: string): PnetDevice => ({ name, port: 1, kind: 'ism' });
const network = (interfaces: string[], devices: PnetDevice[] = []): PnetNetwork => ({ interfaces, devices });
const table = (ids: Record<string, PnetNetwork>): Map<string, PnetNetwork> => new Map(Object.entries(ids));

/** A host on which nothing is set up. */
const BARE: Configuration = {
  pnet: new Map(),
  handshakeLimit: false,
  sysctls: new Map([
    ['wmem', '65536'],
    ['rmem', '65536'],
  ]),
  ueids: [],
  namespaces: new Map(),
};

/** What is done, kept and impossible, in words. */
function words(
  running: Configuration,
  wanted: Configuration,
  isPruning = false,
): { changes: string[]; kept: string[]; obstacles: string[] } {
  const { changes, kept, obstacles } = changesBetween({ ...BARE, ...running }, wanted, { isPruning });
  return {
    changes: changes.map(changeText),
    kept: kept.map(keptText),
    obstacles: obstacles.map(obstacleText),
  };
}

const only = (changes: string[], kept: string[] = []): object => ({ changes, kept, obstacles: [] });

t.test('what is not mentioned is not touched', async (t) => {
  const full: Configuration = {
    pnet: table({ NET1: network(['eth0'], [rdma('mlx5_0')]) }),
    ueids: ['A'],
    seid: true,
    handshakeLimit: true,
    services: new Map([['a.service', {}]]),
  };
  for (const isPruning of [false, true]) t.strictSame(words(full, {}, isPruning), only([]));
  t.strictSame(words(full, full), only([]), 'and nothing is done twice');
  t.strictSame(words(full, full, true), only([]));
});

t.test('additions', async (t) => {
  t.strictSame(
    words(
      { seid: false },
      {
        pnet: table({ NET1: network(['eth0', 'eth1'], [rdma('mlx5_0', 2), ism('0000:01:00.0')]) }),
        ueids: ['A', 'B'],
        seid: true,
        handshakeLimit: true,
        sysctls: new Map([
          ['wmem', '262144'],
          ['rmem', '65536'],
        ]),
        services: new Map([['a.service', { strict: true, rcvbuf: 65_536 }]]),
      },
    ),
    only([
      'enable the SEID',
      'add UEID A',
      'add UEID B',
      'add interface eth0 to PNET ID NET1',
      'add interface eth1 to PNET ID NET1',
      'add device mlx5_0 port 2 to PNET ID NET1',
      'add device 0000:01:00.0 to PNET ID NET1',
      'enable the handshake limitation',
      'set wmem to 262144 (now 65536)',
      'make a.service run over SMC (strict, rcvbuf 65536)',
    ]),
  );
});

t.test('what the file lacks is kept, or removed at the end', async (t) => {
  const running: Configuration = {
    pnet: table({ NET1: network(['eth0', 'eth1']), NET2: network([], [rdma('mlx5_0')]) }),
    ueids: ['OLD'],
    seid: true,
    services: new Map([['a.service', {}]]),
  };
  const wanted: Configuration = {
    pnet: table({ NET1: network(['eth0']), NET3: network(['eth2']) }),
    ueids: ['NEW'],
    seid: false,
    services: new Map(),
  };
  t.strictSame(
    words(running, wanted),
    only(
      ['add UEID NEW', 'add interface eth2 to PNET ID NET3', 'disable the SEID'],
      [
        'UEID OLD',
        'interface eth1 in PNET ID NET1',
        'device mlx5_0 port 1 in PNET ID NET2',
        'service a.service',
      ],
    ),
  );
  t.strictSame(
    words(running, wanted, true),
    only([
      'add UEID NEW',
      'add interface eth2 to PNET ID NET3',
      'delete PNET ID NET1: interface eth0, interface eth1',
      'add interface eth0 to PNET ID NET1 again',
      'delete PNET ID NET2: device mlx5_0 port 1',
      'make a.service run over TCP',
      'remove UEID OLD',
      'disable the SEID',
    ]),
  );
});

t.test('another PNET ID is a change, with the rest of the old one put back', async (t) => {
  const running: Configuration = {
    pnet: table({ NET1: network(['eth0', 'eth1']), NET2: network(['eth2']) }),
  };
  t.strictSame(
    words(running, { pnet: table({ NET2: network(['eth0']) }) }),
    only(
      [
        'delete PNET ID NET1: interface eth0, interface eth1',
        'add interface eth0 to PNET ID NET2',
        'add interface eth1 to PNET ID NET1 again',
      ],
      ['interface eth1 in PNET ID NET1', 'interface eth2 in PNET ID NET2'],
    ),
  );
  t.strictSame(
    words(running, { pnet: table({ NET1: network(['eth2', 'eth1']), NET2: network(['eth0']) }) }),
    only([
      'delete PNET ID NET1: interface eth0, interface eth1',
      'add interface eth1 to PNET ID NET1 again',
      'delete PNET ID NET2: interface eth2',
      'add interface eth2 to PNET ID NET1',
      'add interface eth0 to PNET ID NET2',
    ]),
    'two that change places',
  );
});

t.test('a full table of UEIDs: room is made one by one', async (t) => {
  const running = { ueids: ['A', 'B', 'C', 'D'] };
  t.strictSame(words(running, { ueids: ['E', 'F'] }, true).changes, [
    'remove UEID A',
    'add UEID E',
    'remove UEID B',
    'add UEID F',
    'remove UEID C',
    'remove UEID D',
  ]);
  t.strictSame(words({ ueids: ['A'] }, { ueids: ['E'] }, true).changes, ['add UEID E', 'remove UEID A']);
  t.strictSame(
    words(running, { ueids: ['E'] }).changes,
    ['add UEID E'],
    'the kernel will say that it is full',
  );
  t.strictSame(words(running, { ueids: [] }, true).changes.length, 4);
});

t.test('services with other settings', async (t) => {
  const running = { services: new Map([['a.service', { strict: true }]]) };
  t.strictSame(
    words(running, { services: new Map([['a.service', { sndbuf: 8192 }]]) }),
    only(['change how a.service runs over SMC (sndbuf 8192)']),
  );
  t.strictSame(
    words(running, { services: new Map([['a.service', { only: [], strict: true, debug: false }]]) }),
    only([]),
  );
});

t.test('what this host cannot have', async (t) => {
  t.strictSame(
    words(
      { handshakeLimit: undefined },
      {
        seid: true,
        handshakeLimit: true,
        sysctls: new Map([['smcr_max_send_wr', '32']]),
        namespaces: new Map([['red', { handshakeLimit: true }]]),
      },
    ),
    {
      changes: [],
      kept: [],
      obstacles: [
        'seid cannot be set: this machine has no SEID, or does not show it without an ISM device',
        'handshake_limit cannot be set: this kernel does not have it; it is available since Linux 5.18',
        'sysctl smcr_max_send_wr cannot be set: this kernel does not have it; it is available since Linux 6.19',
        'network namespace red cannot be set up: there is no network namespace of this name, or it cannot be entered',
      ],
    },
  );
  t.strictSame(words({}, { seid: false }), only([]), 'an SEID that is not there is not offered');
});

t.test('other namespaces', async (t) => {
  const red = { ...BARE, pnet: table({ NET1: network(['eth5']) }) };
  t.strictSame(
    words(
      { namespaces: new Map([['red', red]]) },
      {
        handshakeLimit: true,
        namespaces: new Map([
          ['red', { pnet: table({ NET2: network(['eth6']) }), sysctls: new Map([['wmem', '131072']]) }],
        ]),
      },
      true,
    ),
    only([
      'enable the handshake limitation',
      'in network namespace red: add interface eth6 to PNET ID NET2',
      'in network namespace red: delete PNET ID NET1: interface eth5',
      'in network namespace red: set wmem to 131072 (now 65536)',
    ]),
  );
});

/** The PNET table after some changes, by what has a PNET ID. @throws what the kernel would answer */
function carriedOut(start: ReadonlyMap<string, string>, changes: readonly Change[]): Map<string, string> {
  const state = new Map(start);
  for (const change of changes) {
    if (change.what === 'add-pnet') {
      const key = memberKey(change.member);
      if (state.has(key)) throw new Error(`EEXIST: ${key}`);
      state.set(key, change.pnetId);
    } else if (change.what === 'delete-pnet') {
      const members = [...state].filter(([, id]) => id === change.pnetId).map(([key]) => key);
      if (members.length === 0) throw new Error(`ENOENT: ${change.pnetId}`);
      for (const key of members) state.delete(key);
    }
  }
  return state;
}

t.test('any table leads to any other', async (t) => {
  const integer = random(14);
  const anyTable = (): Map<string, string> =>
    new Map(
      ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((name): [string, string][] => {
        const id = integer(5);
        return id === 4 ? [] : [[`interface ${name}`, `NET${id}`]];
      }),
    );
  const tableOf = (state: Map<string, string>): Map<string, PnetNetwork> => {
    const ids = [...new Set(state.values())];
    return new Map(
      ids.map((id) => [
        id,
        network([...state].filter(([, one]) => one === id).map(([key]) => key.slice('interface '.length))),
      ]),
    );
  };
  const sorted = (state: ReadonlyMap<string, string>): [string, string][] => [...state].sort();
  for (let round = 0; round < 3000; round++) {
    const [from, to] = [anyTable(), anyTable()];
    for (const isPruning of [true, false]) {
      const { changes } = changesBetween(
        { ...BARE, pnet: tableOf(from) },
        { pnet: tableOf(to) },
        { isPruning },
      );
      const expected = isPruning ? to : new Map([...from, ...to]);
      if (JSON.stringify(sorted(carriedOut(from, changes))) !== JSON.stringify(sorted(expected)))
        t.strictSame(sorted(carriedOut(from, changes)), sorted(expected));
      const again = changesBetween(
        { ...BARE, pnet: tableOf(expected) },
        { pnet: tableOf(to) },
        { isPruning },
      );
      if (again.changes.length > 0) t.strictSame(again.changes, [], 'the second time there is nothing to do');
    }
  }
  t.pass();
});
