// SPDX-License-Identifier: MIT
/** Which kernel this is: the stable release that it was made from, if the host shows it. */
import { readText } from './sysfs.ts';

/** A version of Linux: 6.12.40 is [6, 12, 40]. */
export interface KernelVersion {
  major: number;
  minor: number;
  /** number of the stable release, 40 in 6.12.40, 0 in 6.12; `undefined` when not known */
  patch: number | undefined;
  /**
   * The distribution keeps the same number for years and adds fixes to it (RHEL, SLES, Alibaba Cloud Linux, openEuler
   * and others), so `patch` is a lower bound.
   */
  isFrozen: boolean;
  /** a release candidate, "-rc3": changes that came with this release may or may not be in it */
  isCandidate: boolean;
}

/** What hosts say about their kernel. */
export interface KernelTexts {
  /** `uname -r`, /proc/sys/kernel/osrelease */
  release?: string | undefined;
  /** /proc/version; Debian's has the stable release */
  version?: string | undefined;
  /** /proc/version_signature, which Ubuntu has; its last word is the stable release */
  signature?: string | undefined;
}

/** The numbers at the start of a release, and the rest. */
const RELEASE = /^(\d+)\.(\d+)(?:\.(\d+))?(.*)$/s;

/** Distributions that keep the number, recognized by what they add to it. */
const FROZEN: readonly RegExp[] = [
  // RHEL and its derivatives, Alibaba Cloud Linux, Anolis OS, openEuler, Kylin, TencentOS; Oracle's own kernels are ".el9uek"
  /[._](?:el|al|an|oe|ky|tl)\d(?!.*\.elrepo\b)/,
  /tlinux/,
  // SLES and Leap have two numbers and more ("-150600.23.22-default"), Tumbleweed has one, and the real stable release
  /^-\d+(?:\.\d+)+-(?:default|azure|rt|preempt|64kb|kvmsmall)\b/,
];

/** Fedora names the stable release; its release candidates contain "-0.rc3.". */
const FEDORA = /\.fc\d/;
const CANDIDATE = /^-(?:0\.)?rc\d/;

/**
 * The version, from the texts of the host.
 * @returns `undefined` when no text begins with a version
 */
export function parseKernelVersion({ release, version, signature }: KernelTexts): KernelVersion | undefined {
  const name = release || releaseOf(version);
  const [, major, minor, third, rest = ''] = RELEASE.exec(name ?? '') ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const series = { major: Number(major), minor: Number(minor) };
  const told = fromDebian(version, series) ?? fromUbuntu(signature, series);
  if (told) return told;
  const isCandidate = CANDIDATE.test(rest);
  const patch = Number(third ?? 0);
  if (FROZEN.some((pattern) => pattern.test(rest))) return { ...series, patch, isFrozen: true, isCandidate };
  // "6.8.0-45-generic" and "6.1.0-48-amd64" count builds of a series, "6.12.0+" and "6.12.0-mine" are 6.12 itself
  const countsBuilds = patch === 0 && /^-\d/.test(rest) && !FEDORA.test(rest) && !isCandidate;
  return { ...series, patch: countsBuilds ? undefined : patch, isFrozen: false, isCandidate };
}

/** "Linux version 6.1.0-48-amd64 (debian-kernel@…": the third word. */
const releaseOf = (version: string | undefined): string | undefined =>
  /^Linux version (\S+)/.exec(version ?? '')?.[1];

type Series = Pick<KernelVersion, 'major' | 'minor'>;

/** "… SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-10-04)"; versions of compilers follow a parenthesis. */
function fromDebian(version: string | undefined, { major, minor }: Series): KernelVersion | undefined {
  const series = new RegExp(
    ` (?:Debian|Devuan|Kali) (?:\\d+:)?${major}\\.${minor}(?:\\.(\\d+))?(~rc\\d+)?[-~]`,
  );
  const found = series.exec(version ?? '');
  if (!found) return undefined;
  return { major, minor, patch: Number(found[1] ?? 0), isFrozen: false, isCandidate: found[2] !== undefined };
}

/** "Ubuntu 6.8.0-45.45-generic 6.8.12" */
function fromUbuntu(signature: string | undefined, { major, minor }: Series): KernelVersion | undefined {
  const patch = new RegExp(`^Ubuntu \\S+ ${major}\\.${minor}\\.(\\d+)$`).exec(signature?.trim() ?? '')?.[1];
  return patch === undefined
    ? undefined
    : { major, minor, patch: Number(patch), isFrozen: false, isCandidate: false };
}

/** The version of the host's kernel. Reads one file, and a second one only if the first does not have the stable release. */
export function readKernelVersion(root: string): KernelVersion | undefined {
  const version = readText(`${root}/proc/version`);
  const release = releaseOf(version) ?? readText(`${root}/proc/sys/kernel/osrelease`);
  const found = parseKernelVersion({ release, version });
  if (!found || found.patch !== undefined) return found;
  return parseKernelVersion({ release, signature: readText(`${root}/proc/version_signature`) });
}

/** "6.12.40", or "6.12" when the stable release is not known. */
export function versionText({ major, minor, patch, isCandidate }: KernelVersion): string {
  return `${major}.${minor}${patch === undefined ? '' : `.${patch}`}${isCandidate ? '-rc' : ''}`;
}

/** Major and minor number of a kernel release; `undefined` when it does not start with them. */
export function kernelVersion(release: string | undefined): readonly [number, number] | undefined {
  const [, major, minor] = RELEASE.exec(release ?? '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/** Whether a release is a version such as "6.12" or a later one; `undefined` when the release is not known. */
export function isAtLeast(release: string | undefined, version: string): boolean | undefined {
  const [one, other] = [kernelVersion(release), kernelVersion(version)];
  if (!one || !other) return undefined;
  return one[0] > other[0] || (one[0] === other[0] && one[1] >= other[1]);
}
