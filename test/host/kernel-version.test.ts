// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  isAtLeast,
  type KernelTexts,
  kernelVersion,
  parseKernelVersion,
  readKernelVersion,
  versionText,
} from '../../src/host/kernel-version.ts';

/** "6.12.40"; a question mark for a stable release that is not told, "+" for at least, "rc" for a candidate. */
const parsed = (texts: KernelTexts): string | undefined => {
  const found = parseKernelVersion(texts);
  if (!found) return undefined;
  const { major, minor, patch, isFrozen, isCandidate } = found;
  return `${major}.${minor}.${patch ?? '?'}${isFrozen ? '+' : ''}${isCandidate ? 'rc' : ''}`;
};

t.test('releases that name the stable release', async (t) => {
  for (const [release, expected] of [
    ['6.12.40', '6.12.40'],
    ['6.12.40+', '6.12.40'],
    ['6.12.48+deb13-amd64', '6.12.48'],
    ['6.12.48+deb13-cloud-amd64', '6.12.48'],
    ['6.12.95+deb12-amd64', '6.12.95'],
    ['6.9.7+bpo-amd64', '6.9.7'],
    ['7.3.4+deb14-s390x', '7.3.4'],
    ['6.12.13-amd64', '6.12.13'],
    ['6.11.4-301.fc41.x86_64', '6.11.4'],
    ['6.11.0-63.fc41.s390x', '6.11.0'],
    ['6.11.5-arch1-1', '6.11.5'],
    ['6.11.3-1-default', '6.11.3'],
    ['6.11.3-1.g1a2b3c4-default', '6.11.3'],
    ['6.6.58-0-lts', '6.6.58'],
    ['6.6.58_1', '6.6.58'],
    ['6.6.58-gentoo-x86_64', '6.6.58'],
    ['6.1.112-124.190.amzn2023.x86_64', '6.1.112'],
    ['6.6.57.1-1.azl3', '6.6.57'],
    ['6.8.12-4-pve', '6.8.12'],
    ['6.6.51+rpt-rpi-v8', '6.6.51'],
    ['5.15.153.1-microsoft-standard-WSL2', '5.15.153'],
    ['6.1.100+', '6.1.100'],
    ['6.11.5-1.el9.elrepo.x86_64', '6.11.5'],
    ['6.12.1-test', '6.12.1'],
    ['6.12.40-dirty', '6.12.40'],
    ['6.18', '6.18.0'],
    ['6.18.0', '6.18.0'],
    ['6.18.0+', '6.18.0'],
    ['6.18.0-mine', '6.18.0'],
    ['6.18.0-g0a1b2c3', '6.18.0'],
  ] as const)
    t.equal(parsed({ release }), expected, release);
});

t.test('candidates', async (t) => {
  for (const [release, expected] of [
    ['7.0-rc1', '7.0.0rc'],
    ['7.0.0-rc1+', '7.0.0rc'],
    ['7.3.4-rc1', '7.3.4rc'],
    ['6.10-rc7-amd64', '6.10.0rc'],
    ['6.12.0-rc3-1.g1a2b3c4-default', '6.12.0rc'],
    ['6.12.0-0.rc3.20241018git4d939780b705.29.fc42.x86_64', '6.12.0rc'],
  ] as const)
    t.equal(parsed({ release }), expected, release);
});

t.test('distributions that keep the number', async (t) => {
  for (const [release, expected] of [
    ['5.14.0-570.el9.s390x', '5.14.0+'],
    ['5.14.0-427.13.1.el9_4.x86_64', '5.14.0+'],
    ['4.18.0-553.el8_10.s390x', '4.18.0+'],
    ['6.12.0-55.9.1.el10_0.x86_64', '6.12.0+'],
    ['5.15.0-302.167.6.el9uek.x86_64', '5.15.0+'],
    ['6.4.0-150600.23.22-default', '6.4.0+'],
    ['5.14.21-150500.55.7-default', '5.14.21+'],
    ['5.3.18-59.5-default', '5.3.18+'],
    ['4.12.14-122.228-default', '4.12.14+'],
    ['6.12.0-160000.5-default', '6.12.0+'],
    ['5.10.134-17.2.al8.x86_64', '5.10.134+'],
    ['5.10.134-16.3.an8.x86_64', '5.10.134+'],
    ['5.10.0-216.0.0.115.oe2203sp4.x86_64', '5.10.0+'],
    ['4.19.90-52.22.v2207.ky10.aarch64', '4.19.90+'],
    ['6.6.47-12.tl4.x86_64', '6.6.47+'],
  ] as const)
    t.equal(parsed({ release }), expected, release);
});

