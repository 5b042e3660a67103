// SPDX-License-Identifier: MIT
/** A guest for s390x that has the package installed from its own tarball, and what its tests share. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { extract } from 'tar';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import type { BundleManifest } from '../../src/documents/smc_dbg.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';
import { withLock } from '../vm/cache.ts';
import { type CommandResult, Guest, type GuestOptions, projectDirectory } from '../vm/guest.ts';
import { text } from '../vm/program.ts';
import { step } from '../vm/progress.ts';
import type { Expected } from '../vm/record-fixtures.ts';
import { batch } from '../vm/suite.ts';

/** Where the package is in the guest. */
const PACKAGE = '/opt/smc-tools';

/** The programs of the package, by name. */
const { bin } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
};

export const COMMANDS: readonly string[] = Object.keys(bin);

const FIXTURES = join(projectDirectory, 'test/fixtures');

/** Directory of programs of test/vm/programs for s390x: NAME-dynamic and NAME-static, which are on PATH in the guest. */
const PROGRAMS = 'build/s390x';

/** Two PCI functions, as arguments of QEMU: each has a UID and an FID, and is in a slot that is named after its FID. */
export const PCI_FUNCTIONS: readonly string[] = [
  { uid: 0x11, fid: 0x21 },
  { uid: 0x12, fid: 0x22 },
].flatMap(({ uid, fid }, index) => [
  ...['-netdev', `hubport,id=net${index},hubid=0`],
  ...['-device', `zpci,uid=${uid},fid=${fid},target=nic${index},id=zpci${index}`],
  ...['-device', `virtio-net-pci,netdev=net${index},id=nic${index},romfile=`],
]);

// tap's own settings for child processes are not for npm and what it starts
const { NODE_OPTIONS: _, ...env } = process.env;

const host = (file: string, args: string[]): Promise<string> =>
  text(file, args, { cwd: projectDirectory, env });

/** Makes the package, with the native part for s390x, as a file in this directory. */
async function pack(directory: string): Promise<string> {
  await host(process.execPath, ['scripts/prebuild.mjs', 's390x']);
  // without the scripts: dist/ is built already
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
  const [{ filename }] = JSON.parse(await host('npm', words)) as [{ filename: string }];
  return join(directory, filename);
}

async function compile(): Promise<void> {
  mkdirSync(join(projectDirectory, PROGRAMS), { recursive: true });
  for (const [kind, flags] of [
    ['dynamic', []],
    ['static', ['-static']],
  ] as const)
    for (const program of ['echo', 'pair'])
      await host('s390x-linux-gnu-gcc', [
        ...['-O2', '-pthread', ...flags, '-o', `${PROGRAMS}/${program}-${kind}`],
        `test/vm/programs/${program}.c`,
      ]);
}

/** What Node 20 says at its start with --jitless; there is no way to ask for silence in NODE_OPTIONS. */
export const JITLESS_NOTE = /^Warning: disabling flag --expose_wasm due to conflicting flags\n/gm;

/** A result without what only the emulator is to blame for. */
export function clean(result: CommandResult): CommandResult {
  return { ...result, stderr: result.stderr.replace(JITLESS_NOTE, '') };
}

/**
 * Boots a guest for s390x and installs the package in it: the commands are on PATH, `wait_for` of test/helpers, too.
 * Everything runs with --jitless there, since compiled JavaScript is not reliable in this emulator, unless `env` of a
 * command says otherwise.
 */
