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
  const { steps, stop } = begin(acts, () => true);
  try {
    body();
  } finally {
    stop();
  }
  return steps();
}

/**
 * The same for what is not over at once.
 * @param isStep which calls count as steps, by their first argument
 */
export async function underAttackMeanwhile(
  acts: ReadonlyMap<number, () => void>,
  isStep: (path: string) => boolean,
  body: () => Promise<void>,
): Promise<number> {
  const { steps, stop } = begin(acts, isStep);
  try {
    await body();
  } finally {
    stop();
  }
  return steps();
}

function begin(
  acts: ReadonlyMap<number, () => void>,
  isStep: (path: string) => boolean,
): { steps: () => number; stop: () => void } {
  let step = 0;
  let isActing = false;
  const target = fs as unknown as Functions;
  for (const name of STEPS)
    target[name] = Object.assign(
      (...args: unknown[]) => {
        if (!isActing && isStep(String(args[0]))) {
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
  return {
    steps: () => step,
    stop: () => {
      for (const name of STEPS) target[name] = original[name];
      syncBuiltinESMExports();
    },
  };
}
