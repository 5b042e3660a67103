// SPDX-License-Identifier: MIT
// Filters of sockets: what each condition selects, how conditions combine, and what is said of a wrong one.
import t, { type Test } from 'tap';
import type { SeenSocket } from '../../src/smc/seen-socket.ts';
import { parseSocketFilter, type SocketFilter } from '../../src/smc/socket-filter.ts';
import type { FilterNames } from '../../src/smc/socket-filter-fields.ts';
import { FilterError } from '../../src/smc/socket-filter-words.ts';

const names: FilterNames = {
  service: (name) => ({ https: 443, ssh: 22 })[name],
  user: (name) => ({ root: 0, www: 33 })[name],
  hasInterface: (name) => name === 'eth0' || name === 'elsewhere',
  interfaceIndex: (name) => (name === 'eth0' ? 2 : undefined),
};

const filter = (text: string): SocketFilter => parseSocketFilter(text, names);

const ACTIVE = 1;
const INIT = 2;
const CLOSED = 7;
const LISTEN = 10;
const APPCLOSEWAIT1 = 22;

interface Fields extends Partial<Omit<SeenSocket, 'local' | 'peer' | 'id'>> {
  local?: [address: string | undefined, port: number];
  peer?: [address: string | undefined, port: number];
  dev?: number;
}

function socket({ local = ['10.0.0.1', 443], peer = ['10.0.0.2', 40000], dev = 0, ...fields }: Fields = {}) {
  return {
    family: 43,
    state: ACTIVE,
    mode: 0,
    uid: 0,
    inode: 7n,
    attributes: {},
    id: { interface: dev },
    local: { address: local[0], port: local[1] },
    peer: { address: peer[0], port: peer[1] },
    ...fields,
  } as SeenSocket;
}

/** Each filter with sockets that it selects, and others. */
function cases(
  t: Test,
  expressions: readonly string[],
  { selects, leaves }: { selects: readonly SeenSocket[]; leaves: readonly SeenSocket[] },
): void {
  for (const text of expressions) {
    const { matches } = filter(text);
    for (const one of selects) t.equal(matches(one), true, `${text}: ${JSON.stringify(one.local)}`);
    for (const one of leaves) t.equal(matches(one), false, `not ${text}: ${JSON.stringify(one.local)}`);
  }
}

const listener = socket({ state: LISTEN, local: ['0.0.0.0', 443], peer: ['0.0.0.0', 0] });
const fallback = (reason: number, peerDiagnosis = 0): SeenSocket =>
  socket({ mode: 1, attributes: { fallback: { reason, peerDiagnosis } } });

t.test('state', async (t) => {
  cases(t, ['state established', 'state ACTIVE', 'state = active', 'state 0x1', 'not state listening'], {
    selects: [socket()],
    leaves: [listener],
  });
  cases(t, ['state listening', 'state LISTEN', 'exclude connected exclude unconnected'], {
    selects: [listener],
    leaves: [socket(), socket({ state: INIT })],
  });
  cases(t, ['state connected', 'state synchronized'], {
    selects: [socket(), socket({ state: APPCLOSEWAIT1 })],
    leaves: [listener, socket({ state: INIT }), socket({ state: CLOSED })],
  });
  cases(t, ['state closing', 'state appclosewait1', 'state connected exclude established'], {
    selects: [socket({ state: APPCLOSEWAIT1 })],
    leaves: [socket(), socket({ state: CLOSED })],
  });
  cases(t, ['state all'], { selects: [socket(), listener], leaves: [] });
});

t.test('states that follow each other are alternatives, as in ss', async (t) => {
  cases(t, ['state established state listening', 'state established or state listening'], {
    selects: [socket(), listener],
    leaves: [socket({ state: INIT })],
  });
  cases(t, ['state established and state listening'], { selects: [], leaves: [socket(), listener] });
  cases(t, ['state established state listening sport = :443'], {
    selects: [socket(), listener],
    leaves: [socket({ local: ['10.0.0.1', 1] }), socket({ state: INIT })],
  });
});