export async function bootInstalled(options: Omit<GuestOptions, 'machine' | 'env'>): Promise<Guest> {
  const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-s390x-'));
  try {
    // tests that run side by side build in the same place
    const tarball = await withLock('s390x-package', () =>
      step('s390x: packing the package, compiling programs of tests', async () => {
        await compile();
        return pack(scratch);
      }),
    );
    const guest = await step(`s390x: booting kernel ${options.kernel}`, () =>
      Guest.boot({
        ...options,
        machine: 's390x',
        env: { NODE_OPTIONS: '--jitless', BUNDLES: `${PACKAGE}/dist/commands` },
      }),
    );
    await step('s390x: installing the package', () => install(guest, tarball)).catch(async (error) => {
      await guest.close();
      throw error;
    });
    return guest;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function install(guest: Guest, tarball: string): Promise<void> {
  copyFileSync(tarball, join(guest.share, 'package.tgz'));
  const links = Object.entries(bin).map(([name, file]) => `${PACKAGE}/${file} /usr/local/bin/${name}`);
  await guest.run(
    `mkdir -p ${PACKAGE} && tar -xzf /share/package.tgz -C ${PACKAGE} --strip-components=1 --no-same-owner || exit
rm /share/package.tgz
${links.map((words) => `ln -s ${words}`).join('\n')}
cp test/helpers/wait_for /usr/local/bin/
cp ${PROGRAMS}/* /usr/local/bin/
chmod 755 /usr/local/bin/*`,
    { check: true },
  );
}

/** Runs commands in one process, in this order, and compares all that each prints. */
export async function expectAll(
  t: Test,
  guest: Guest,
  expected: readonly (readonly [command: string, status: number, stdout: string, stderr: string])[],
): Promise<void> {
  const outcomes = await batch(
    guest,
    expected.map(([command]) => command),
  );
  for (const [index, [command, status, stdout, stderr]] of expected.entries())
    t.strictSame(outcomes[index], { status, stdout, stderr }, command);
}

/**
 * An SMC connection that stays until `stop()`: a dynamic program by the preload library, a static one by the launcher, or
 * another client.
 */
export async function hold(
  guest: Guest,
  port: number,
  holder = 'smc_run echo-static',
): Promise<() => Promise<void>> {
  const server = await guest.start(`exec smc_run echo-dynamic serve plain ${port} 1`);
  await guest.run(`wait_for 'ss -Hltn sport = :${port}' .`, { check: true });
  const client = await guest.start(`exec ${holder} hold ${port}`);
  await guest.run(`wait_for 'ss -Htn state established dport = :${port}' .`, { check: true });
  return async () => {
    client.kill();
    await Promise.all([client.wait(), server.wait()]);
  };
}

/** What all commands show of a state that does not change between two looks. */
export const SHOWN = [
  ...['', '-a', '-l', '-aW', '-ad', '-R', '-D', '-j', '-aj'].map((options) => `smcss ${options}`.trim()),
  ...['smc_pnet', 'smc_pnet -j'],
  ...['smcd', 'smcr'].flatMap((command) =>
    ['info', 'device', 'linkgroup', 'linkgroup link-show', 'ueid', 'hs-limit', 'sysctl', 'stats'].flatMap(
      (words) => [`${command} -a ${words}`, `${command} -dda ${words}`, `${command} -ja ${words}`],
    ),
  ),
  ...['smcss -as', 'smcss -asj', 'smcss -ap', 'smcss -apj', 'smcss -a mode smcd or mode smcr'],
  ...['smc_conf export', 'smc_conf -j export'],
  ...['smcd linkgroup', 'smcr linkgroup', 'smcd seid', 'smcd -j seid'],
  ...['smc_rnics', 'smc_rnics -a', 'smc_rnics -aI', 'smc_rnics -aIr', 'smc_rnics -aj'],
  ...['smc_chk -i lo', 'smc_chk -i lo -j', 'smc_chk -s lo', 'smc_chk -s -j lo'],
];

/**
 * Collects a bundle there and reads it here: this machine, of the other byte order, prints the same bytes for every
 * command. JSON is checked against the schemas on both sides.
 * @returns what the commands printed there
 */
export async function sameHere(
  t: Test,
  guest: Guest,
  commands: readonly string[] = SHOWN,
): Promise<Map<string, CommandResult>> {
  const outcomes = await batch(guest, commands);
  const made = await guest.run('smc_dbg -o /tmp/bundle.tgz');
  t.strictSame(clean(made), { status: 0, stdout: '/tmp/bundle.tgz\n', stderr: '' }, 'smc_dbg');
  const directory = ownDirectory(t);
  const file = join(directory, 'bundle.tgz');
  writeFileSync(file, await guest.readBytes('/tmp/bundle.tgz'), { mode: 0o600 });
  for (const [index, line] of commands.entries()) {
    const [name = '', ...words] = line.split(' ');
    const here = await runCommand(await SUITE[name]!(), [...words, '--from', file]);
    const [one, other] = [here, outcomes[index]!].map((outcome) => ({
      ...outcome,
      // each installation names its own
      stdout: outcome.stdout.replace(/^(# yaml-language-server: \$schema=)\S+/, '$1'),
    }));
    t.strictSame(one, other, `${line}: there, and here of the bundle`);
  }
  extract({ file, cwd: directory, sync: true, strip: 1 });
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as BundleManifest;
  t.match(readFileSync(join(directory, 'netlink.jsonl'), 'utf8').split('\n')[0], /"BE"/, 'big-endian');
  t.strictSame(manifest.missing, [], 'nothing is missing in the bundle');
  return new Map(commands.map((line, index) => [line, outcomes[index]!]));
}

/** Plays what was recorded on x86 there: every command prints what it printed on x86. */
export async function sameThere(t: Test, guest: Guest, scene: string): Promise<void> {
  const directory = join(FIXTURES, scene);
  const { runs } = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8')) as Expected;
  // commands that change something cannot be played from a bundle
  const played = runs.filter(({ recording }) => !recording);
  const outcomes = await batch(
    guest,
    played.map(({ argv }) => [...argv, '--from', directory]),
  );
  for (const [index, { argv, status, stdout, stderr }] of played.entries())
    t.strictSame(outcomes[index], { status, stdout, stderr }, `${scene}: ${argv.join(' ')}`);
}

/** The scenes that were recorded on x86. */
export const X86_SCENES = readdirSync(FIXTURES).filter(
  (name) => /^\d/.test(name) && !name.endsWith('-s390x'),
);
