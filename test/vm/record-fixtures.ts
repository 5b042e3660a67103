// SPDX-License-Identifier: MIT
/**
 * Records what real kernels say, for the replay tests: `npm run record`. Every scene is a directory below
 * test/fixtures with the netlink traffic of some commands (*.jsonl), what they printed (scene.json), and the files
 * of /proc and /sys that they read. Look at the difference before committing it.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Guest, type KernelName, projectDirectory, setUpSmcR } from './guest.ts';
import { addUeid, batch, bootWithSuite, echoPair, waitFor, waitForListener } from './suite.ts';

/** Contents of scene.json. */
export interface Scene {
  kernel: string;
  runs: { argv: string[]; recording: string; stdout: string; stderr: string; status: number }[];
}

async function record(guest: Guest, name: string, commands: readonly string[]): Promise<void> {
  const directory = join(projectDirectory, 'test/fixtures', name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const kernel = (await guest.run('uname -r', { check: true })).stdout.trim();
  const scene: Scene = { kernel, runs: [] };
  const outcomes = await batch(guest, commands, { record: true });
  for (const [index, command] of commands.entries()) {
    const recording = `${index}-${command.replace(/\W+/g, '-')}.jsonl`;
    writeFileSync(join(directory, recording), await guest.readBytes(`/tmp/recording.${index}`));
    scene.runs.push({ argv: command.split(' '), recording, ...outcomes[index]! });
  }
  const { stdout: files } = await guest.run(`ls -d ${HOST_FILES.join(' ')} 2>/dev/null`);
  for (const file of files.split('\n').filter(Boolean)) {
    mkdirSync(join(directory, 'host', dirname(file)), { recursive: true });
    writeFileSync(join(directory, 'host', file), await guest.readBytes(file));
  }
  writeFileSync(join(directory, 'scene.json'), `${JSON.stringify(scene, undefined, 2)}\n`);
  process.stderr.write(`recorded ${name}\n`);
}

const HOST_FILES = [
  '/proc/net/protocols',
  '/proc/sys/net/smc/*',
  '/sys/class/net/*/ifindex',
  // the other slots cannot be read while they are empty
  '/sys/class/infiniband/*/ports/*/gid_attrs/types/0',
];

const LISTINGS = ['', '-a', '-aW', '-d', '-R', '-D', '-l', '-aj'].map((options) => `smcss ${options}`.trim());

const INSPECTION = ['smcd', 'smcr'].flatMap((command) =>
  ['info', 'device', 'linkgroup', 'linkgroup link-show', 'stats', 'ueid', 'hs-limit', 'sysctl']
    .flatMap((words) => [`${command} -dd ${words}`, `${command} -j ${words}`])
    .concat(`${command} linkgroup`, `${command} stats json`, `${command} ueid del NONE`),
);

/** Listeners of both families, a fallback, sockets without a connection. */
async function bystanders(guest: Guest): Promise<void> {
  await guest.start('exec smc_run node test/vm/programs/echo-server.mjs 7201 ::');
  await guest.start('exec smc_run node test/vm/programs/echo-server.mjs 7202 0.0.0.0');
  await echoPair(guest, { port: 7203, client: 'env' });
  await guest.start('exec python3 test/vm/programs/hold-sockets.py 2');
  await waitForListener(guest, 7201);
  await waitForListener(guest, 7202);
}

async function scene(kernel: KernelName, work: (guest: Guest) => Promise<void>): Promise<void> {
  const guest = await bootWithSuite({ kernel });
  try {
    await work(guest);
  } finally {
    await guest.close();
  }
}

await scene('6.12', async (guest) => {
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
  await addUeid(guest);
  await bystanders(guest);
  await echoPair(guest, { port: 7204 });
  await guest.start('exec python3 test/vm/programs/ipproto-smc.py 7205');
  await waitFor(guest, 'ss -Htn state established sport = :7205 | grep -q .');
  await record(guest, '6.12-smcr', [
    ...LISTINGS,
    ...INSPECTION,
    'smc_pnet',
    'smc_pnet -j',
    'smc_pnet -a NET2 -I lo',
    'smc_pnet -d NET9',
  ]);
});

await scene('6.12-smcd', async (guest) => {
  await addUeid(guest);
  await echoPair(guest, { port: 7204 });
  await record(guest, '6.12-smcd', [...LISTINGS, ...INSPECTION, 'smcd seid']);
});

await scene('6.1', async (guest) => {
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo; smc_pnet -f', { check: true });
  await bystanders(guest);
  await record(guest, '6.1-fallback', [...LISTINGS, ...INSPECTION, 'smc_pnet']);
});