const debian = (
  release: string,
  packaged: string,
  compiler = 'gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0',
): string =>
  `Linux version ${release} (debian-kernel@lists.debian.org) (${compiler}, GNU ld (GNU Binutils for Debian) 2.40) ` +
  `#1 SMP PREEMPT_DYNAMIC Debian ${packaged} (2026-10-04)\n`;

t.test('Debian has it in /proc/version', async (t) => {
  for (const [release, packaged, expected] of [
    ['6.1.0-56-amd64', '6.1.192-2', '6.1.192'],
    ['6.1.0-25-rt-amd64', '6.1.106-3', '6.1.106'],
    ['6.1.0-0.deb11.13-amd64', '6.1.55-1~bpo11+1', '6.1.55'],
    ['6.12.95+deb12-amd64', '6.12.95-1~bpo12+1', '6.12.95'],
    ['6.10-rc7-amd64', '6.10~rc7-1~exp1', '6.10.0rc'],
    ['6.6.51+rpt-rpi-v8', '1:6.6.51-1+rpt3', '6.6.51'],
  ] as const) {
    const version = debian(release, packaged);
    t.equal(parsed({ release, version }), expected, version);
    t.equal(parsed({ version }), expected, 'the release is in it, too');
  }
  const compiler = 'gcc-6 (Debian 6.1.1-9) 6.1.1';
  t.equal(parsed({ version: debian('6.1.0-56-amd64', 'none', compiler) }), '6.1.?', 'compilers do not count');
  t.equal(parsed({ release: '6.1.0-56-amd64' }), '6.1.?');
  const elsewhere = 'Linux version 6.12.40 (me@here) (gcc (Debian 14.2.0-19) 14.2.0) #3 SMP Fri Oct 2 2026';
  t.equal(parsed({ version: elsewhere }), '6.12.40', 'a kernel built on Debian');
});

t.test('Ubuntu has it in /proc/version_signature', async (t) => {
  for (const [release, signature, expected] of [
    ['6.8.0-45-generic', 'Ubuntu 6.8.0-45.45-generic 6.8.12\n', '6.8.12'],
    ['6.8.0-45-generic', 'Ubuntu 6.8.0-45.45~22.04.1-generic 6.8.12\n', '6.8.12'],
    ['5.15.0-119-generic', 'Ubuntu 5.15.0-119.129-generic 5.15.160\n', '5.15.160'],
    ['6.8.0-1018-aws', 'Ubuntu 6.8.0-1018.20-aws 6.8.12\n', '6.8.12'],
    ['6.8.0-45-generic', undefined, '6.8.?'],
    ['6.8.0-45-generic', 'nonsense', '6.8.?'],
  ] as const)
    t.equal(parsed({ release, signature }), expected, release);
});

t.test('what has no version', async (t) => {
  for (const release of ['', 'linux', 'x6.12', '6']) t.equal(parsed({ release }), undefined, release);
  t.equal(parsed({ version: 'Darwin Kernel Version 23.1.0' }), undefined);
  t.equal(parsed({}), undefined);
});

t.test('files of a host', async (t) => {
  const read = (proc: object): string | undefined => {
    const found = readKernelVersion(t.testdir({ proc } as never));
    return found && versionText(found);
  };
  const kernel = { osrelease: '6.8.0-45-generic\n' };
  t.equal(read({ sys: { kernel } }), '6.8');
  t.equal(
    read({ sys: { kernel }, version_signature: 'Ubuntu 6.8.0-45.45-generic 6.8.12\n' }),
    '6.8.12',
    'without /proc/version',
  );
  t.equal(read({ version: debian('6.1.0-56-amd64', '6.1.192-2') }), '6.1.192');
  t.equal(read({}), undefined);
});

t.test('texts', async (t) => {
  t.equal(versionText(parseKernelVersion({ release: '7.3-rc2' })!), '7.3.0-rc');
});

t.test('major and minor number', async (t) => {
  t.strictSame(kernelVersion('6.12.94+deb12-amd64'), [6, 12]);
  t.strictSame(kernelVersion('7.0-rc1'), [7, 0]);
  t.equal(kernelVersion('linux'), undefined);
  t.equal(isAtLeast('6.9.1', '6.10'), false, 'as numbers, not as text');
  t.equal(isAtLeast('6.10', '6.10'), true);
  t.equal(isAtLeast('7.0', '6.12'), true);
  t.equal(isAtLeast('5.19', '6.1'), false);
  t.equal(isAtLeast(undefined, '6.1'), undefined);
});