t.test('addresses', async (t) => {
  const local = (address: string | undefined, port = 443): SeenSocket => socket({ local: [address, port] });
  cases(t, ['src 10.0.0.0/8', 'src = 10.0.0.1', 'src 10.0.0.1:443', 'src 10.0.0.0/31:https', 'src *:443'], {
    selects: [local('10.0.0.1')],
    leaves: [local('11.0.0.1', 1), local(undefined, 2)],
  });
  cases(t, ['src 0.0.0.0/0'], {
    selects: [local('1.2.3.4'), local('::ffff:1.2.3.4')],
    leaves: [local('::1')],
  });
  cases(t, ['src 10.0.0.0/9'], { selects: [local('10.127.0.1')], leaves: [local('10.128.0.1')] });
  cases(t, ['src 10.0.0.0/8'], { selects: [local('::ffff:10.1.2.3')], leaves: [local('::10.1.2.3')] });
  cases(
    t,
    ['src [fe80::]/10', 'src fe80::/10', 'src [fe80::/10]', 'src [fe80::/10]:443', 'src [fe80::]/10:443'],
    {
      selects: [local('fe80::1'), local('febf::1')],
      leaves: [local('fec0::1'), local('10.0.0.1')],
    },
  );
  cases(t, ['src ::1', 'src [::1]', 'src [::1]:443', 'src [::1]:*'], {
    selects: [local('::1')],
    leaves: [local('::2')],
  });
  cases(t, ['src :443', 'src :https'], {
    selects: [local('::1'), local(undefined)],
    leaves: [local('::1', 1)],
  });
  cases(t, ['src != 10.0.0.1', 'not src 10.0.0.1', '! src 10.0.0.1'], {
    selects: [local('10.0.0.2'), local(undefined)],
    leaves: [local('10.0.0.1')],
  });
  cases(t, ['dst 10.0.0.2', 'dst 10.0.0.2:40000'], {
    selects: [socket()],
    leaves: [socket({ peer: ['10.0.0.3', 40000] })],
  });
});

t.test('ports', async (t) => {
  for (const equal of ['=', '==', 'eq', ''])
    cases(t, [`sport ${equal} :443`, `sport ${equal} 443`, `sport ${equal} https`, `sport ${equal} :https`], {
      selects: [socket()],
      leaves: [socket({ local: ['10.0.0.1', 442] })],
    });
  const [low, same, high] = [1023, 1024, 1025].map((port) => socket({ peer: ['::1', port] })) as [
    SeenSocket,
    SeenSocket,
    SeenSocket,
  ];
  for (const [words, selects, leaves] of [
    ['!= ne neq', [low, high], [same]],
    ['< lt', [low], [same, high]],
    ['> gt', [high], [same, low]],
    ['<= =< le leq', [low, same], [high]],
    ['>= => ge geq', [high, same], [low]],
  ] as const)
    for (const word of words.split(' '))
      cases(t, [`dport ${word} :1024`, `DPORT ${word} 1024`], { selects, leaves });
  cases(t, ['dport>=1024', 'dport>=:1024&dport<=:1024 or dport = 1025'], {
    selects: [same, high],
    leaves: [low],
  });
});

t.test('interfaces', async (t) => {
  cases(t, ['dev eth0', 'dev = 2', 'dev == eth0'], {
    selects: [socket({ dev: 2 })],
    leaves: [socket(), socket({ dev: 3 })],
  });
  cases(t, ['dev != eth0'], { selects: [socket()], leaves: [socket({ dev: 2 })] });
  cases(t, ['dev elsewhere'], { selects: [], leaves: [socket(), socket({ dev: 2 })] });
});

t.test('interfaces of all namespaces: the name is looked up in that of each socket', async (t) => {
  let here: Readonly<Record<string, number>> = { eth0: 2 };
  const everywhere = { ...names, hasInterface: () => true, interfaceIndex: (name: string) => here[name] };
  const matches = (text: string, dev: number): boolean =>
    parseSocketFilter(text, everywhere).matches(socket({ dev }));
  const { matches: one } = parseSocketFilter('dev eth0', everywhere);
  t.equal(one(socket({ dev: 2 })), true);
  t.equal(matches('dev dummy7', 7), false);
  here = { eth0: 5, dummy7: 7 };
  t.equal(one(socket({ dev: 2 })), false, 'the same filter, after this thread has gone to another one');
  t.equal(one(socket({ dev: 5 })), true);
  t.equal(matches('dev dummy7', 7), true);
  t.equal(matches('dev != eth0', 5), false);
  t.equal(one(socket()), false, 'bound to none');
});

