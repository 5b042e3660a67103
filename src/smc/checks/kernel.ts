// SPDX-License-Identifier: MIT
import { hostArchitecture } from '../../host/architecture.ts';
import { isAtLeast, type KernelVersion, kernelVersion, versionText } from '../../host/kernel-version.ts';
import { readSysctl } from '../../host/sysctl.ts';
import { type Host, hasLoopback } from '../host.ts';
import {
  byVersion,
  ENTRY_OF_UPPER_INTERFACE,
  effectText,
  faultsOf,
  hasFault,
  OTHER_NAMESPACE,
  type KernelFault as ReleaseFault,
  releaseWithFixes,
} from '../kernel-faults.ts';
import { counted, defineCheck } from './check.ts';

/** What SMC learned, with the Linux that brought it. */
const FEATURES: readonly (readonly [version: string, feature: string])[] = [
  ['4.11', 'SMC'],
  ['5.10', 'SMC-D version 2'],
  ['5.11', 'smcd and smcr'],
  ['5.14', 'statistics'],
  ['5.16', 'SMC-R version 2 and UEIDs'],
  ['5.18', 'handshake limitation'],
  ['6.6', 'SMC version 2.1'],
  ['6.10', 'loopback-ism'],
  ['6.11', 'IPPROTO_SMC sockets'],
  ['6.14', 'SMC-R version 2 from IPv4-mapped IPv6 addresses'],
  ['6.14', 'RDMA devices with one receive SGE'],
  ['6.18', 'DIBS'],
  ['6.19', 'hs_ctrl'],
  ['6.19', 'settings for work requests'],
];

/** From then on hosts in different IP subnets, and soft-RoCE, can use SMC-R. */
const SMCR_V2 = '5.16';

/** The kernel's release, and what it is too old for. */
export const kernelCheck = defineCheck({
  id: 'kernel',
  about:
    'Release of the kernel, and SMC features that were added after that version. Distributors may have backported some of them.',
  facts: {
    release: 'release, as `uname -r` shows it',
    version:
      'stable release that the kernel is based on. It is taken from the release, or else from /proc/version (Debian) or /proc/version_signature (Ubuntu), and has no third number if none of these contains it',
    architecture: 'architecture, as `uname -m` shows it',
    missing_features: 'SMC features that were added after that version',
  },
  run({ host, pass, warn, unknown }) {
    const { release, kernel: version, root } = host;
    const facts = {
      release: release ?? null,
      version: version ? versionText(version) : null,
      architecture: hostArchitecture(root) ?? null,
    };
    if (!isKnown(release))
      return [
        unknown(null, 'the release of the kernel is not known', {
          reason:
            release === undefined
              ? '/proc/sys/kernel/osrelease cannot be read'
              : `"${release}" does not contain a version`,
          facts: { ...facts, missing_features: [] },
        }),
      ];
    const missing = FEATURES.filter(([version]) => !isAtLeast(release, version));
    const named = missing.map(([version, feature]) => `${feature} (${version})`);
    const isOld = !isAtLeast(release, SMCR_V2);
    const report = isOld ? warn : pass;
    return [
      report(
        null,
        `Linux ${release}${stableRelease(release, version)}${named.length > 0 ? `, by its version without ${named.join(', ')}` : ''}`,
        {
          reason: isOld
            ? 'without SMC-R version 2 both hosts must be in one IP subnet, and soft-RoCE cannot be used; a distributor may have added it'
            : null,
          fix: isOld ? `boot Linux ${SMCR_V2} or later` : null,
          facts: { ...facts, missing_features: missing.map(([, feature]) => feature) },
        },
      ),
    ];
  },
});

/** Known faults of the release that this host can meet. */
export const kernelFaultCheck = defineCheck({
  id: 'kernel-fault',
  about: 'A known fault of this release, if it affects this host.',
  facts: { releases: 'the releases that have it' },
  run({ host, pass, warn, fail }) {
    if (!isKnown(host.release)) return [];
    const faults = FAULTS.filter((fault) => fault.concerns(host)).map((fault) =>
      (fault.isSure?.(host) ? fail : warn)(fault.name, fault.finding, {
        reason: fault.reason,
        fix: fault.fix,
        facts: { releases: fault.releases },
      }),
    );
    if (faults.length === 0) return [pass(null, 'no known fault of this release affects this host')];
    return faults;
  },
});

/** Without a release nothing is said of its faults. */
const isKnown = (release: string | undefined): release is string =>
  release !== undefined && kernelVersion(release) !== undefined;

/** The stable release where the name of the release does not have it. */
function stableRelease(release: string, version: KernelVersion | undefined): string {
  const text = version?.patch === undefined || version.isFrozen ? '' : versionText(version);
  return text === '' || text.endsWith('.0') || release.startsWith(text) ? '' : ` (${text})`;
}

