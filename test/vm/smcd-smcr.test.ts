// SPDX-License-Identifier: MIT
// smcd and smcr against real kernels: what they report about live traffic is compared with smcss and with the
// number of bytes sent.
import t, { type Test } from 'tap';
import { long } from '../helpers/long.ts';
import { waitUntil } from '../helpers/wait.ts';
import { type CommandResult, cable, type Guest, setUpSmcR } from './guest.ts';
import {
  batch,
  bootWithSuite,
  echoPair,
  firstOverSmcR,
  kernelsOf,
  OVER_SMC,
  on,
  sockets,
  waitFor,
  waitForListener,
  waitForOutput,
} from './suite.ts';

/** The document that a command printed. */
// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field
const parse = ({ stdout }: CommandResult): any => JSON.parse(stdout);

/** Compares the outcomes of a list of commands with what is expected of each. */
async function expectAll(
  t: Test,
  guest: Guest,
  expected: Readonly<Record<string, [status: number, stdout: string, stderr: string]>>,
  options: Parameters<typeof batch>[2] = {},
): Promise<void> {
  const outcomes = await batch(guest, Object.keys(expected), options);
  Object.entries(expected).forEach(([command, [status, stdout, stderr]], index) => {
    t.strictSame(outcomes[index], { status, stdout, stderr }, command);
  });
}

/** An ID as a user may type it. */
const short = (id: string): string => id.replace(/^0+/, '');

const RULE = "a UEID has 1 to 32 characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit";
const PERMISSION = 'permission denied; CAP_NET_ADMIN is needed: run it as root, outside of containers';
const padded = (ueid: string) => `${ueid.padEnd(32)}\n`;

/** What one echo of this size adds to the counters; both ends are in this network namespace. */
const ECHOED = 500_000;

const EVERYTHING = (command: 'smcd' | 'smcr') =>
  ['info', 'device', 'linkgroup', 'stats', 'ueid', 'hs-limit'].map((object) => `${command} -j ${object}`);

