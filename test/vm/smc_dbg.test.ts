// SPDX-License-Identifier: MIT
// smc_dbg on real kernels. The bundles are then read on this host, with --from.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { extract } from 'tar';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { smcPnet } from '../../src/commands/smc_pnet/command.ts';
import { smcd } from '../../src/commands/smcd/command.ts';
import { smcss } from '../../src/commands/smcss/command.ts';
import { filesBelow } from '../helpers/files-below.ts';
import { long } from '../helpers/long.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';
import { type Guest, setUpSmcR } from './guest.ts';
import { addUeid, batch, bootWithSuite, echoPair, firstOverSmcR } from './suite.ts';

/** Commands that show the state of the system, except those with times in their output. */
const SHOWN = [
  'smcss',
  'smcss -a',
  'smcss -l',
  'smcss -aW',
  'smcss -R',
  'smcss -D',
  'smcss -ad',
  'smcss -aj',
  'smcss -ap',
  'smcss -aj comm node',
  'smc_pnet',
  'smc_pnet -s NET1',
  'smc_pnet -j',
  ...['smcd', 'smcr'].flatMap((command) =>
    ['info', 'device', 'linkgroup', 'linkgroup link-show', 'ueid', 'hs-limit', 'sysctl', 'stats'].flatMap(
      (words) => [`${command} -a ${words}`, `${command} -dda ${words}`, `${command} -ja ${words}`],
    ),
  ),
  'smcd seid',
  'smc_rnics -a',
  'smc_rnics -aI',
  'smc_rnics -aj',
  'smc_chk -i lo',
];

const HOST_NAME = 'secret-host.example.com';
const EID = 'SECRET.EID-17';
/** Forms in which original values could remain in a bundle, as text and in the netlink replies. */
const hex = (text: string): string => Buffer.from(text).toString('hex');
const SECRETS = [
  HOST_NAME,
  'secret-host',
  EID,
  hex(EID),
  '0a4d0509', // 10.77.5.9
  'fd7712340000',
  '02:77:66:55:44:33',
  'secret alias',
];

/** The same addresses as text; without an RDMA device, nothing prints them. */
const SECRETS_OF_RDMA = ['10.77.5.9', 'fd77:1234:'];

async function prepare(guest: Guest): Promise<void> {
  await guest.run(
    `hostname ${HOST_NAME}
ip link add d0 type dummy; ip link set d0 address 02:77:66:55:44:33; ip link set d0 alias 'secret alias'; ip link set d0 up
ip addr add 10.77.5.9/24 dev d0; ip addr add fd77:1234::17/64 dev d0 nodad
smc_pnet -a NET1 -I d0`,
    { check: true },
  );
  await addUeid(guest, EID);
}

/** Collects a bundle in the guest, and unpacks it on the host. */
async function fetch(t: Test, guest: Guest, options: string, user = 'root'): Promise<string> {
  const { status, stdout, stderr } = await guest.run(`mkdir -p /tmp/d; cd /tmp/d; smc_dbg -t ${options}`, {
    user,
  });
  t.equal(status, 0, stderr);
  const name = stdout.trim();
  t.match(name, /^smc_dbg-[0-9a-f]{16}\.tgz$/, 'a name that cannot be guessed');
  t.match((await guest.run(`stat -c '%a %u' /tmp/d/${name}`)).stdout, /^600 /, 'for nobody else');
  const directory = ownDirectory(t);
  writeFileSync(join(directory, name), await guest.readBytes(`/tmp/d/${name}`));
  return join(directory, name);
}

function unpacked(t: Test, file: string): { directory: string; files: string[] } {
  const directory = ownDirectory(t);
  extract({ file, cwd: directory, sync: true, strip: 1 });
  return { directory, files: filesBelow(directory) };
}

async function sameAsThere(t: Test, guest: Guest, file: string): Promise<void> {
  const there = await batch(guest, SHOWN);
  for (const [index, line] of SHOWN.entries()) {
    const [name = '', ...words] = line.split(' ');
    const here = await runCommand(await SUITE[name]!(), [...words, '--from', file]);
    t.strictSame(here, there[index], line);
  }
}

async function isRedacted(t: Test, guest: Guest, secrets: readonly string[]): Promise<void> {
  const plain = await fetch(t, guest, '');
  const redacted = await fetch(t, guest, '--redact');
  const all = (file: string) =>
    unpacked(t, file)
      .files.map((path) => readFileSync(path, 'latin1'))
      .join('\n');
  const before = all(plain).toLowerCase();
  const after = all(redacted).toLowerCase();
  for (const secret of secrets.map((text) => text.toLowerCase())) {
    t.ok(before.includes(secret), `${secret} is in the bundle`);
    t.notOk(after.includes(secret), `${secret} is not in the redacted bundle`);
  }
  const { stdout, status } = await runCommand(smcd, ['ueid', '--from', redacted]);
  t.strictSame({ stdout: stdout.trim(), status }, { stdout: 'EID1XXXXXXXXX', status: 0 });
  const sockets = async (file: string) =>
    JSON.parse((await runCommand(smcss, ['-aj', '--from', file])).stdout).sockets as {
      state: string;
      mode: string;
    }[];
  t.strictSame(
    (await sockets(redacted)).map(({ state, mode }) => [state, mode]),
    (await sockets(plain)).map(({ state, mode }) => [state, mode]),
    'all the rest is the same',
  );
}

