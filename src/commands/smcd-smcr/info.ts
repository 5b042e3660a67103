// SPDX-License-Identifier: MIT
/** `info`: what kernel and hardware can do. The same for smcd and smcr. */
import { parseAction } from '../../cli/object-grammar.ts';
import { writeDocument } from '../../cli/print.ts';
import type { InfoDocument } from '../../documents/smcd.ts';
import { readDibsDevices } from '../../host/dibs-devices.ts';
import { roceVersions } from '../../host/rdma-devices.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/table.ts';
import { hasLoopbackIsm, ROCE_EXPRESS, type SmcrPort } from '../../smc/devices.ts';
import type { SystemInfo } from '../../smc/system.ts';
import type { ObjectContext, SmcObject } from './object.ts';

export const info: SmcObject = {
  usage: () => '[show]',
  operands: () => ['show', 'help'],
  examples: (flavor) => [
    [`${flavor} info`, 'as text'],
    [`${flavor} -j info | jq -r .info.version`, 'the SMC version'],
  ],
  read(words) {
    parseAction(words, ['show'], { none: 'show' });
    return show;
  },
};

async function show(context: ObjectContext): Promise<void> {
  const client = await context.client();
  const system = await client.system();
  const smcdDevices = await client.smcdDevices();
  const ports = await client.smcrPorts();
  const facts = {
    system,
    ismVersions: smcdDevices.length === 0 ? [] : system.isIsmV2 ? [1, 2] : [1],
    roceVersions: versionsOfRoce(ports, context.hostRoot),
    loopbackIsm: hasLoopbackIsm(system, smcdDevices, readDibsDevices(context.hostRoot)),
    smcdDevices: smcdDevices.length,
    rdmaDevices: new Set(ports.map(({ device }) => device.ibName)).size,
  };
  if (context.json) return writeDocument<InfoDocument>(context, { info: infoJson(facts) });
  context.io.write(infoText(facts));
  if (facts.loopbackIsm && context.io.isTerminal)
    context.note('SMC-D has a software device, loopback-ism, which the kernel does not list');
}

interface Facts {
  system: SystemInfo;
  /** SMC versions that the ISM devices can do; empty without a device */
  ismVersions: number[];
  roceVersions: number[];
  /** `undefined`: not known */
  loopbackIsm: boolean | undefined;
  smcdDevices: number;
  rdmaDevices: number;
}

/** IBM's first adapter is known for version 1 alone; for others sysfs has the types of their addresses. */
function versionsOfRoce(ports: readonly SmcrPort[], hostRoot: string): number[] {
  const versions = new Set<number>();
  for (const { device } of ports) {
    const byAddress = device.pciDevice === undefined ? roceVersions(device.ibName, hostRoot) : [];
    const known = device.pciDevice === ROCE_EXPRESS ? [1] : [1, 2];
    for (const version of byAddress.length > 0 ? byAddress : known) versions.add(version);
  }
  return [...versions].sort();
}

const versionWords = (versions: readonly number[]): string =>
  versions.length === 0 ? 'n/a' : versions.map((version) => `v${version}`).join(' ');

const smcdVersions = ({ version = 0 }: SystemInfo): number[] => (version >= 2 ? [1, 2] : [1]);
const smcrVersions = ({ isSmcrV2 }: SystemInfo): number[] => (isSmcrV2 ? [1, 2] : [1]);

function versionText({ version, release }: SystemInfo): string | undefined {
  return version === undefined || release === undefined ? undefined : `${version}.${release}`;
}

/** Width of the kernel's own padding of the host name, which scripts may count on. */
const HOST_NAME_WIDTH = 32;

function infoText({ system, ismVersions, roceVersions }: Facts): string {
  const { hostName, seid } = system;
  const lines: readonly (readonly [string, string] | string)[] = [
    'Kernel Capabilities',
    ['SMC Version', versionText(system) ?? 'n/a'],
    ['SMC Hostname', hostName === '' ? 'n/a' : printable(hostName).padEnd(HOST_NAME_WIDTH)],
    ['SMC-D Features', versionWords(smcdVersions(system))],
    ['SMC-R Features', versionWords(smcrVersions(system))],
    '',
    'Hardware Capabilities',
    ['SEID', printable(seid) || 'n/a'],
    ['ISM', versionWords(ismVersions)],
    ['RoCE', versionWords(roceVersions)],
  ];
  return lines
    .map((line) => (typeof line === 'string' ? `${line}\n` : `${`${line[0]}:`.padEnd(18)}${line[1]}\n`))
    .join('');
}

function infoJson(facts: Facts): Made<InfoDocument['info']> {
  const { system, ismVersions, roceVersions, loopbackIsm, smcdDevices, rdmaDevices } = facts;
  return {
    version: versionText(system) ?? null,
    hostname: system.hostName || null,
    smcd_versions: smcdVersions(system),
    smcr_versions: smcrVersions(system),
    seid: system.seid || null,
    ism_versions: ismVersions,
    roce_versions: roceVersions,
    loopback_ism: loopbackIsm ?? null,
    smcd_devices: smcdDevices,
    rdma_devices: rdmaDevices,
  };
}