async function checkUeids(t: Test, guest: Guest): Promise<void> {
  await expectAll(t, guest, {
    'smcd ueid': [0, '', ''],
    'smcd ueid flush': [0, '', ''],
    'smcd ueid add smc-tools.test': [0, '', 'smcd: the UEID is stored as SMC-TOOLS.TEST\n'],
    'smcr ueid show': [0, padded('SMC-TOOLS.TEST'), ''],
    'smcr ueid add SMC-TOOLS.TEST': [255, '', 'smcr: UEID SMC-TOOLS.TEST is already defined\n'],
    'smcd ueid add A..B': [255, '', `smcd: UEID "A..B" has two periods in a row; ${RULE}\n`],
    'smcd ueid add .A': [255, '', `smcd: UEID ".A" does not begin with a letter or digit; ${RULE}\n`],
    'smcd ueid add A_B': [255, '', `smcd: UEID "A_B" must not contain the character "_"; ${RULE}\n`],
    'smcd ueid del UNKNOWN': [255, '', 'smcd: UEID UNKNOWN is not defined\n'],
    'smcd ueid add B-2': [0, '', ''],
    'smcd -j ueid add C.3': [0, '{"ueids":["SMC-TOOLS.TEST","B-2","C.3"]}\n', ''],
    'smcd ueid add 4': [0, '', ''],
    'smcd ueid add FIFTH': [
      255,
      '',
      'smcd: the table of UEIDs is full: it has 4 entries; delete one first\n',
    ],
    'smcd ueid add b-2': [255, '', 'smcd: UEID B-2 is already defined\n'],
    'smcr ueid del b-2': [0, '', ''],
    'smcd ueid del 4': [0, '', ''],
    'smcd ueid del C.3': [0, '', ''],
    'smcd u': [0, padded('SMC-TOOLS.TEST'), ''],
  });
  await expectAll(
    t,
    guest,
    {
      'smcd ueid': [0, padded('SMC-TOOLS.TEST'), ''],
      'smcd ueid add X': [255, '', `smcd: ${PERMISSION}\n`],
      'smcd ueid del SMC-TOOLS.TEST': [255, '', `smcd: ${PERMISSION}\n`],
      'smcr ueid flush': [255, '', `smcr: ${PERMISSION}\n`],
      'smcr hs-limit enable': [255, '', `smcr: ${PERMISSION}\n`],
      'smcr sysctl set wmem 131072': [
        255,
        '',
        'smcr: wmem cannot be changed; run it as root of this network namespace\n',
      ],
      'smcr hs-limit': [0, 'disabled\n', ''],
    },
    { user: 'nobody' },
  );
  const [fromId, list, again] = await batch(guest, [
    'smcd ueid add --from-machine-id',
    'smcd -j ueid',
    'smcd ueid add --from-machine-id',
  ]);
  t.match(fromId?.stderr, /^smcd: this machine's UEID is MACHINE-[0-9A-F]{24}\n$/);
  const [, made] = parse(list!).ueids;
  t.match(fromId?.stderr, made);
  t.match(again?.stderr, 'is already defined', 'the same each time');
  t.strictSame(await batch(guest, [`smcd ueid del ${made}`]), [{ status: 0, stdout: '', stderr: '' }]);
}

const TESTLINK = 'smcr_testlink_time must be 0 to 2147483647 / HZ seconds, 8589934 where HZ is 250';

async function checkSettings(t: Test, guest: Guest): Promise<void> {
  const socketHasLimit = async () =>
    (
      await guest.run(
        "python3 -c 'import socket; print(socket.socket(43, socket.SOCK_STREAM, 0).getsockopt(286, 1))'",
        { check: true },
      )
    ).stdout.trim();
  t.equal(await socketHasLimit(), '0');
  await expectAll(t, guest, {
    'smcd hs-limit': [0, 'disabled\n', ''],
    'smcd hs-limit enable': [0, '', ''],
    'smcr -j hs-limit show': [0, '{"hs_limit":{"enabled":true}}\n', ''],
    'smcd sysctl set wmem 5': [255, '', 'smcd: 5 is out of range; wmem must be 16384 to 1073741823 bytes\n'],
    'smcd sysctl set smcr_testlink_time -1': [255, '', `smcd: -1 is out of range; ${TESTLINK}\n`],
    // the kernel of the guest has HZ 250
    'smcd sysctl set smcr_testlink_time 8589934': [0, '', ''],
    'smcr sysctl set smcr_testlink_time 8589935': [
      255,
      '',
      `smcr: the kernel does not accept '8589935' for smcr_testlink_time; ${TESTLINK}\n`,
    ],
    'smcr sysctl set smcr_testlink_time default': [0, '', ''],
    'smcd sysctl set rmem 256k': [0, '', ''],
    'smcd sysctl set net.smc.wmem 131072': [0, '', ''],
  });
  t.equal(await socketHasLimit(), '1', 'new sockets have the limitation');
  t.equal((await guest.run('cat /proc/sys/net/smc/wmem /proc/sys/net/smc/rmem')).stdout, '131072\n262144\n');
  const [set, , , , off] = await batch(guest, [
    'smcd -j sysctl set wmem default',
    'smcd sysctl set rmem default',
    'smcd hs-limit disable',
    'smcd hs-limit disable',
    'smcd hs-limit',
  ]);
  t.equal(parse(set!).sysctls[0].value, 65_536);
  t.equal(off?.stdout, 'disabled\n');
}

/** How many connections over SMC were made so far; each counts for its client and its server. */
async function connectionsSoFar(guest: Guest, command: 'smcd' | 'smcr'): Promise<number> {
  const [outcome] = await batch(guest, [`${command} -a -j stats`]);
  return parse(outcome!).statistics.connections.server.v2;
}

/**
 * After one connection with traffic of known size: the counters, the reset, absolute values.
 * @param before how many connections there were before
 */
async function checkCounters(t: Test, guest: Guest, command: 'smcd' | 'smcr', before = 0): Promise<void> {
  const [first, reset, zero, , absolute] = await batch(guest, [
    `${command} -j stats`,
    `${command} stats reset`,
    `${command} -j stats`,
    `${command} stats`,
    `${command} -a -j stats`,
  ]);
  const { statistics } = parse(first!);
  t.equal(statistics.baseline, null);
  t.equal(statistics.connections.client.v2, before + 1);
  t.equal(statistics.connections.server.v2, before + 1);
  t.equal(statistics.tx.bytes, 2 * ECHOED, 'sent by client and server');
  t.equal(statistics.rx.bytes, 2 * ECHOED);
  const requests = Object.values<number>(statistics.tx.request_sizes).reduce((a, b) => a + b, 0);
  t.ok(requests > 0 && requests <= statistics.tx.requests, 'size classes hold the requests');
  t.match(reset?.stdout, /^SMC-[DR] Connections Summary\n {2}Total connections handled +\d+\n/);
  const after = parse(zero!).statistics;
  t.match(after.baseline.time, /^\d{4}-\d\d-\d\dT/);
  t.equal(after.tx.bytes, 0);
  t.equal(after.connections.smc, 0);
  t.equal(parse(absolute!).statistics.tx.bytes, 2 * ECHOED, '-a shows the full counts');
  t.match(
    (await guest.run('stat -c "%a %U" /run/smc-tools /run/smc-tools/*')).stdout,
    /^700 root\n600 root\n$/,
  );
}

/** Intervals add up to what was sent; each user has a reset of his own, which may be damaged. */
async function checkIntervals(t: Test, guest: Guest, command: 'smcd' | 'smcr'): Promise<void> {
  const watching = await guest.start(`exec ${command} -j stats --interval 1`);
  await waitForOutput(watching, 'an interval without traffic', (text) => text.includes('_per_second'));
  const pair = await echoPair(guest, { port: 7102, bytes: ECHOED });
  t.match(pair.verdict, /^same /);
  const moved = (document: string): number =>
    [...document.matchAll(/\{[^{}]*"tx_bytes_per_second"[^{}]*\}/g)]
      .map(([interval]) => JSON.parse(interval) as Record<string, number>)
      .reduce((sum, { tx_bytes_per_second: rate, seconds }) => sum + rate! * seconds!, 0);
  await waitForOutput(
    watching,
    'intervals with the whole transfer',
    (text) => moved(text) > 2 * ECHOED * 0.99,
  );
  watching.kill('SIGINT');
  const watched = await watching.wait();
  t.equal(watched.status, 0, 'Ctrl-C is a normal end');
  t.ok(JSON.parse(watched.stdout).intervals.length > 0, 'the document is whole');
  const sum = moved(watched.stdout);
  t.ok(Math.abs(sum - 2 * ECHOED) < 2 * ECHOED * 0.01, `rates add up to the transfer: ${sum}`);
  const [since] = await batch(guest, [`${command} -j stats`]);
  t.equal(parse(since!).statistics.tx.bytes, 2 * ECHOED, 'counted since the reset');
  t.equal(parse(since!).statistics.connections.smc, 2);
  await pair.stop();
  const rates = await guest.run(`${command} stats --interval 0.2 --count 2`);
  t.equal(rates.stdout.split('\n').length, 4, 'header and two lines');

  // an ordinary user has a baseline of his own; one that is damaged is ignored
  const state = { env: { XDG_STATE_HOME: '/tmp/state' }, user: 'nobody' };
  await guest.run(`${command} stats reset`, { ...state, check: true });
  const own = await guest.run(`${command} -j stats`, state);
  t.equal(JSON.parse(own.stdout).statistics.tx.bytes, 0);
  await guest.run('for file in /tmp/state/smc-tools/*; do echo x > $file; done', state);
  const damaged = await guest.run(`${command} -j stats`, state);
  t.match(damaged.stderr, /statistics-\d+\.json is not used: it is damaged; the full counts are shown\n$/);
  t.equal(damaged.status, 0);
  t.equal(JSON.parse(damaged.stdout).statistics.tx.bytes, 4 * ECHOED);
  // two resets at once leave a whole file
  await guest.run(`${command} stats reset & ${command} stats reset; wait`, { ...state, check: true });
  t.equal((await guest.run(`${command} -j stats`, state)).stderr, '');
}

t.test('SMC-R over soft-RoCE, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12', name: 'alpha' });
  t.teardown(() => guest.close());
  await expectAll(t, guest, { 'smcr device': [0, '', ''], 'smcr linkgroup': [0, '', ''] });
  await setUpSmcR(guest);
  await t.test('UEIDs', (t) => checkUeids(t, guest));
  await t.test('settings', (t) => checkSettings(t, guest));

  await t.test('devices and information', async (t) => {
    await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
    const header = 'Net-Dev         IB-Dev   IB-P  IB-State  Type          Crit  #Links  PNET-ID  \n';
    const row = 'lo              rxelo       1    ACTIVE  0               No       0  *NET1            \n';
    await expectAll(t, guest, {
      'smcr device': [0, header + row, ''],
      'smcr dev show ibdev rxelo': [0, header + row, ''],
      'smcr device netdev lo': [0, header + row, ''],
      'smcr device netdev eth7': [0, header, ''],
      'smcr nonsense': [1, '', "smcr: there is no object 'nonsense'; smcr --help shows the usage\n"],
      'smcr seid': [1, '', 'smcr: seid is an object of smcd; smcr --help shows the usage\n'],
      'smcd seid': [0, 'n/a\n', ''],
      // asked of the kernel, though there is no device for it
      'smcd seid enable': [255, '', 'smcd: the SEID can be enabled and disabled on IBM Z only\n'],
      'smcr info': [
        0,
        `Kernel Capabilities\nSMC Version:      2.1\nSMC Hostname:     ${'alpha'.padEnd(32)}\n` +
          'SMC-D Features:   v1 v2\nSMC-R Features:   v1 v2\n\nHardware Capabilities\n' +
          'SEID:             n/a\nISM:              n/a\nRoCE:             v2\n',
        '',
      ],
    });
  });

  await firstOverSmcR(guest);
  const before = await connectionsSoFar(guest, 'smcr');
  const pair = await echoPair(guest, { port: 7101, bytes: ECHOED });
  let idOfServer = '';
  await t.test('link groups and links', async (t) => {
    t.match(pair.verdict, /^same /);
    const found = on(7101, await sockets(guest));
    const [groups, links] = await batch(guest, ['smcr -j linkgroup', 'smcr -j linkgroup link-show']);
    const [server, client] = parse(links!).links;
    const [table, linkTable, wide, byUid, byDevice, byInterface, elsewhere] = await batch(guest, [
      'smcr linkgroup',
      'smcr -d linkgroup link-show',
      'smcr -dd linkgroup link-show',
      `smcr linkgroup ${short(server.link_uid)}`,
      'smcr linkgroup show ibdev rxelo',
      'smcr linkgroup link-show netdev lo',
      'smcr linkgroup netdev eth7',
    ]);
    const { link_groups: all } = parse(groups!);
    t.equal(all.length, 2);
    for (const { link } of found) {
      const group = all.find(({ role }: { role: string }) => role === link?.role);
      t.match(group, {
        connections: 1,
        version: 2,
        eid: 'SMC-TOOLS.TEST',
        peer_host: 'alpha',
        pnet_id: 'NET1',
      });
      t.equal(group.links[0].ib_device, link?.ib_device);
      t.match(group.links[0], { interface: 'lo', state: 'LINK_ACTIVE', connections: 1 });
      t.equal(group.links[0].link_id, (link as unknown as { link_id: string }).link_id);
      t.equal(group.links[0].gid, (link as unknown as { gid: string }).gid);
      t.ok(group.rmb_bytes > 0);
    }
    t.equal(server.link_uid, client.peer_uid, 'the links are the ends of one');
    t.equal(server.peer_uid, client.link_uid);
    const head = 'LG-ID    LG-Role  LG-Type  VLAN  #Conns  PNET-ID \n';
    const ids = all.map(({ link_group_id: id }: { link_group_id: string }) => id);
    idOfServer = ids[0];
    for (const id of ids) t.match(id, /^00000[1-9]00$/);
    const first = `${ids[0]} SERV     SINGLE      0       1  NET1             \n`;
    const second = `${ids[1]} CLNT     SINGLE      0       1  NET1             \n`;
    t.equal(table?.stdout, head + first + second);
    t.equal(byUid?.stdout, head + first);
    t.equal(byDevice?.stdout, table?.stdout);
    t.equal(elsewhere?.stdout, head);
    const row = (rest: string) => new RegExp(`^${rest}$`, 'm');
    t.match(byInterface?.stdout, row(`${ids[1]} CLNT {5}SINGLE {3}lo {14}LINK_ACTIVE {10}1 {2}`));
    const [uid, peerUid] = [ids[0].replace(/0$/, '1'), ids[1].replace(/0$/, '1')];
    t.match(linkTable?.stdout, row(`${ids[0]} SERV .* 1 {2}${uid} {2}${peerUid} {2}rxelo {8}1 {2}`));
    t.match(wide?.stdout, row(`${ids[0]} .* {2}1 {2}0000:[0-9a-f:]{34} {3}0000:[0-9a-f:]{34} {2}`));
    const ordinary = await batch(guest, ['smcr linkgroup', 'smcr -d stats'], { user: 'nobody' });
    t.equal(ordinary[0]?.stdout, table?.stdout, 'ordinary users see the same');
    t.equal(ordinary[1]?.status, 0);
  });
  await t.test('statistics', (t) => checkCounters(t, guest, 'smcr', before));
  await t.test('intervals and resets', (t) => checkIntervals(t, guest, 'smcr'));
  await pair.stop();

  await t.test('each network namespace has its counters and its reset', async (t) => {
    const before = await guest.run('smcr -j stats', { check: true });
    const { stdout } = await guest.run(
      'unshare -n sh -c "smcr -j stats; smcr stats reset >/dev/null; smcr -j stats"',
      { check: true },
    );
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).statistics);
    t.equal(first.tx.bytes, 0);
    t.equal(first.baseline, null);
    t.not(second.baseline.network_namespace, JSON.parse(before.stdout).statistics.baseline.network_namespace);
    t.equal((await guest.run('smcr -j stats')).stdout, before.stdout, 'the other one is as it was');
  });

  await t.test('on a terminal', async (t) => {
    const command = `smcd device; smcr -d linkgroup ${short(idOfServer)}`;
    const { stdout } = await guest.run(command, { tty: { columns: 100 } });
    t.match(stdout, /^smcd: there are no SMC-D devices\r\n/);
    t.match(stdout, /^Buf-Type : PHYSICAL\r$/m, 'more lines than in a pipe');
  });

  await t.test('fallbacks are counted by reason', async (t) => {
    await guest.run('smcd ueid flush', { check: true });
    const fallback = await echoPair(guest, { port: 7103 });
    await fallback.stop();
    // since the reset: before it, connections may have fallen back on their way to the first over SMC-R
    const [json, text] = await batch(guest, ['smcr -j stats', 'smcr -d stats']);
    const { fallbacks } = parse(json!).statistics;
    t.equal(fallbacks.client.total, 1);
    t.strictSame(fallbacks.client.reasons, [
      {
        code: '0x03030000',
        name: 'NOSMCDEV',
        text: 'no SMC-R or SMC-D device fits the connection',
        count: 1,
      },
    ]);
    t.equal(fallbacks.server.total, 1);
    // what the server knows of it depends on how far the client came
    t.match(
      text?.stdout,
      / {4}Server\n {5}(PEERDECL {4}|PEER_NO_SMC ) {23}1\n {4}Client\n {5}NOSMCDEV {27}1\n\nRX Stats/,
    );
  });
});