t.test('SMC-R', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  await setUpSmcR(guest);
  await prepare(guest);
  await guest.run('ip addr del 127.0.0.1/8 dev lo; ip addr add 127.0.0.1/8 dev lo', { check: true });
  await guest.run('smc_pnet -a NET2 -I lo -D rxelo', { check: true });
  await firstOverSmcR(guest);
  const pair = await echoPair(guest, { port: 7301 });
  t.match(pair.verdict, /./);
  await echoPair(guest, { port: 7302, client: 'env', address: '10.77.5.9' });
  await echoPair(guest, { port: 7303, client: 'env', address: 'fd77:1234::17' });

  await t.test('reads back as it was', async (t) => {
    const file = await fetch(t, guest, '');
    await sameAsThere(t, guest, file);
    const { directory } = unpacked(t, file);
    const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
    const there = await batch(guest, [
      'smcss --all --debug',
      'smcr -d linkgroup link-show',
      'smc_pnet --show',
    ]);
    t.equal(read('smcss_all.txt'), there[0]!.stdout);
    t.equal(read('smcr_links.txt'), there[1]!.stdout);
    t.equal(read('pnet_table.txt'), there[2]!.stdout);
    t.match(read('dmesg.txt'), /smc/i);
    const manifest = JSON.parse(read('manifest.json'));
    t.equal(manifest.root, true);
    t.strictSame(manifest.missing, []);
    t.match(read('check.txt'), /^PASS module/m);
    t.match((await runCommand(await SUITE['smc_chk']!(), ['--from', file])).stdout, read('check.txt'));
    for (const [argv, what] of [
      [['-f'], '--flush'],
      [['-a', 'X', '-I', 'lo'], '--add'],
      [['-d', 'X'], '--delete'],
    ] as const)
      t.strictSame(
        await runCommand(smcPnet, [...argv, '--from', file]),
        {
          status: 1,
          stdout: '',
          stderr: `smc_pnet: ${what} needs the running system and cannot be used with --from; smc_pnet --help shows the usage\n`,
        },
        'nothing is changed',
      );
  });

  await t.test('redacted', async (t) => isRedacted(t, guest, [...SECRETS, ...SECRETS_OF_RDMA]));

  await t.test('by an ordinary user', async (t) => {
    await guest.run('mkdir -p /tmp/d; chmod 777 /tmp/d; sysctl -qw kernel.dmesg_restrict=1', { check: true });
    const file = await fetch(t, guest, '', 'nobody');
    const { directory } = unpacked(t, file);
    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
    t.equal(manifest.root, false);
    t.match(manifest.missing, [
      { what: '/proc/1/ns/net', reason: 'EACCES' },
      { what: 'kernel log', reason: 'EPERM' },
      { what: /^owners of \d+ sockets$/, reason: /^EACCES for \d+ processes$/ },
    ]);
    const unknown = await runCommand(smcss, ['-p', '--from', file]);
    t.match(unknown.stdout, / unknown$/m);
    t.match(unknown.stderr, /the bundle does not have their processes/);
    t.match((await runCommand(smcss, ['--from', file])).stdout, /ACTIVE .* SMCR/);
  });

  await t.test('interrupted, there is nothing', async (t) => {
    const { status, stderr } = await guest.run(
      `mkdir /tmp/i; cd /tmp/i; smc_dbg -o out.tgz & p=$!
wait_for 'ls -d /tmp/smc-tools-*'; kill -INT $p; wait $p`,
    );
    t.strictSame([status, stderr], [1, 'smc_dbg: interrupted: nothing was written\n']);
    t.equal((await guest.run('ls -A /tmp/i; ls -d /tmp/smc-tools-*')).stdout, '');
  });

  await long(t, 'of another network namespace', async (t) => {
    await guest.run(
      'ip netns add blue; ip -n blue link add dummy9 type dummy; smc_pnet -N blue -a NETB -I dummy9',
      {
        check: true,
      },
    );
    const file = await fetch(t, guest, '-N blue');
    t.equal((await runCommand(smcPnet, ['--from', file])).stdout, 'NETB dummy9 n/a 255\n');
    const { directory } = unpacked(t, file);
    t.strictSame(readdirSync(join(directory, 'host/sys/class/net')).sort(), ['dummy9', 'lo']);
  });
});

// in every run, test/replay.test.ts has bundles of such hosts
long(t, 'SMC-D', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  await prepare(guest);
  await echoPair(guest, { port: 7311 });
  const file = await fetch(t, guest, '');
  await sameAsThere(t, guest, file);
  t.match((await runCommand(smcss, ['--from', file])).stdout, /SMCD/);
  await isRedacted(t, guest, SECRETS);
});

long(t, 'without SMC', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12', modules: 'absent' });
  t.teardown(() => guest.close());
  const file = await fetch(t, guest, '');
  await sameAsThere(t, guest, file);
  const sections = await guest.run('smc_dbg');
  t.equal(sections.status, 0);
  t.match(sections.stdout, /^\nsmcss utility, smc-tools-/);
  t.match(sections.stderr, /^smc_dbg: smcss --all --debug: this kernel has no SMC/m);
});
