// SPDX-License-Identifier: MIT
// hs_ctrl, since Linux 6.19: a real BPF program decides which connections may use SMC, and the commands show it.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type CommandResult, setUpSmcR } from '../vm/guest.ts';
import { kernel } from '../vm/kernel.ts';
import { ensureHostPackages } from '../vm/packages.ts';
import { addUeid, batch, bootWithSuite, echoPair, type JsonSocket, on, sockets } from '../vm/suite.ts';

await ensureHostPackages(['kernel-tests']);
const guest = await bootWithSuite({ kernel: '7.x' });
t.teardown(() => guest.close());
await setUpSmcR(guest);
await addUeid(guest);

const source = fileURLToPath(new URL('hs-ctrl.bpf.c', import.meta.url));
for (const [name, define] of [
  ['never', '-DNEVER'],
  ['unanswered', '-UNEVER'],
] as const)
  execFileSync('clang', [
    '-O2',
    '-g',
    '-target',
    'bpf',
    define,
    '-c',
    source,
    '-o',
    join(guest.share, `${name}.o`),
  ]);
/** That of Debian 12 does not find types in modules. */
const bpftool = join(dirname((await kernel('7.x')).image), 'bpftool');

// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field
const parse = ({ stdout }: CommandResult): any => JSON.parse(stdout);

/** The sockets of a connection over lo, while it lasts. */
async function connect(port: number): Promise<JsonSocket[]> {
  const pair = await echoPair(guest, { port });
  t.match(pair.verdict, /^same /, 'data came back unchanged');
  const found = on(port, await sockets(guest));
  await pair.stop();
  return found;
}

async function findings(): Promise<Record<string, unknown>[]> {
  const [checked] = await batch(guest, ['smc_chk -j']);
  return parse(checked!).checks.filter(({ subject }: { subject: string }) => subject === 'net.smc.hs_ctrl');
}

t.test('a program that is not there', async (t) => {
  const [set, show] = await batch(guest, ['smcd sysctl set hs_ctrl never', 'smcd sysctl show hs_ctrl']);
  t.strictSame(set, {
    status: 255,
    stdout: '',
    stderr:
      "smcd: there is no BPF program 'never' for handshakes; register it: bpftool struct_ops register FILE\n",
  });
  t.match(show, { status: 0, stderr: '' });
  t.strictSame(await findings(), []);
});

t.test('registered alone, it decides nothing', async (t) => {
  // where smc is a module, the bpftool of Linux 7.3 registers a program, and then crashes as it prints the name of its type
  const register = (name: string) => guest.run(`${bpftool} struct_ops register /share/${name}.o`);
  for (const name of ['never', 'unanswered']) t.match(`${(await register(name)).status}`, /^(0|139)$/);
  t.strictSame(
    (await connect(7601)).map(({ mode }) => mode),
    ['SMCR', 'SMCR'],
  );
});

for (const [port, name] of [
  [7602, 'never'],
  [7603, 'unanswered'],
] as const)
  t.test(`"${name}" turns SMC off`, async (t) => {
    const [set] = await batch(guest, [`smcd -j sysctl set hs_ctrl ${name}`]);
    t.match(set, { status: 0, stderr: '' });
    t.match(parse(set!).sysctls, [{ name: 'hs_ctrl', value: name, default: '' }]);
    const found = await connect(port);
    t.ok(found.length > 0);
    for (const { mode, fallback } of found) t.match([mode, fallback?.reason.name], ['TCP', 'PEERNOSMC']);
    t.match(await findings(), [
      {
        status: 'warning',
        finding: `${name}; the default is empty`,
        reason: `the BPF program "${name}" decides which connections may use SMC`,
        fix: "sysctl -w 'net.smc.hs_ctrl='",
      },
    ]);
    const server = await guest.start(`exec smc_chk -S -p 370${port % 100}`);
    await guest.run(`wait_for "ss -Hltn sport = :370${port % 100}" .`, { check: true });
    const live = await guest.run(`smc_chk -jC 127.0.0.1:370${port % 100}`);
    t.match(parse(live).connection, {
      mode: 'TCP',
      cause: { name: 'PEERNOSMC' },
      likely_cause: { at: 'local', text: new RegExp(`^the BPF program "${name}" decides`) },
    });
    server.kill();
    await server.wait();
  });

t.test('a program may be for later network namespaces, too', async (t) => {
  const value = async () =>
    (await guest.run('unshare -n smcd -j sysctl show hs_ctrl', { check: true })).stdout;
  t.match(await value(), /"value":"unanswered"/);
  await guest.run('smcd sysctl set hs_ctrl never', { check: true });
  t.match(await value(), /"value":""/, 'the other one is not');
});

t.test('off again, by the fix of the check', async (t) => {
  const [found] = await findings();
  await guest.run(`${found?.['fix']}`, { check: true });
  t.strictSame(await findings(), []);
  t.strictSame(
    (await connect(7604)).map(({ mode }) => mode),
    ['SMCR', 'SMCR'],
  );
  await guest.run('smcd sysctl set hs_ctrl never; smcd sysctl set hs_ctrl default', { check: true });
  t.match((await guest.run('cat /proc/sys/net/smc/hs_ctrl')).stdout, /^\s*$/);
});
