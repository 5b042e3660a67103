// SPDX-License-Identifier: MIT
/** Reason codes in JSON. */
import type { Json } from '../../output/json.ts';
import { fallbackReasons, formatReasonCode } from '../../smc/fallback-reasons.ts';

/** A reason code as JSON. */
export const reasonJson = (code: number): Json => {
  const reason = fallbackReasons.get(code);
  return { code: formatReasonCode(code), name: reason?.name ?? null, text: reason?.meaning ?? null };
};
