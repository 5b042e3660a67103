// SPDX-License-Identifier: MIT
import { type KernelMessage, readKernelLog } from '../../host/kernel-log.ts';
import { observeNow } from '../observed.ts';
import { counted, defineCheck } from './check.ts';

/** Messages of SMC and of what it stands on: `smc: …`, and `ism 0000:00:00.0: …` where a device speaks. */
const OF_SMC = /^(?:smc|dibs|ism)(?: \S+)?: /;
/**
 * Messages that tell of trouble; those about new devices, links and PNET IDs are let pass, and so is a link group in state
 * SINGLE: each one begins so, and over one adapter it stays so.
 */
const TROUBLE =
  /link removed|state changed: NONE|error|fail|unexpected|LLC protocol violation|dropped parallel LLC msg/i;
/** A device that leaves takes its links along. That it left is a matter of who took it out, or of the driver. */
const REMOVED = /^smc: removing (?:ib|smcd) device (\S+)$/;
const LINK_REMOVED = /\blink removed: .*\bibdev (\S+?),? /;
const ADDED = /^smc: adding (?:ib|smcd) device (\S+)/;
/** What the kernel says of a module that was not built together with it; the check of the module says that, too. */
const TAINT = /^smc: (?:loading out-of-tree module|module verification failed)/;
/** Messages that are quoted. */
const SHOWN = 3;

/** What the kernel's log says about SMC. */
export const kernelLogCheck = defineCheck({
  id: 'kernel-log',
  about:
    'What the kernel log says about SMC; on most systems only root can read it. The removal of a device, with its links, is not a problem: somebody removed the device or its driver.',
  facts: { messages: 'the messages about SMC, with their times' },
  run({ host: { root }, pass, warn, unknown }) {
    const log = observeNow(() => readKernelLog(root));
    if (!log.value)
      return [
        unknown(null, 'the log of the kernel cannot be read', {
          reason: log.why,
          fix: 'run smc_chk as root, outside of containers',
        }),
      ];
    const ofSmc = log.value.filter(({ text }) => OF_SMC.test(text));
    const { trouble, removed } = sorted(ofSmc);
    const facts = { messages: ofSmc.map(line) };
    if (trouble.length === 0)
      return [
        pass(null, `${counted(ofSmc.length, 'message')} about SMC, none indicates a problem`, {
          reason: removed.size > 0 ? `devices that were removed: ${[...removed].join(', ')}` : null,
          facts,
        }),
      ];
    return [
      warn(null, `${counted(trouble.length, 'message')} about problems with SMC`, {
        reason: trouble.slice(-SHOWN).map(line).join('; '),
        fix: 'read the lines around them: dmesg',
        facts,
      }),
    ];
  },
});

/** What is trouble, and the devices that were taken out. */
function sorted(messages: readonly KernelMessage[]): { trouble: KernelMessage[]; removed: Set<string> } {
  const removed = new Set<string>();
  const leaving = new Set<string>();
  const trouble = messages.filter(({ text }) => {
    const [, left] = REMOVED.exec(text) ?? [];
    if (left !== undefined) {
      removed.add(left);
      leaving.add(left);
    }
    const [, back] = ADDED.exec(text) ?? [];
    if (back !== undefined) leaving.delete(back);
    const [, device] = LINK_REMOVED.exec(text) ?? [];
    if (device !== undefined && leaving.has(device)) return false;
    return TROUBLE.test(text) && !TAINT.test(text);
  });
  return { trouble, removed };
}

const line = ({ seconds, text }: KernelMessage): string => `[${seconds.toFixed(6)}] ${text}`;
