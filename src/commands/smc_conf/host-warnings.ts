// SPDX-License-Identifier: MIT
/** What of a file has no effect on a host. Files of the host say it: nothing is asked of the kernel's SMC. */
import { existsSync } from 'node:fs';
import { interfacePnetId, pciPnetId, rdmaPnetId } from '../../host/hardware-pnetid.ts';
import { isAtLeast } from '../../host/kernel-version.ts';
import { baseDevice } from '../../host/network-interfaces.ts';
import { readSysctl } from '../../host/sysctl.ts';
import { readUnit } from '../../host/systemd-unit.ts';
import { loopbackNames } from '../../smc/devices.ts';
import type { HostFiles } from '../../smc/host.ts';
import { ENTRY_OF_UPPER_INTERFACE, hasFault } from '../../smc/kernel-faults.ts';
import { SYSCTLS } from '../../smc/sysctls.ts';
import { missingDevice } from '../../smc/table-devices.ts';
import { BOOT_ANOTHER } from '../../smc/without-smc.ts';
import { memberText } from './change-text.ts';
import { memberKey, UEID_ROOM } from './changes.ts';
import type { NamespaceSettings, PnetDevice } from './configuration.ts';
import { type ConfigurationFile, placeKey } from './file.ts';
import type { Place } from './file-error.ts';
import { namedNamespaces } from './running.ts';

export interface Warning {
  /** `undefined`: about the file as a whole */
  place: Place | undefined;
  text: string;
  hint?: string | undefined;
}

/**
 * @param isRecorded the host is a recording, which has neither units nor other namespaces
 * @returns in the order of the file
 */
export function hostWarnings(file: ConfigurationFile, host: HostFiles, isRecorded: boolean): Warning[] {
  const found: Warning[] = [];
  const warn = (namespace: string | undefined, what: string, text: string, hint?: string): void => {
    found.push({ place: file.places.get(placeKey(namespace, what)), text, hint });
  };
  const { configuration } = file;
  if (host.modules.smc === 'absent')
    found.push({
      place: undefined,
      text: 'this kernel has no SMC: nothing of the file has an effect',
      hint: BOOT_ANOTHER,
    });
  for (const [id, { interfaces, devices }] of configuration.pnet ?? []) {
    for (const name of interfaces) {
      const [text, hint] = interfaceWarning(name, id, configuration, host) ?? [];
      if (text !== undefined) warn(undefined, memberKey({ interface: name }), text, hint);
    }
    for (const device of devices) {
      const [text, hint] = deviceWarning(device, host) ?? [];
      if (text !== undefined) warn(undefined, memberKey({ device }), text, hint);
    }
  }
  for (const ueid of configuration.ueids?.slice(UEID_ROOM) ?? [])
    warn(
      undefined,
      `ueid ${ueid}`,
      `there is no room for UEID ${ueid}`,
      `the kernel's table has ${UEID_ROOM} entries`,
    );
  if (configuration.seid && !host.isMainframe)
    warn(undefined, 'seid', 'this machine has no SEID that can be switched', 'only IBM Z has');
  if (configuration.seid === false && configuration.ueids?.length === 0)
    warn(undefined, 'seid', 'the SEID stays enabled as long as there is no UEID', 'add one to ueids');
  settingWarnings(configuration, undefined, host, warn);
  if (!isRecorded) {
    const names = namedNamespaces(host.root);
    for (const unit of configuration.services?.keys() ?? [])
      if (readUnit(unit, host.root) === 'missing')
        warn(undefined, `service ${unit}`, `there is no unit ${unit}`);
    for (const name of configuration.namespaces?.keys() ?? [])
      if (!names.includes(name))
        warn(
          name,
          'namespace',
          `there is no network namespace ${name}`,
          `ip netns lists ${names.join(', ') || 'none'}`,
        );
  }
  for (const [name, settings] of configuration.namespaces ?? []) settingWarnings(settings, name, host, warn);
  return found.sort(
    ({ place: one }, { place: other }) =>
      (one?.line ?? 0) - (other?.line ?? 0) || (one?.column ?? 0) - (other?.column ?? 0),
  );
}

