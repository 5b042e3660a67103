// SPDX-License-Identifier: MIT
/**
 * Somebody who swaps names between two steps of a program. Each call of node:fs is a step; what he does happens exactly
 * before the step that is named, so all moments can be tried one after the other, without a race.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

type Functions = Record<string, unknown>;

/** The functions as they are, for the attacker and for the test. */
const original: Functions = { ...fs };
const STEPS = Object.keys(fs).filter(
  (name) => name.endsWith('Sync') && typeof original[name] === 'function' && name !== 'closeSync',
);

/**
 * Runs something while the attacker acts.
 * @param acts by number of the step that they come before; they use the real functions
 * @returns how many steps were made
 */
export function underAttack(acts: ReadonlyMap<number, () => void>, body: () => void): number {
  let step = 0;
  let isActing = false;
  const target = fs as unknown as Functions;
  for (const name of STEPS)
    target[name] = Object.assign(
      (...args: unknown[]) => {
        if (!isActing) {
          isActing = true;
          try {
            acts.get(step++)?.();
          } finally {
            isActing = false;
          }
        }
        return (original[name] as (...args: unknown[]) => unknown)(...args);
      },
      // realpathSync.native and the like
      original[name],
    );
  syncBuiltinESMExports();
  try {
    body();
  } finally {
    for (const name of STEPS) target[name] = original[name];
    syncBuiltinESMExports();
  }
  return step;
}
