import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { oneLine, Problem } from '../../scripts/entry.mjs';
import { amount, apt, downloadSize, ensureRoot } from './apt.ts';
import { withLock } from './cache.ts';
import { packagesForSources } from './debian-sources.ts';
import { text } from './program.ts';
import { step } from './progress.ts';

/**
 * What Debian packages are for. An entry point asks for the uses that it has (`scripts/run.mjs`, `scripts/test.mjs`),
 * and gets no others installed.
 */
export const uses = [
  /** Building `dist/`. */
  'build',
  /** Building the preload library for programs of 32 bits. */
  'build-32',
  /** Building the C part for other machines. */
  'build-arm64',
  'build-s390x',
  /** Making a Debian package. */
  'deb',
  /** Making an RPM. */
  'rpm',
  /** Comparing two releases. */
  'release-test',
  /** Booting a guest. */
  'guest',
  /** Booting one for s390x. */
  'guest-s390x',
  /** Sockets to list, for recordings and measurements. */
  'scenes',
  /** Something to run over SMC, for the demo and for a look around. */
  'transfer',
  /** Rebuilding smc with loopback-ism, for the kernel 6.12-smcd. */
  'smcd-kernel',
  /** Building the kernel 7.x. */
  'kernel-build',
  /** Tests of what is new in the kernel 7.x. */
  'kernel-tests',
  /** Tests that need no kernel with SMC. */
  'fast-tests',
  /** Tests in the guest, whose programs are the host's. */
  'guest-tests',
  /** Trying the set-up on systems made for it. */
  'fresh-systems',
  /** Making the pictures of the README. */
  'screenshots',
] as const;

export type Use = (typeof uses)[number];

const tests: Use[] = ['fast-tests', 'guest-tests'];

/** A Debian package, and what needs it. */
export interface HostPackage {
  /** `-N-` stands for the version of gcc. */
  name: string;
  for: readonly Use[];
  why: string;
  /** True on machines that do not need it. */
  unless?: () => boolean;
}

/** Whether the headers of libuv lie beside this Node, as they do unless a distribution has packaged them apart. */
function nodeHasHeaders(): boolean {
  return existsSync(resolve(dirname(process.execPath), '../include/node/uv.h'));
}