t.test('mode', async (t) => {
  const [smcr, smcd, tcp] = [socket(), socket({ mode: 2 }), fallback(0)];
  cases(t, ['mode smcr', 'mode = SMCR'], { selects: [smcr], leaves: [smcd, tcp, listener] });
  cases(t, ['mode smcd'], { selects: [smcd], leaves: [smcr, tcp, listener] });
  cases(t, ['mode smc'], { selects: [smcd, smcr], leaves: [tcp, listener] });
  cases(t, ['mode tcp'], { selects: [tcp], leaves: [smcr, smcd, listener] });
  cases(t, ['mode none'], { selects: [listener], leaves: [smcr, smcd, tcp] });
});

t.test('reasons', async (t) => {
  const [declined, noDevice] = [fallback(0x05000000, 0x03030000), fallback(0x03030000)];
  for (const code of [
    'NOSMCDEV',
    'nosmcdev',
    'SMC_CLC_DECL_NOSMCDEV',
    '0x03030000',
    '0x3030000',
    '03030000',
  ]) {
    cases(t, [`reason ${code}`, `reason = ${code}`], { selects: [noDevice], leaves: [declined, socket()] });
    cases(t, [`peer-reason ${code}`], { selects: [declined], leaves: [noDevice, socket()] });
  }
  cases(t, ['reason PEERNOSMC', 'reason PEER_NO_SMC'], {
    selects: [fallback(0x03010000)],
    leaves: [noDevice],
  });
});

t.test('sides and users', async (t) => {
  cases(t, ['side server'], {
    selects: [socket({ side: 'server' })],
    leaves: [socket({ side: 'client' }), socket({ side: 'server', state: LISTEN })],
  });
  cases(t, ['uid 33', 'user www', 'user 33', 'uid > 32', 'uid <= 33 and uid ge 1', 'user != root'], {
    selects: [socket({ uid: 33 })],
    leaves: [socket()],
  });
});

t.test('RDMA devices and link groups', async (t) => {
  const link = { ibName: 'mlx5_0', linkId: 1, ibPort: 1, gid: '', peerGid: '', role: 0 };
  const dmb = { linkId: 0x100, peerGid: 1n, myGid: 2n, token: 0n, peerToken: 0n };
  cases(t, ['ibdev mlx5_0'], { selects: [socket({ attributes: { link } })], leaves: [socket()] });
  cases(t, ['lgr 100', 'lgr 0x100', 'lgr 00000100'], {
    selects: [
      socket({ mode: 2, attributes: { dmb } }),
      socket({ smcrLinkGroup: 0x100, attributes: { link } }),
    ],
    leaves: [socket(), socket({ mode: 2 }), socket({ smcrLinkGroup: 0x200 })],
  });
});

t.test('and, or, not and brackets', async (t) => {
  const of = (sport: number, dport: number): SeenSocket =>
    socket({ local: ['::1', sport], peer: ['::1', dport] });
  for (const text of [
    'sport 1 dport 2',
    'sport 1 and dport 2',
    'sport 1 & dport 2',
    'sport 1 && dport 2',
    'sport 1 AND dport 2',
    '(sport 1) (dport 2)',
    '{ sport 1 } dport 2',
    'not (sport != 1 or not dport 2)',
    '! ! sport 1 not not dport 2',
  ])
    cases(t, [text], { selects: [of(1, 2)], leaves: [of(1, 1), of(2, 2), of(2, 1)] });
  for (const text of [
    'sport 1 or dport 2',
    'sport 1 | dport 2',
    'sport 1 || dport 2',
    '{sport 1}or(dport 2)',
  ])
    cases(t, [text], { selects: [of(1, 2), of(1, 1), of(2, 2)], leaves: [of(2, 1)] });
  cases(t, ['sport 1 or sport 2 and dport 3'], {
    selects: [of(1, 1), of(2, 3)],
    leaves: [of(2, 1), of(3, 3)],
  });
  cases(t, ['( sport 1 or sport 2 ) and dport 3'], { selects: [of(2, 3)], leaves: [of(1, 1), of(3, 3)] });
  cases(t, ['not sport 1 dport 3'], { selects: [of(2, 3)], leaves: [of(1, 3), of(2, 2)] });
});

