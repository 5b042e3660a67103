// SPDX-License-Identifier: MIT
/**
 * Records replies of real kernels for the replay tests: `npm run record [-- SCENE…]`. Every scene is a directory below
 * test/fixtures. It contains a bundle of smc_dbg, as a user would send it, and expected.json with what commands printed.
 * Commands that change something have separate recordings. Check the difference before you commit it.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { extract } from 'tar';
import { bootInstalled, hold, PCI_FUNCTIONS } from '../s390x/installed.ts';
import { type Guest, type KernelName, projectDirectory, setUpSmcR } from './guest.ts';
import { addUeid, batch, bootWithSuite, echoPair, UEID, waitFor, waitForListener } from './suite.ts';

/** Contents of expected.json. */
export interface Expected {
  runs: {
    /** without the `--from` of commands that read the bundle */
    argv: string[];
    stdout: string;
    stderr: string;
    status: number;
    /** netlink traffic of a command that changes something */
    recording?: string;
  }[];
}

async function record(
  guest: Guest,
  name: string,
  listings: readonly string[],
  changes: readonly string[],
): Promise<void> {
  const directory = join(projectDirectory, 'test/fixtures', name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'writes'), { recursive: true });
  await guest.run('smc_dbg -o /tmp/scene.tgz', { check: true });
  const archive = join(directory, 'scene.tgz');
  writeFileSync(archive, await guest.readBytes('/tmp/scene.tgz'));
  extract({ file: archive, cwd: directory, sync: true, strip: 1 });
  rmSync(archive);

  const expected: Expected = { runs: [] };
  const fromBundle = OF_THE_MOMENT.map((line) => `${line} --from /tmp/scene.tgz`);
  const shown = await batch(guest, [...listings, ...fromBundle]);
  for (const [index, line] of [...listings, ...OF_THE_MOMENT].entries())
    expected.runs.push({ argv: line.split(' '), ...shown[index]! });
  for (const [index, outcome] of (await batch(guest, changes, { record: true })).entries()) {
    const recording = `writes/${changes[index]!.replace(/\W+/g, '-')}.jsonl`;
    writeFileSync(join(directory, recording), await guest.readBytes(`/tmp/recording.${index}`));
    expected.runs.push({ argv: changes[index]!.split(' '), ...outcome, recording });
  }
  writeFileSync(join(directory, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`);
  process.stderr.write(`recorded ${name}\n`);
}

const LISTINGS = ['', '-a', '-aW', '-d', '-R', '-D', '-l', '-aj', '-ap'].map((options) =>
  `smcss ${options}`.trim(),
);

const INSPECTION = ['smcd', 'smcr'].flatMap((command) =>
  ['info', 'device', 'linkgroup', 'linkgroup link-show', 'stats', 'ueid', 'hs-limit', 'sysctl']
    .flatMap((words) => [`${command} -dd ${words}`, `${command} -j ${words}`])
    .concat(`${command} linkgroup`, `${command} stats json`),
);

const DEVICES = [
  ...['smc_pnet', 'smc_pnet -j'],
  ...['-a', '-aI', '-aIr', '-aj'].map((options) => `smc_rnics ${options}`),
  ...['-i lo', '-i lo -j', '-s lo', '-s -j lo'].map((words) => `smc_chk ${words}`),
];

/**
 * Commands that show what differs from one moment to the next, such as the free memory: the guest runs them against the
 * bundle. smc_run has nothing to record: it shows nothing and asks the kernel nothing.
 */
const OF_THE_MOMENT = ['smc_chk', 'smc_chk -j'];

const CHANGES = ['smcd ueid del NONE', 'smcr ueid del NONE'];

/** Listeners of both families, a fallback, sockets without a connection. */
async function bystanders(guest: Guest): Promise<void> {
  await guest.start('exec smc_run node test/vm/programs/echo-server.mjs 7201 ::');
  await guest.start('exec smc_run node test/vm/programs/echo-server.mjs 7202 0.0.0.0');
  await echoPair(guest, { port: 7203, client: 'env' });
  await guest.start('exec python3 test/vm/programs/hold-sockets.py 2');
  await waitForListener(guest, 7201);
  await waitForListener(guest, 7202);
}

const wanted = process.argv.slice(2);

async function scene(
  name: string,
  system: KernelName | (() => Promise<Guest>),
  work: (guest: Guest) => Promise<void>,
): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const guest = typeof system === 'string' ? await bootWithSuite({ kernel: system }) : await system();
  try {
    await work(guest);
  } finally {
    await guest.close();
  }
}

await scene('6.12-smcr', '6.12', async (guest) => {
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
  await addUeid(guest);
  await bystanders(guest);
  await echoPair(guest, { port: 7204 });
  await guest.start('exec python3 test/vm/programs/ipproto-smc.py 7205');
  await waitFor(guest, 'ss -Htn state established sport = :7205', { shows: '.' });
  await record(
    guest,
    '6.12-smcr',
    [...LISTINGS, ...INSPECTION, ...DEVICES],
    [...CHANGES, 'smc_pnet -a NET2 -I lo', 'smc_pnet -d NET9'],
  );
});

await scene('6.12-smcd', '6.12-smcd', async (guest) => {
  await addUeid(guest);
  await echoPair(guest, { port: 7204 });
  await record(guest, '6.12-smcd', [...LISTINGS, ...INSPECTION, 'smcd seid', ...DEVICES], CHANGES);
});

await scene('6.1-fallback', '6.1', async (guest) => {
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo; smc_pnet -f', { check: true });
  await bystanders(guest);
  await record(guest, '6.1-fallback', [...LISTINGS, ...INSPECTION, ...DEVICES], CHANGES);
});

// both ways at once: with a PNET ID that no interface has in hardware, the loopback device of dibs is out of the way
await scene('7.x-dibs', '7.x-smcd', async (guest) => {
  await setUpSmcR(guest);
  await addUeid(guest);
  await guest.run('smcr sysctl set smcr_max_send_wr 64', { check: true });
  await bystanders(guest);
  await echoPair(guest, { port: 7204 });
  await guest.run('smc_pnet -a NETD -D lo', { check: true });
  await echoPair(guest, { port: 7206, address: '::ffff:127.0.0.1' });
  await guest.run('smc_pnet -f; smc_pnet -a NET1 -I lo -D rxelo', { check: true });
  await record(
    guest,
    '7.x-dibs',
    [...LISTINGS, ...INSPECTION, 'smcd seid', ...DEVICES],
    [...CHANGES, 'smc_pnet -a NET2 -D lo', 'smc_pnet -d NET9'],
  );
});

// the other byte order: SMC-D, a SEID that is enabled when the last UEID goes, PCI functions
const s390x = (): Promise<Guest> =>
  bootInstalled({ kernel: '6.12-smcd', name: 's390x-guest', devices: PCI_FUNCTIONS });
await scene('6.12-s390x', s390x, async (guest) => {
  await addUeid(guest);
  await hold(guest, 7204);
  await hold(guest, 7203, 'echo-dynamic');
  await guest.start('exec smc_run echo-dynamic serve plain 7202 1');
  await waitForListener(guest, 7202);
  await record(
    guest,
    '6.12-s390x',
    [...LISTINGS, ...INSPECTION, 'smcd seid', ...DEVICES],
    [...CHANGES, 'smc_pnet -a NET2 -I lo', 'smc_pnet -d NET9', 'smcd seid disable', `smcd ueid del ${UEID}`],
  );
});