/** All Debian packages that anything here needs: what each is for, and why. Those that are essential are left out. */
export const hostPackages: readonly HostPackage[] = [
  {
    name: 'gcc',
    for: ['build', 'smcd-kernel', 'kernel-build', ...tests],
    why: 'compiles the C part, smc, a kernel, programs of tests',
  },
  {
    name: 'libc6-dev',
    for: ['build', 'smcd-kernel', 'kernel-build', ...tests],
    why: 'headers for all that is compiled',
  },
  { name: 'libc6-dev-i386', for: ['build-32', ...tests], why: 'headers and C library for 32 bits' },
  // gcc-multilib would not go together with the cross compilers
  { name: 'lib32gcc-N-dev', for: ['build-32', ...tests], why: "the compiler's own library for 32 bits" },

  { name: 'debhelper', for: ['deb', 'guest-tests'], why: 'makes the Debian package from debian/' },
  { name: 'rpm', for: ['rpm', 'fast-tests'], why: 'makes the RPM, and installs it into a directory' },
  { name: 'rpmlint', for: ['fast-tests', 'release-test'], why: 'has to like the RPM' },
  { name: 'dnf', for: ['fast-tests'], why: 'installs the RPM' },
  { name: 'zypper', for: ['fast-tests'], why: 'installs the RPM' },
  { name: 'createrepo-c', for: ['fast-tests'], why: 'makes a repository for them' },
  { name: 'podman', for: tests, why: 'builds the image of the example, runs containers' },
  { name: 'crun', for: tests, why: 'what podman starts containers with' },

  { name: 'qemu-system-x86', for: ['guest'], why: 'the virtual machine' },
  { name: 'qemu-system-s390x', for: ['guest-s390x'], why: 'the virtual machine for s390x' },
  {
    name: 'busybox-static',
    for: ['guest', 'fast-tests'],
    why: "the guest's first programs; a shell to test",
  },
  { name: 'kmod', for: ['guest'], why: 'depmod and modprobe, for the modules of other kernels' },
  {
    name: 'xz-utils',
    for: ['guest', 'smcd-kernel', 'kernel-build'],
    why: "unpacks modules and the kernel's source",
  },
  { name: 'iproute2', for: ['guest', 'guest-tests'], why: 'rdma and ss, in the guest' },
  { name: 'procps', for: ['guest', ...tests], why: 'ps, which a guest tells with when a command hangs' },
  { name: 'iperf3', for: ['transfer', 'guest-tests'], why: 'a TCP program that knows nothing of SMC' },

  { name: 'make', for: ['smcd-kernel', 'kernel-build'], why: 'kbuild' },
  { name: 'libelf1', for: ['smcd-kernel'], why: 'objtool, which kbuild runs on every object file, needs it' },
  { name: 'flex', for: ['kernel-build'], why: 'makes the reader of the configuration' },
  { name: 'bison', for: ['kernel-build'], why: 'makes the reader of the configuration' },
  { name: 'bc', for: ['kernel-build'], why: "computes the kernel's constants of time" },
  { name: 'libelf-dev', for: ['kernel-build'], why: 'objtool, bpftool and what numbers the types of BPF' },
  { name: 'pahole', for: ['kernel-build'], why: 'types for BPF, which a program for hs_ctrl needs' },
  { name: 'clang', for: ['kernel-tests'], why: 'compiles a BPF program' },

  { name: 'mandoc', for: ['fast-tests'], why: 'tests of the man pages' },
  { name: 'patch', for: ['fast-tests'], why: 'has to take our differences' },
  { name: 'musl-tools', for: tests, why: 'programs with another C library' },
  { name: 'gcc-s390x-linux-gnu', for: ['build-s390x', ...tests], why: 'the C part of packages for s390x' },
  {
    name: 'g++-s390x-linux-gnu',
    for: ['build-s390x', ...tests],
    why: 'the addon of the npm package netlink for s390x',
  },
  { name: 'libc6-dev-s390x-cross', for: ['build-s390x', ...tests], why: 'headers for s390x' },
  {
    name: 'libuv1-dev',
    for: ['build-s390x', ...tests],
    why: 'headers for it, where Node comes without',
    unless: nodeHasHeaders,
  },
  { name: 'gcc-aarch64-linux-gnu', for: ['build-arm64', ...tests], why: 'the C part of packages for arm64' },
  { name: 'libc6-dev-arm64-cross', for: ['build-arm64', ...tests], why: 'headers for arm64' },
  { name: 'qemu-user', for: ['fast-tests'], why: 'runs programs for other machines' },
  { name: 'valgrind', for: ['fast-tests'], why: 'tests of the C part' },
  { name: 'bash-completion', for: tests, why: 'tests of the completions' },
  { name: 'zsh', for: ['fast-tests'], why: 'tests of the completions' },
  { name: 'fish', for: ['fast-tests'], why: 'tests of the completions' },
  {
    name: 'prometheus',
    for: tests,
    why: 'scrapes smc_exporter, runs the rules and the queries of the examples',
  },
  { name: 'python3-pcp', for: ['fast-tests'], why: 'what a part of PCP links with that is not installed' },
  { name: 'python3-requests', for: ['fast-tests'], why: 'PCP asks smc_exporter with it' },
  { name: 'chromium', for: ['fast-tests', 'screenshots'], why: 'shows the page of smc_exporter' },
  { name: 'python3', for: ['scenes', ...tests], why: 'programs that open sockets of any family' },

  { name: 'curl', for: ['guest-tests'], why: 'a client to run over SMC' },
  { name: 'tmux', for: ['guest-tests'], why: 'a terminal for smcss --watch' },
  { name: 'systemd', for: ['guest-tests'], why: 'booted in a guest for the tests of services' },
  { name: 'ansible-core', for: tests, why: 'reads and runs the example for it' },
  { name: 'udev', for: ['guest-tests'], why: 'tells of devices that come and are renamed, in a guest' },
  { name: 'lintian', for: ['guest-tests', 'release-test'], why: 'has to like the Debian package' },
  { name: 'golang-go', for: ['guest-tests'], why: 'programs that no preload library reaches' },
  { name: 'default-jre-headless', for: ['guest-tests'], why: 'a program with sockets of its own kind' },

  { name: 'debootstrap', for: ['fresh-systems'], why: 'makes a fresh system' },
];

const ensured = new Map<string, Promise<void>>();

