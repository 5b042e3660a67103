// SPDX-License-Identifier: MIT
// examples/container: the image is built without network, its commands work without any capability, and the seccomp profile
// lets SMC pass and filters other families. The kernel of this machine may have no SMC: it says so, and a filter says EPERM
// or ENOSYS.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { buildNative } from '../../native/build.mjs';
import { oldGlibcFlags, provideNetlink } from '../../scripts/prebuild.mjs';
import { makeSmallRoot } from '../helpers/small-root.ts';

if (process.geteuid?.() !== 0) {
  t.fail('these tests need root, to make containers');
  process.exit();
}

const project = fileURLToPath(new URL('../..', import.meta.url));
const example = join(project, 'examples/container');
const { bin, version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  version: string;
};

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-container-'));

/**
 * Runs podman with a storage of its own, in a mount namespace whose control groups are of version 2 only: crun knows no
 * mixture.
 */
function podman(...words: string[]) {
  const script = `umount --recursive /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit
exec podman --root ${scratch}/storage --runroot ${scratch}/run --tmpdir ${scratch}/tmp --cgroup-manager cgroupfs --runtime crun "$@"`;
  return spawnSync(
    'env',
    [
      '-i',
      `PATH=${process.env['PATH']}`,
      `HOME=${scratch}`,
      'unshare',
      '--mount',
      ...['sh', '-c', script, 'podman', ...words],
    ],
    { encoding: 'utf8', cwd: scratch },
  );
}

/** Runs a command in a container. */
const inside = (options: string[], ...command: string[]) =>
  podman(
    ...'run --rm --pull never --network none --cgroups disabled --cap-drop all'.split(' '),
    // the defaults are more than this machine may allow
    ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
    ...options,
    'localhost/smc-tools',
    ...command,
  );

t.teardown(() => {
  podman('system', 'reset', '--force');
  rmSync(scratch, { recursive: true, force: true });
});

/** What `npm pack` makes, for this machine alone, and without touching what other tests use. */
async function pack(to: string): Promise<void> {
  const copy = join(scratch, 'checkout');
  for (const path of ['bin', 'dist', 'man', 'native', 'schemas', 'package.json', 'README.md', 'LICENSE'])
    cpSync(join(project, path), join(copy, path), { recursive: true });
  const outDir = join(copy, 'prebuilds', `linux-${process.arch}`);
  await buildNative({ outDir, programFlags: oldGlibcFlags(process.arch) });
  provideNetlink(process.arch, outDir, 'c++');
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', to], { cwd: copy, stdio: 'ignore' });
}

t.before(async () => {
  const root = join(scratch, 'root');
  makeSmallRoot(root);
  execFileSync('gcc', ['-static', '-o', join(root, 'bin/errno-of'), 'test/as-root/errno-of.c'], {
    cwd: project,
  });
  const base = join(scratch, 'base.tar');
  execFileSync('tar', ['-C', root, '-cf', base, '.']);
  const imported = podman('import', base, 'localhost/base');
  if (imported.status !== 0) throw new Error(imported.stderr);
  const context = join(scratch, 'context');
  mkdirSync(context);
  copyFileSync(join(example, 'Containerfile'), join(context, 'Containerfile'));
  await pack(context);
  const words = ['build', '--pull-never', '--isolation', 'chroot', '--build-arg', 'BASE=localhost/base'];
  const built = podman(...words, '--tag', 'localhost/smc-tools', context);
  if (built.status !== 0) throw new Error(built.stdout + built.stderr);
});

const PROFILE = ['--security-opt', `seccomp=${join(example, 'seccomp.json')}`];

t.test('the commands, without any capability', async (t) => {
  const names = Object.keys(bin);
  const script = `grep CapEff /proc/self/status; for c in ${names.join(' ')}; do command -v $c && $c -v; done
smc_run node -p 'process.env.LD_PRELOAD'
smc_run --via seccomp node -p 42; ls /opt/package/dist/commands/smcss.cache`;
  const { stdout, stderr } = inside(PROFILE, 'sh', '-c', script);
  t.equal(
    stdout,
    `CapEff:\t0000000000000000\n${names.map((name) => `/opt/package/bin/${name}\n${name} utility, smc-tools-${version}\n`).join('')}/opt/package/prebuilds/linux-${process.arch}/libsmc-preload.so\n42\n/opt/package/dist/commands/smcss.cache\n`,
    stderr,
  );
  const denied = inside(PROFILE, 'smcss', '-N', '1');
  t.match(denied.stderr, /namespace '1' cannot be entered; CAP_SYS_ADMIN is needed/, denied.stderr);
});

const { errno } = (await import('node:os')).constants;

/** Family, type and protocol of sockets, and what the kernel of this machine says to them. */
const SOCKETS = {
  AF_UNIX: [1, 1, 0],
  AF_INET: [2, 1, 0],
  IPPROTO_SMC: [2, 1, 256],
  'IPPROTO_SMC, IPv6': [10, 1, 256],
  NETLINK_GENERIC: [16, 3, 16],
  AF_SMC: [43, 1, 0],
  'AF_SMC, IPv6': [43, 1, 1],
  NETLINK_AUDIT: [16, 3, 9],
  AF_ALG: [38, 5, 0],
  AF_VSOCK: [40, 1, 0],
} as const;
const ALLOWED = Object.keys(SOCKETS).slice(0, 7);

function sockets(options: string[]): Record<string, number> {
  const { stdout, stderr } = inside(options, 'errno-of', ...Object.values(SOCKETS).flat().map(String));
  const errors = stdout.trim().split('\n').map(Number);
  if (errors.length !== Object.keys(SOCKETS).length) throw new Error(stderr);
  return Object.fromEntries(Object.keys(SOCKETS).map((name, index) => [name, errors[index]!]));
}

t.test('the profile', async (t) => {
  const kernel = sockets(['--security-opt', 'seccomp=unconfined']);
  for (const name of ALLOWED)
    t.ok([0, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT].includes(kernel[name]!), `${name}: ${kernel[name]}`);
  const filtered = sockets(PROFILE);
  for (const name of Object.keys(SOCKETS))
    t.equal(filtered[name], ALLOWED.includes(name) ? kernel[name] : errno.ENOSYS, name);

  const without = join(scratch, 'without.json');
  const profile = JSON.parse(readFileSync(join(example, 'seccomp.json'), 'utf8')) as {
    syscalls: { comment?: string }[];
  };
  const syscalls = profile.syscalls.filter(({ comment }) => comment !== 'AF_SMC');
  t.equal(syscalls.length, profile.syscalls.length - 1);
  writeFileSync(without, JSON.stringify({ ...profile, syscalls }));
  const denied = sockets(['--security-opt', `seccomp=${without}`]);
  t.equal(denied['AF_SMC'], errno.ENOSYS, 'it is the rule that lets AF_SMC pass');

  const byDefault = sockets([]);
  for (const name of ALLOWED)
    t.equal(byDefault[name], kernel[name], `${name} by default, as the README has it`);
});
