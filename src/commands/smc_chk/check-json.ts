// SPDX-License-Identifier: MIT
/** A check in JSON, the same in all modes of smc_chk. */
import type { CheckRow } from '../../documents/smc_chk.ts';
import type { Made } from '../../output/document.ts';
import type { Check } from '../../smc/checks/check.ts';

/** A check without what only text needs. */
export const checkJson = ({ id, subject, status, finding, reason, fix, facts }: Check): Made<CheckRow> => ({
  id,
  subject,
  status,
  finding,
  reason,
  fix,
  facts,
});