t.test('SMC-D over loopback-ism, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd', name: 'beta' });
  t.teardown(() => guest.close());
  await guest.run('smcd ueid add SMC-TOOLS.TEST', { check: true });
  const pair = await echoPair(guest, { port: 7101, bytes: ECHOED });
  await t.test('link groups', async (t) => {
    t.match(pair.verdict, /^same /);
    const found = on(7101, await sockets(guest));
    const [groups, table, one, details] = await batch(guest, [
      'smcd -j linkgroup',
      'smcd linkgroup',
      'smcd linkgroup show 200',
      'smcd -d linkgroup 100',
    ]);
    const { link_groups: all, complete } = parse(groups!);
    t.equal(complete, true);
    t.strictSame(
      all.map(({ link_group_id: id }: { link_group_id: string }) => id).sort(),
      found.map(({ dmb }) => dmb?.['link_group_id']).sort(),
    );
    for (const { dmb } of found) {
      const group = all.find(
        ({ link_group_id: id }: { link_group_id: string }) => id === dmb?.['link_group_id'],
      );
      for (const key of ['gid', 'peer_gid', 'ext_gid', 'peer_ext_gid']) t.equal(group[key], dmb?.[key], key);
      t.match(group, { chid: 'ffff', connections: 1, eid: 'SMC-TOOLS.TEST', peer_os: 'LINUX' });
    }
    const head = 'LG-ID    VLAN  #Conns  PNET-ID \n';
    const row = (id: string) => `${id}    0       1  ${' '.repeat(17)}\n`;
    t.equal(table?.stdout, `${head}${row('00000100')}${row('00000200')}`);
    t.equal(one?.stdout, head + row('00000200'));
    t.match(
      details?.stdout,
      /^LG-ID {4}: 00000100\nVLAN {5}: 0\nPNET-ID {2}: \nVersion {2}: 2\nPeer-Rel : 1\nPeer-Host: beta\nPeer-OS {2}: LINUX\nEID {6}: SMC-TOOLS\.TEST {18}\n#Conns {3}: 1\nSndbuf {3}: \d+ B\nDMB {6}: \d+ B\n$/,
    );
  });
  await t.test('statistics', (t) => checkCounters(t, guest, 'smcd'));
  // in every run, SMC-R has the same
  await long(t, 'intervals and resets', (t) => checkIntervals(t, guest, 'smcd'));
  await pair.stop();
  await t.test('the SEID, and a device that is not listed', async (t) => {
    await expectAll(t, guest, {
      'smcd seid': [0, ' [disabled]\n', ''],
      'smcd seid enable': [255, '', 'smcd: the SEID can be enabled and disabled on IBM Z only\n'],
      'smcd device': [0, '', ''],
    });
    const { stdout } = await guest.run('smcd device; smcd info', { tty: { columns: 80 } });
    t.match(stdout, /^smcd: the only SMC-D device is loopback-ism, which the kernel does not list\r\n/);
    t.match((await batch(guest, ['smcd -j info']))[0]?.stdout, /"loopback_ism":true/);
  });
});