type Words = [text: string, hint?: string];

function interfaceWarning(
  name: string,
  pnetId: string,
  { pnet }: NamespaceSettings,
  { interfaces, kernel, root }: HostFiles,
): Words | undefined {
  const there = interfaces.find((one) => one.name === name);
  if (!there)
    return [
      `there is no interface ${name}; the entry takes effect when it appears`,
      `this host has ${interfaces.map((one) => one.name).join(', ') || 'none'}`,
    ];
  const base = baseDevice(there, interfaces) ?? there;
  const hardware = interfacePnetId(base, root);
  if (hardware !== undefined)
    return [
      base === there
        ? `interface ${name} has PNET ID ${hardware} in hardware, which counts`
        : `${base.name}, the lowest interface below ${name}, has PNET ID ${hardware} in hardware, which counts`,
      'leave it out',
    ];
  if (base === there || pnet?.get(pnetId)?.interfaces.includes(base.name)) return undefined;
  const isPassedOver = kernel && hasFault(kernel, ENTRY_OF_UPPER_INTERFACE) === true;
  const hint = `give the PNET ID to ${base.name}`;
  return isPassedOver
    ? [`this kernel looks at ${base.name} only, the lowest interface below ${name}`, hint]
    : [
        `SMC-D looks at ${base.name} only, the lowest interface below ${name}; SMC-R looks at ${name} if ${base.name} has no PNET ID`,
        hint,
      ];
}

function deviceWarning(device: PnetDevice, host: HostFiles): Words | undefined {
  const { name, port } = device;
  const { rdmaDevices, pciFunctions, isInitialNamespace, root } = host;
  if (isInitialNamespace === false)
    return [
      `${memberText({ device })} cannot be set in this network namespace`,
      'RDMA and ISM devices belong in the table of the initial network namespace',
    ];
  const missing = missingDevice(name, host);
  if (missing) return [`there is no device ${name}; the entry takes effect when it appears`, missing.hint];
  const rdma = rdmaDevices.find((one) => one.name === name || one.parent === name);
  if (rdma && rdma.ports.length > 0 && !rdma.ports.some(({ number }) => number === port))
    return [`device ${name} has no port ${port}`];
  const isPci = pciFunctions.some(({ address }) => address === name);
  const hardware = rdma ? rdmaPnetId(rdma, port, root) : isPci ? pciPnetId(name, 0, root) : undefined;
  if (hardware !== undefined)
    return [`${memberText({ device })} has PNET ID ${hardware} in hardware, which counts`, 'leave it out'];
  const isLoopback = loopbackNames(host.release, host.dibsDevices).includes(name);
  if (isLoopback && !host.interfaces.some((one) => interfacePnetId(one, root) !== undefined))
    return [
      `with a PNET ID the kernel does not use ${name}, unless an interface has the same in hardware`,
      'leave it out',
    ];
  return undefined;
}

function settingWarnings(
  { handshakeLimit, sysctls }: NamespaceSettings,
  namespace: string | undefined,
  { release, root }: HostFiles,
  warn: (namespace: string | undefined, what: string, text: string, hint?: string) => void,
): void {
  // without the module, only the version of the kernel tells
  const isLoaded = existsSync(`${root}/proc/sys/net/smc`);
  const lacks = (name: string, since: string | undefined): boolean =>
    isLoaded
      ? readSysctl(`net.smc.${name}`, root) === undefined
      : since !== undefined && isAtLeast(release, since) === false;
  for (const name of sysctls?.keys() ?? []) {
    const since = SYSCTLS.find((spec) => spec.name === name)?.since;
    if (lacks(name, since))
      warn(
        namespace,
        `sysctl ${name}`,
        `this kernel does not have sysctl ${name}`,
        since && `it is available since Linux ${since}`,
      );
  }
  if (handshakeLimit !== undefined && isAtLeast(release, '5.18') === false)
    warn(
      namespace,
      'handshake_limit',
      'this kernel has no handshake limitation',
      'it is available since Linux 5.18',
    );
}