/** Faults that every host with this release has, in one check: a newer kernel fixes them all. */
export const kernelFixesCheck = defineCheck({
  id: 'kernel-fixes',
  about:
    'Faults of SMC that this kernel has, judging by its version, and that later versions do not have: crashes, wrong data, connections that are reset. Distributors backport fixes to older versions. For kernels where they do so for years (RHEL, SLES and others), the check reports nothing.',
  facts: {
    version: 'as for `kernel`',
    faults: [
      'the faults, each with',
      {
        name: 'short name',
        effect: 'what it does',
        cve: 'its number in the list of vulnerabilities; null if it has none',
        fixed_in: 'versions that have the fix, one for each series',
      },
    ],
  },
  run({ host: { release, kernel: version }, pass, warn }) {
    if (!isKnown(release) || !version) return [];
    const faults = faultsOf(version);
    const facts = {
      version: versionText(version),
      faults: faults.map(({ name, effect, cve, stable, mainline }) => ({
        name,
        effect,
        cve: cve ?? null,
        fixed_in: [...Object.entries(stable).map(([series, patch]) => `${series}.${patch}`), mainline],
      })),
    };
    if (faults.length > 0)
      return [
        warn(
          null,
          `${byVersion(version)}, this kernel has ${counted(faults.length, 'fault')} that later kernels do not have`,
          {
            reason: `unless the distributor has added the ${faults.length === 1 ? 'fix' : 'fixes'}: ${faults.map(effectText).join('; ')}`,
            fix: `update the kernel to ${releaseWithFixes(version, faults)} or later`,
            facts,
          },
        ),
      ];
    if (version.isFrozen)
      return [
        pass(null, 'the release of this kernel does not show which fixes it has', {
          reason: 'the distributor adds fixes without changing the release number',
          facts,
        }),
      ];
    return [pass(null, 'judging by its version, it has the fixes for all known faults', { facts })];
  },
});

interface KernelFault {
  name: string;
  /** in words, for the facts */
  releases: string;
  /** this release has the fault, and this host what it takes to meet it */
  concerns: (host: Host) => boolean;
  /** each connection meets it, not just some */
  isSure?: (host: Host) => boolean;
  finding: string;
  reason: string;
  fix: string;
}

/** SMC-R buffers of older kernels have one of five sizes, the largest of which is this (SMCR_RMBE_SIZES was 5). */
const OLD_BUFFER_LIMIT = 524_288;

const FAULTS: readonly KernelFault[] = [
  {
    name: 'soft-roce-handshake',
    releases: 'seen on 6.1, not on 6.12',
    concerns: ({ release, rdmaDevices }) =>
      isAtLeast(release, '6.12') === false && rdmaDevices.some(({ isSoftRoce }) => isSoftRoce),
    isSure: ({ release }) => /^6\.1\./.test(release ?? ''),
    finding: 'SMC-R handshakes over soft-RoCE hang in this release: connections stay in state INIT',
    reason: 'seen on Linux 6.1, not on 6.12; such a connection becomes neither SMC nor TCP',
    fix: 'boot Linux 6.12 or later, or remove the soft-RoCE device: rdma link delete DEVICE',
  },
  {
    name: 'second-port',
    releases: 'all',
    concerns: ({ smcrPorts }) => smcrPorts.value?.some(({ number }) => number > 1) ?? false,
    finding: 'the PNET table shows only one port of an RDMA device',
    reason:
      'a PNET ID for the second port is set, but the kernel reports EEXIST and does not list it; smc_pnet verifies whether it was set',
    fix: 'see the PNET IDs of both ports: smcr device',
  },
  {
    name: 'link-groups-left-out',
    releases: 'all',
    concerns: (host) => (host.smcdDevices.value?.length ?? 0) + (hasLoopback(host) ? 1 : 0) > 1,
    finding: 'the kernel leaves SMC-D link groups out of its list when there are several SMC-D devices',
    reason: 'it does not restart its count for each device; smcd linkgroup shows how many are missing',
    fix: 'compare the list with the counts of: smcd device',
  },
  {
    name: 'small-buffers',
    releases: 'before 6.11',
    concerns: ({ release, root }) =>
      isAtLeast(release, '6.11') === false &&
      ['wmem', 'rmem'].some((name) => Number(sysctl(`net.smc.${name}`, root)) > OLD_BUFFER_LIMIT),
    finding: 'net.smc.wmem or net.smc.rmem is above 512 KiB, the most that SMC-R can use in this release',
    reason: 'SMC-R buffers have at most 524288 bytes here, whatever the settings say',
    fix: 'boot a newer kernel, or save the memory: sysctl -w net.smc.wmem=524288 net.smc.rmem=524288',
  },
  {
    name: 'loopback-name',
    releases: 'since 6.18',
    concerns: ({ release, pnetTable }) =>
      isAtLeast(release, '6.18') === true &&
      (pnetTable.value?.some(({ ibName }) => ibName === 'loopback-ism') ?? false),
    finding: 'the PNET table has loopback-ism, which is called lo since Linux 6.18',
    reason: 'the entry is for a device that never appears; ISM devices are named ism followed by a number',
    fix: 'smc_pnet shows its PNET ID; delete it: smc_pnet -d PNETID',
  },
  ofRelease(
    ENTRY_OF_UPPER_INTERFACE,
    ({ interfaces, pnetTable }) =>
      pnetTable.value?.some(
        ({ kind, ethName }) =>
          kind === 'ethernet' && interfaces.some(({ name, lower }) => name === ethName && lower.length > 0),
      ) ?? false,
    'SMC uses only the entry of the lowest interface below it',
    'add the lowest interface: smc_pnet -a PNETID -I INTERFACE; or update the kernel',
  ),
  ofRelease(
    OTHER_NAMESPACE,
    ({ isInitialNamespace }) => isInitialNamespace === false,
    'the kernel looks for the route in the initial network namespace',
    'update the kernel',
  ),
];

/** A fault of some releases that matters where a host has certain things. */
function ofRelease(
  fault: ReleaseFault,
  matters: (host: Host) => boolean,
  reason: string,
  fix: string,
): KernelFault {
  const stable = Object.entries(fault.stable).map(([series, patch]) => `${series}.${patch}`);
  return {
    name: fault.name,
    releases: `before ${[...stable, fault.mainline].join(', ')}`,
    concerns: (host) => host.kernel !== undefined && hasFault(host.kernel, fault) === true && matters(host),
    finding: effectText(fault),
    reason,
    fix,
  };
}

function sysctl(name: string, root: string): string | undefined {
  try {
    return readSysctl(name, root);
  } catch {
    return undefined; // the check of the settings says that they cannot be read
  }
}
