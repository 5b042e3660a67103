// SPDX-License-Identifier: MIT
import { type DibsDevice, hasDibsNames } from '../../host/dibs-devices.ts';
import { loopbackNames, type SmcdDevice } from '../devices.ts';
import { type Host, hasLoopback } from '../host.ts';
import { type Check, type CheckContext, defineCheck } from './check.ts';

const SINCE_DIBS = 'of either kind of device, as in /sys/class/dibs; null before Linux 6.18';

/** SMC-D devices: ISM functions of IBM Z, and loopback-ism on every machine. */
export const ismDeviceCheck = defineCheck({
  id: 'ism-device',
  about: 'ISM devices and loopback-ism, which SMC-D needs.',
  facts: {
    devices: 'empty if there is no device',
    pci_id: 'PCI address of an ISM device',
    fid: 'its function ID',
    pchid: 'its physical channel ID',
    pnet_id: 'PNET ID of the device',
    pnet_id_by_user: 'whether that was set with smc_pnet(8); of an ISM device',
    link_groups: 'link groups that use it; of an ISM device',
    present: 'whether there is loopback-ism',
    dibs_name: SINCE_DIBS,
    gid: SINCE_DIBS,
    fabric_id: SINCE_DIBS,
  },
  run(context) {
    const { host, unknown } = context;
    const { smcdDevices } = host;
    if (!smcdDevices.value)
      return [unknown(null, 'the SMC-D devices cannot be read', { reason: smcdDevices.why })];
    const checks = smcdDevices.value.map((device) =>
      checkDevice(
        context,
        device,
        host.dibsDevices?.find(({ pciAddress }) => pciAddress === device.pciId),
      ),
    );
    const loopback = loopbackEntry(host);
    if (hasLoopback(host) || loopback) checks.push(checkLoopback(context, loopback));
    return checks.length > 0 ? checks : [none(context)];
  },
});

/** What a kernel has loopback-ism with. */
const loopbackOption = ({ release, dibsDevices }: Host): string =>
  hasDibsNames(release, dibsDevices) ? 'CONFIG_DIBS_LO' : 'CONFIG_SMC_LO (since Linux 6.10)';

function none({ host, pass, warn }: CheckContext): Check {
  const { isMainframe } = host;
  const facts = { devices: [] };
  if (!isMainframe)
    return pass(null, 'no SMC-D device, which is normal on machines other than IBM Z', {
      reason: `SMC-D within this machine needs loopback-ism, which requires a kernel with ${loopbackOption(host)}`,
      facts,
    });
  return warn(null, 'no SMC-D device: partitions of this machine cannot use SMC-D', {
    reason: 'no ISM function is configured to this partition, or it is switched off',
    fix: 'smc_rnics -a shows the functions, smc_rnics -e FID switches one on',
    facts,
  });
}

function checkDevice(
  { pass }: CheckContext,
  { pciId, pnetId, isUserPnetId, linkGroups, pchid, pciFid }: SmcdDevice,
  dibs: DibsDevice | undefined,
): Check {
  const facts = {
    pci_id: pciId ?? null,
    fid: pciFid ?? null,
    pchid: pchid ?? null,
    pnet_id: pnetId ?? null,
    pnet_id_by_user: isUserPnetId,
    link_groups: linkGroups,
    ...dibsFacts(dibs),
  };
  const subject = pciId ?? null;
  if (pnetId) return pass(subject, `ISM device, PNET ID ${pnetId}`, { facts });
  return pass(subject, 'ISM device without a PNET ID', {
    reason:
      'SMC-D version 2 uses it for any interface; version 1 requires the same PNET ID on device and interface',
    facts,
  });
}

function dibsFacts(dibs: DibsDevice | undefined) {
  return {
    dibs_name: dibs?.name ?? null,
    gid: dibs?.gid ?? null,
    fabric_id: dibs?.fabricId?.toString(16).padStart(4, '0') ?? null,
  };
}

function loopbackEntry({ pnetTable, smcdDevices, release, dibsDevices }: Host): string | undefined {
  const names = (smcdDevices.value ?? []).map(({ pciId }) => pciId);
  const known = loopbackNames(release, dibsDevices);
  return pnetTable.value?.find(
    ({ kind, ibName }) => kind === 'device' && known.includes(ibName) && !names.includes(ibName),
  )?.pnetId;
}

function checkLoopback({ host, pass, warn, fail }: CheckContext, pnetId: string | undefined): Check {
  const isThere = hasLoopback(host);
  const dibs = host.dibsDevices?.find(({ isLoopback }) => isLoopback);
  const facts = { pnet_id: pnetId ?? null, present: isThere ?? null, ...dibsFacts(dibs) };
  if (isThere === false)
    return warn('loopback-ism', `PNET ID ${pnetId} is set for it, but there is none`, {
      reason: `this kernel has no loopback-ism, which requires ${loopbackOption(host)}`,
      fix: `smc_pnet -d ${pnetId}`,
      facts,
    });
  if (pnetId === undefined)
    return pass('loopback-ism', 'available, for connections within this machine', { facts });
  // PNET IDs of interfaces in the sense of this rule are those from hardware alone
  if (host.isMainframe)
    return warn('loopback-ism', `PNET ID ${pnetId} is set for it`, {
      reason: 'it is used only for connections of interfaces that have this PNET ID in hardware',
      fix: `smc_pnet -d ${pnetId}`,
      facts,
    });
  return fail('loopback-ism', `PNET ID ${pnetId} is set for it, which disables it`, {
    reason:
      'the kernel then uses it only for interfaces that have this PNET ID in hardware, and no interface here has one',
    fix: `smc_pnet -d ${pnetId}, then add the other devices of ${pnetId} again`,
    facts,
  });
}
