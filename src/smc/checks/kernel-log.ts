// SPDX-License-Identifier: MIT
import { type KernelMessage, readKernelLog } from '../../host/kernel-log.ts';
import { type Check, check, counted, lookNow } from './check.ts';
import type { HostView } from './host-view.ts';

/**
 * Messages of module smc that tell of trouble; those about new devices, links and PNET IDs are let pass, and so is a link
 * group in state SINGLE: each one begins so, and over one adapter it stays so.
 */
const TROUBLE = /link removed|state changed: NONE|removing (?:ib|smcd) device|error|fail|unexpected/i;
/** What the kernel says of a module that was not built together with it; the check of the module says that, too. */
const TAINT = /^smc: (?:loading out-of-tree module|module verification failed)/;
/** Messages that are quoted. */
const SHOWN = 3;

/** What the kernel's log says about SMC. */
export function checkKernelLog({ root }: HostView): Check[] {
  const log = lookNow(() => readKernelLog(root));
  if (!log.value)
    return [
      check('unknown', 'kernel-log', null, 'the log of the kernel cannot be read', {
        reason: log.why,
        fix: 'run smc_chk as root',
      }),
    ];
  const ofSmc = log.value.filter(({ text }) => /^smc: /.test(text));
  const trouble = ofSmc.filter(({ text }) => TROUBLE.test(text) && !TAINT.test(text));
  const facts = { messages: ofSmc.map(line) };
  if (trouble.length === 0)
    return [
      check('pass', 'kernel-log', null, `${counted(ofSmc.length, 'message')} about SMC, none of trouble`, {
        facts,
      }),
    ];
  return [
    check('warning', 'kernel-log', null, `${counted(trouble.length, 'message')} about trouble of SMC`, {
      reason: trouble.slice(-SHOWN).map(line).join('; '),
      fix: 'read what stands around them: dmesg',
      facts,
    }),
  ];
}

const line = ({ seconds, text }: KernelMessage): string => `[${seconds.toFixed(6)}] ${text}`;
