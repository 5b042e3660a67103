// SPDX-License-Identifier: MIT
/** The statuses of checks, as all modes of smc_chk print them. */
import type { Style } from '../../output/table.ts';
import type { CheckStatus } from '../../smc/checks/check.ts';

/** What needs attention first. */
export const STATUSES: readonly CheckStatus[] = ['fail', 'warning', 'unknown', 'pass'];

export const STATUS_STYLES: Readonly<Record<CheckStatus, Style>> = {
  fail: 'alarm',
  warning: 'bad',
  unknown: 'info',
  pass: 'good',
};

/** The word in text; JSON has it in lower case. */
export const statusWord = (status: CheckStatus): string => status.toUpperCase();