/**
 * Installs the Debian packages for these uses on this machine, if any are missing: directly as root, else by sudo.
 * Says before how much it fetches. Costs one dpkg-query when all are there.
 *
 * @throws Problem that has the command to run by hand, when the packages cannot be installed from here
 */
export function ensureHostPackages(wanted: readonly Use[] = ['guest']): Promise<void> {
  const key = [...wanted].sort().join();
  let result = ensured.get(key);
  if (!result) {
    result = installMissing(wanted);
    ensured.set(key, result);
  }
  return result;
}

async function installMissing(wanted: readonly Use[]): Promise<void> {
  if (wanted.includes('guest') && process.arch !== 'x64')
    throw new Problem(
      `guests boot a kernel for x64 on this machine's own files, so it must be x64, and this is ${process.arch}: the commands themselves work here, see README.md`,
    );
  if ((await missingPackages(wanted)).length === 0) return;
  await withLock('host-packages', async () => {
    const missing = await missingPackages(wanted);
    if (missing.length === 0) return;
    const byHand = `sudo apt-get update && sudo apt-get install --no-install-recommends ${missing.join(' ')}`;
    await ensureRoot(byHand);
    await install(missing).catch((error: unknown) => {
      throw new Problem(`Debian packages could not be installed (${oneLine(error)}); by hand: ${byHand}`);
    });
  });
}

async function install(names: string[]): Promise<void> {
  const words = ['install', '--no-install-recommends', ...names];
  let size = await downloadSize(words);
  if (size === undefined) {
    // The package lists are missing or too old: then, and only then, fetch them.
    await updateLists();
    size = await downloadSize(words);
  }
  const said = size === undefined ? '' : ` (${amount(size)})`;
  const run = () =>
    step(`installing Debian packages${said}: ${names.join(' ')}`, (tell) =>
      apt('apt-get', ['-y', ...words], { asRoot: true, tell }),
    );
  await run().catch(async (error: unknown) => {
    // a mirror drops versions that the lists still have
    if (!/fetch|404/i.test(oneLine(error))) throw error;
    await updateLists();
    await run();
  });
}

function updateLists(): Promise<unknown> {
  return step("fetching this machine's package lists", (tell) =>
    apt('apt-get', ['update'], { asRoot: true, tell }),
  );
}

/** Names of packages of these uses that are not installed. */
async function missingPackages(wanted: readonly Use[]): Promise<string[]> {
  const names = await namesFor(wanted);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
  const format = '${Package} ${Provides} ${db:Status-Status}\\n';
  // No names: dpkg-query would exit with 1 for each name it has never heard of.
  const listing = await text('dpkg-query', ['-W', '-f', format]).catch(() => {
    throw new Problem(
      `this takes a machine with Debian or Ubuntu: dpkg-query does not work here, so nobody knows whether these are installed: ${names.join(' ')}`,
    );
  });
  const installed = new Set<string>();
  for (const line of listing.split('\n')) {
    if (!line.endsWith(' installed')) continue;
    for (const name of line.split(/[ ,]+/)) installed.add(name);
  }
  return names.filter((name) => !installed.has(name));
}

/** Names of the packages of these uses, as they are called on this machine. */
async function namesFor(wanted: readonly Use[]): Promise<string[]> {
  const names = hostPackages
    .filter((one) => one.for.some((use) => wanted.includes(use)) && !one.unless?.())
    .map(({ name }) => name);
  const real = await Promise.all(
    names.map(async (name) => (name.includes('-N-') ? name.replace('N', await gccVersion()) : name)),
  );
  return wanted.includes('guest') ? [...real, ...(await packagesForSources())] : real;
}

/**
 * Major version of the gcc that is installed, or else of the one that would be: libraries of the compiler are packages
 * that are named after it.
 */
async function gccVersion(): Promise<string> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
  const installed = await text('dpkg-query', ['-W', '-f', '${Depends}', 'gcc']).catch(() => '');
  const known = installed || (await apt('apt-cache', ['show', '--no-all-versions', 'gcc']).catch(() => ''));
  const [, version] = /\bgcc-(\d+)\b/.exec(known) ?? [];
  if (version) return version;
  await updateLists();
  const [, found] = /\bgcc-(\d+)\b/.exec(await apt('apt-cache', ['show', '--no-all-versions', 'gcc'])) ?? [];
  if (found) return found;
  throw new Problem('apt has no package gcc: is `main` among the components in its sources?');
}
