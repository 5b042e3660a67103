// SPDX-License-Identifier: MIT
import { resourceLimits } from '../../host/resource-limits.ts';
import { observeNow } from '../observed.ts';
import { type Check, type CheckContext, defineCheck } from './check.ts';

/** Fewer open files than this are too few for most servers; it is the usual soft limit. */
const FEW_FILES = 1024;

/** Resource limits that programs get that are started from here. */
export const rlimitCheck = defineCheck({
  id: 'rlimit',
  about: 'Resource limits of programs started from here.',
  facts: { soft: 'soft limit; null for no limit', hard: 'hard limit; null for no limit' },
  run(context) {
    const { pass, unknown } = context;
    const limits = observeNow(() => resourceLimits(context.host.root));
    if (!limits.value)
      return ['nofile', 'memlock'].map((name) =>
        unknown(name, 'the resource limits cannot be read', {
          reason: limits.why,
        }),
      );
    const { openFiles, lockedMemory } = limits.value;
    const absent = (name: string): Check =>
      unknown(name, 'the kernel does not report it', {
        reason: '/proc/self/limits has no such line',
      });
    return [
      !openFiles ? absent('nofile') : checkOpenFiles(context, openFiles),
      !lockedMemory
        ? absent('memlock')
        : pass('memlock', `${amount(lockedMemory.soft)} bytes of locked memory`, {
            reason:
              "SMC's buffers belong to the kernel and are not limited by it; programs that use RDMA directly need it",
            facts: { soft: finite(lockedMemory.soft), hard: finite(lockedMemory.hard) },
          }),
    ];
  },
});

function checkOpenFiles({ pass, warn }: CheckContext, { soft, hard }: { soft: number; hard: number }): Check {
  const facts = { soft: finite(soft), hard: finite(hard) };
  const finding = `${amount(soft)} open files, at most ${amount(hard)}`;
  if (soft >= FEW_FILES) return pass('nofile', finding, { facts });
  return warn('nofile', finding, {
    reason:
      'each connection is an open file: beyond the limit, connections fail with EMFILE, over SMC and TCP alike',
    fix:
      hard >= FEW_FILES
        ? `ulimit -n ${Math.min(hard, FEW_FILES)}`
        : `as root: ulimit -Hn ${FEW_FILES}; ulimit -n ${FEW_FILES}`,
    facts,
  });
}

const amount = (limit: number): string => (Number.isFinite(limit) ? String(limit) : 'unlimited');
/** JSON has no infinity; `null` is no limit. */
const finite = (limit: number): number | null => (Number.isFinite(limit) ? limit : null);
