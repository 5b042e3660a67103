// SPDX-License-Identifier: MIT
/** The other commands of the suite, which smc_dbg runs in its own process. Only this file may import them. */
import type { CommandDefinition } from '../../cli/run.ts';

/** In the order of version.txt. */
export const SUITE: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  smcss: async () => (await import('../smcss.ts')).smcss,
  smc_chk: async () => (await import('../smc_chk.ts')).smcChk,
  smc_rnics: async () => (await import('../smc_rnics.ts')).smcRnics,
  smc_pnet: async () => (await import('../smc_pnet.ts')).smcPnet,
  smcd: async () => (await import('../smcd.ts')).smcd,
  smc_dbg: async () => (await import('../smc_dbg.ts')).smcDbg,
  smcr: async () => (await import('../smcr.ts')).smcr,
};
