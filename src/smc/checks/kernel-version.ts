// SPDX-License-Identifier: MIT

/** Major and minor number of a kernel release; `undefined` when it does not begin with them. */
export function kernelVersion(release: string | undefined): readonly [number, number] | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/** Whether a release is that version or a later one, e.g. "6.12"; `undefined` when the release is not known. */
export function isAtLeast(release: string | undefined, version: string): boolean | undefined {
  const [one, other] = [kernelVersion(release), kernelVersion(version)];
  if (!one || !other) return undefined;
  return one[0] > other[0] || (one[0] === other[0] && one[1] >= other[1]);
}