// in every run, control-plane.test.ts boots 6.1, and the recorded scene of it has what is shown
for (const kernel of kernelsOf('6.1'))
  long(t, `control plane of kernel ${kernel}`, async (t) => {
    const guest = await bootWithSuite({ kernel, name: 'gamma' });
    t.teardown(() => guest.close());
    await t.test('UEIDs', (t) => checkUeids(t, guest));
    await t.test('settings', (t) => checkSettings(t, guest));
    await guest.run('smcd ueid flush', { check: true });
    await setUpSmcR(guest);
    const pair = await echoPair(guest, { port: 7101, bytes: ECHOED });
    t.match(pair.verdict, /^same /, 'over TCP');
    await pair.stop();
    const outcomes = await batch(guest, [
      ...EVERYTHING('smcr'),
      ...EVERYTHING('smcd'),
      'smcd -j seid',
      'smcd -j sysctl',
      'smcd sysctl',
    ]);
    t.strictSame(
      outcomes.map(({ status, stderr }) => ({ status, stderr })),
      outcomes.map(() => ({ status: 0, stderr: '' })),
    );
    t.match(parse(outcomes[0]!).info, { version: '2.0', hostname: 'gamma', smcr_versions: [1, 2] });
    // this kernel does not know the interface under a software device
    t.match(parse(outcomes[1]!).devices, [{ ib_device: 'rxelo', interface: null, state: 'ACTIVE' }]);
    const { statistics } = parse(outcomes[3]!);
    t.equal(statistics.rx.buffer_usage_bytes, null, 'not told by this kernel');
    t.equal(statistics.fallbacks.client.total + statistics.fallbacks.server.total, 2);
    const absent = parse(outcomes.at(-2)!).sysctls.filter(({ value }: { value: unknown }) => value === null);
    t.ok(absent.some(({ name }: { name: string }) => name === 'limit_smc_hs'));
    t.notMatch(outcomes.at(-1)?.stdout, /limit_smc_hs/);
  });

