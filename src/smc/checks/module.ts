// SPDX-License-Identifier: MIT
import { hasDibsNames } from '../../host/dibs-devices.ts';
import { moduleState } from '../../host/kernel-module.ts';
import { isAtLeast } from '../../host/kernel-version.ts';
import { moduleBlock, moduleOrigin } from '../../host/module-origin.ts';
import { isIsm } from '../../host/pci-devices.ts';
import { hasSmc } from '../host.ts';
import { BOOT_ANOTHER } from '../without-smc.ts';
import { type Check, type CheckContext, counted, defineCheck } from './check.ts';

/** Module smc, without which there is no SMC, and smc_diag, which lists sockets. */
export const moduleCheck = defineCheck({
  id: 'module',
  about:
    'The kernel modules `smc` and `smc_diag`: whether they exist, are loaded or built in, where they come from, and whether a modprobe.d(5) file or the kernel command line prevents them from being loaded. Since Linux 6.18, also `ism` if an ISM function has no driver: `smc` no longer loads that module.',
  facts: {
    state: '`loaded`, `built-in`, `available`, `absent` or `unknown`',
    file: 'file of the module, below /lib/modules/RELEASE',
    source_version: 'checksum of its source; of `smc` only',
    out_of_tree: 'whether it was not built together with the kernel; of `smc` only',
    blocked_by: 'where it is prevented from being loaded, with the line',
    functions: 'PCI addresses of the ISM functions without a driver; of `ism` only',
  },
  run(context) {
    return [checkSmc(context), checkSmcDiag(context), checkIsmDriver(context)].flatMap(
      (found) => found ?? [],
    );
  },
});

function checkSmc({ host, pass, fail, unknown }: CheckContext): Check {
  const { release = '', root } = host;
  const origin = moduleOrigin('smc', release, root);
  const block = moduleBlock('smc', root);
  // the kernel answers for SMC: then it is there, whatever the lists of modules say
  const listed = host.modules.smc;
  const state = hasSmc(host) && (listed === 'absent' || listed === 'available') ? 'unknown' : listed;
  const facts = {
    state,
    file: origin.file ?? null,
    source_version: origin.sourceVersion ?? null,
    out_of_tree: origin.isOutOfTree,
    blocked_by: block ? `${block.where}: ${block.line}` : null,
  };
  const kernel = release ? `Linux ${release}` : 'this kernel';
  switch (state) {
    case 'loaded':
      return pass('smc', `loaded${from(origin)}`, { facts });
    case 'built-in':
      return pass('smc', `built into ${kernel}`, { facts });
    case 'absent':
      return fail('smc', `this host has no SMC: ${kernel} has no module smc`, {
        reason: isAtLeast(release, '6.18')
          ? 'it was built without CONFIG_SMC, or without CONFIG_DIBS, which SMC needs since Linux 6.18; modprobe cannot help'
          : 'it was built without CONFIG_SMC, or a package with additional modules is not installed',
        fix: `install the kernel's package with additional modules, or ${BOOT_ANOTHER}`,
        facts,
      });
    case 'available':
      return fail('smc', 'this host has no SMC at the moment: module smc is not loaded', {
        reason: block
          ? `${block.where} forbids it: ${block.line}`
          : 'the first SMC socket loads it, if programs are allowed to load modules',
        fix: block?.where.startsWith('/') ? `remove that line, then: modprobe smc` : 'modprobe smc',
        facts,
      });
    case 'unknown':
      break;
  }
  // most containers: no /lib/modules, and a built-in one shows nowhere else
  if (hasSmc(host)) return pass('smc', 'in use; its origin is not visible here', { facts });
  if (hasSmc(host) === false)
    return fail('smc', 'this host has no SMC at the moment: the kernel has none of its interfaces', {
      reason: `/lib/modules/${release} cannot be read here, so it is not known whether there is a module to load`,
      fix: 'on the host: modprobe smc',
      facts,
    });
  return unknown('smc', 'it is not known whether the kernel supports SMC', {
    reason: `/lib/modules/${release} cannot be read; netlink: ${host.families.value ? '' : host.families.why}`,
    facts,
  });
}

function from({ file, isOutOfTree }: { file: string | undefined; isOutOfTree: boolean }): string {
  const where = file ? `; its file is ${file}` : '';
  return isOutOfTree ? `${where}; it was not built together with the kernel` : where;
}

/**
 * Since Linux 6.18 module smc does not bring module ism with it. Tells of it only if ISM functions wait for their driver.
 */
function checkIsmDriver({ host, warn }: CheckContext): Check | undefined {
  const { release = '', root, pciFunctions, smcdDevices, dibsDevices } = host;
  if (!hasDibsNames(release, dibsDevices)) return undefined;
  const waiting = pciFunctions.filter(
    (pci) =>
      isIsm(pci) &&
      pci.driver === undefined &&
      !dibsDevices?.some(({ pciAddress }) => pciAddress === pci.address) &&
      !smcdDevices.value?.some(({ pciId }) => pciId === pci.address),
  );
  if (waiting.length === 0) return undefined;
  const state = moduleState('ism', root, release);
  const block = moduleBlock('ism', root);
  const facts = {
    state,
    file: moduleOrigin('ism', release, root).file ?? null,
    blocked_by: block ? `${block.where}: ${block.line}` : null,
    functions: waiting.map(({ address }) => address),
  };
  const finding = `no driver is bound to ${counted(waiting.length, 'ISM function')}, so SMC-D cannot use ${waiting.length === 1 ? 'it' : 'them'}`;
  if (state === 'absent')
    return warn('ism', finding, {
      reason: 'this kernel has no module ism; it was built without CONFIG_ISM',
      fix: "install the kernel's package with additional modules, or boot a kernel that has CONFIG_ISM",
      facts,
    });
  return warn('ism', finding, {
    reason: block
      ? `${block.where} forbids module ism: ${block.line}`
      : 'since Linux 6.18 module smc does not load module ism; udev does when it finds the function',
    fix: block?.where.startsWith('/') ? 'remove that line, then: modprobe ism' : 'modprobe ism',
    facts,
  });
}

/** `undefined` when the kernel has no SMC at all: that was said */
function checkSmcDiag({ host, pass, warn, unknown }: CheckContext): Check | undefined {
  const { release = '', root, modules } = host;
  const state = modules.smcDiag;
  if (modules.smc === 'absent') return undefined;
  const block = moduleBlock('smc_diag', root);
  const facts = {
    state,
    file: moduleOrigin('smc_diag', release, root).file ?? null,
    blocked_by: block ? `${block.where}: ${block.line}` : null,
  };
  switch (state) {
    case 'loaded':
      return pass('smc_diag', 'loaded', { facts });
    case 'built-in':
      return pass('smc_diag', 'built in', { facts });
    case 'available':
      if (!block) return pass('smc_diag', 'loaded when sockets are listed', { facts });
      return warn('smc_diag', 'not loaded, so smcss cannot list sockets', {
        reason: `${block.where} forbids it: ${block.line}`,
        fix: block.where.startsWith('/') ? 'remove that line, then: modprobe smc_diag' : 'modprobe smc_diag',
        facts,
      });
    case 'absent':
      return warn('smc_diag', 'this kernel does not have it, so smcss cannot list sockets', {
        reason: 'it was built without CONFIG_SMC_DIAG',
        fix: 'boot a kernel that has CONFIG_SMC_DIAG',
        facts,
      });
    case 'unknown':
      return unknown('smc_diag', 'not loaded; it is not known whether it can be loaded', {
        reason: `/lib/modules/${release} cannot be read`,
        facts,
      });
  }
}