t.test('what a filter needs to know', async (t) => {
  const needs = (text: string): string[] => [...filter(text).needs].sort();
  t.strictSame(needs('sport 1 and mode tcp and reason NOSMCDEV and uid 0 and src ::1 and state all'), []);
  t.strictSame(needs('side client'), ['side']);
  t.strictSame(needs('not (ibdev x or lgr 1)'), ['dmb', 'link', 'smcrLinkGroup']);
  t.equal(filter('sport 1').choosesStates, false);
  t.equal(filter('sport 1 or (not state closed)').choosesStates, true);
});

/** Column, what stands there, and what is expected, of a wrong filter. */
function mistake(text: string): Pick<FilterError, 'column' | 'found' | 'expected'> & { words: string[] } {
  try {
    filter(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { column, found, expected, words } = error;
    return { column, found, expected, words: [...words] };
  }
  throw new Error(`${text} is accepted`);
}

t.test('what is said of a wrong filter', async (t) => {
  for (const [text, column, found, expected] of [
    ['', 1, '', 'a condition, not, ( or {'],
    ['   ', 4, '', 'a condition, not, ( or {'],
    ['sprot = 1', 1, 'sprot', 'a condition, not, ( or {'],
    ['constructor 1', 1, 'constructor', 'a condition, not, ( or {'],
    ['"sport" = 1', 1, 'sport', 'a condition, not, ( or {'],
    ['sport 1 2', 9, '2', 'and, or, another condition or the end'],
    ['sport 1 )', 9, ')', 'and, or, another condition or the end'],
    ['sport 1 and', 12, '', 'a condition, not, ( or {'],
    ['sport 1 and or', 13, 'or', 'a condition, not, ( or {'],
    ['(sport 1', 9, '', 'and, or, another condition or )'],
    ['(sport 1}', 9, '}', 'and, or, another condition or )'],
    ['{sport 1)', 9, ')', 'and, or, another condition or }'],
    ['sport 65536', 7, '65536', 'a port from 0 to 65535, or a service of /etc/services'],
    ['sport = nosuch', 9, 'nosuch', 'a port from 0 to 65535, or a service of /etc/services'],
    ['sport =', 8, '', 'a port from 0 to 65535, or a service of /etc/services'],
    ['sport = = 1', 9, '=', 'a port from 0 to 65535, or a service of /etc/services'],
    ['src < 1', 5, '<', '=, != or a value'],
    ['dev eth9', 5, 'eth9', 'the name or index of an interface'],
    ['mode smcx', 6, 'smcx', 'smcr, smcd, smc, tcp or none'],
    ['uid root', 5, 'root', 'the number of a user'],
    ['uid 4294967296', 5, '4294967296', 'the number of a user'],
    ['user nobody', 6, 'nobody', 'the name of a user of /etc/passwd, or a number'],
    ['lgr xyz', 5, 'xyz', 'the number of a link group, in hexadecimal as smcd and smcr show it'],
    ['sport 1 comm "a', 14, '"a', 'a second quotation mark'],
  ] as const)
    t.match(mistake(text), { column, found, expected }, text);
  for (const text of [
    '10.0.0.256',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.1:x',
    'host',
    '[::1',
    '[]x',
    '::1%eth0',
    '/8',
    '[::1]x',
  ])
    t.match(mistake(`src ${text}`), { column: 5, found: text }, text);
  t.match(mistake('state stablished'), { column: 7, expected: /^a state: established, / });
  t.match(mistake('reason NOSUCH'), {
    column: 8,
    expected: 'the name of a reason such as NOSMCDEV, or a code such as 0x03030000',
  });
  t.ok(mistake('sprot = 1').words.includes('sport'));
  t.ok(mistake('reason NOSMCDEF').words.includes('NOSMCDEV'));
});

t.test('brackets have a limit, and a chain has none', async (t) => {
  const nested = (levels: number): string => `${'('.repeat(levels)}sport 1${')'.repeat(levels)}`;
  t.ok(filter(nested(100)));
  t.match(mistake(nested(101)), { column: 101, found: '(' });
  t.match(mistake('('.repeat(1_000_000)), { column: 101 });
  t.equal(filter(`${'not '.repeat(1_000_001)}sport 1`).matches(socket()), true);
  t.equal(filter(`sport 443${' and sport 443'.repeat(100_000)}`).matches(socket()), true);
  t.equal(filter(`sport 1${' or sport 1'.repeat(100_000)}`).matches(socket()), false);
});