t.test('link groups between two hosts', async (t) => {
  const [left, right] = cable();
  const guests = await Promise.all([
    bootWithSuite({ kernel: '6.12', name: 'left', cable: left }),
    bootWithSuite({ kernel: '6.12', name: 'right', cable: right }),
  ]);
  t.teardown(() => Promise.all(guests.map((guest) => guest.close())));
  for (const guest of guests) {
    await setUpSmcR(guest, 'eth0');
    await guest.run('smcr ueid add SMC-TOOLS.TEST', { check: true });
  }
  const [client, server] = guests as [Guest, Guest];
  const serving = await server.start(
    `exec ${OVER_SMC} node test/vm/programs/echo-server.mjs 7101 ${right.address}`,
  );
  await waitForListener(server, 7101);
  await firstOverSmcR(client, `${right.address} 7101`);
  const stop = await client.start(
    `mkfifo /tmp/stop; ${OVER_SMC} node test/vm/programs/echo-client.mjs 7101 ${right.address} 300000 < /tmp/stop > /tmp/outcome & sleep infinity > /tmp/stop`,
  );
  await waitFor(client, 'test -s /tmp/outcome');
  t.match((await client.readBytes('/tmp/outcome')).toString(), /^same /);
  const groupIn = async (guest: Guest) =>
    parse((await batch(guest, ['smcr -j linkgroup']))[0]!).link_groups[0];
  let groups: Awaited<ReturnType<typeof groupIn>>[] = [];
  await waitUntil(
    'the end of the first connection',
    async () => {
      groups = await Promise.all(guests.map(groupIn));
      return groups.every((group) => group?.connections === 1);
    },
    { seen: () => groups },
  );
  const [mine, theirs] = groups;
  t.match(mine, {
    role: 'CLNT',
    peer_host: 'right',
    connections: 1,
    eid: 'SMC-TOOLS.TEST',
    peer_os: 'LINUX',
  });
  t.match(theirs, { role: 'SERV', peer_host: 'left', connections: 1 });
  t.equal(mine.links[0].link_uid, theirs.links[0].peer_uid);
  t.equal(mine.links[0].peer_uid, theirs.links[0].link_uid);
  t.equal(mine.links[0].gid, theirs.links[0].peer_gid);
  t.equal(mine.links[0].interface, 'eth0');
  t.equal(mine.links[0].ib_device, 'rxeeth0');
  const [stats] = await batch(server, ['smcr -j stats']);
  t.equal(parse(stats!).statistics.rx.bytes, 300_000, 'received by the server');
  stop.kill();
  serving.kill();
});
