// SPDX-License-Identifier: MIT
/** The other commands of the suite, which smc_dbg runs in its own process. Only this file may import them. */
import type { CommandDefinition } from '../../cli/run.ts';

/** smc_dbg as version.txt needs it: it prints its version and does nothing else. */
const smcDbgVersion: CommandDefinition = {
  name: 'smc_dbg',
  usage: '',
  summary: 'Prints the version.',
  options: {},
  examples: [],
  run: async () => 0,
};

/** In the order of version.txt. */
export const SUITE: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  smcss: async () => (await import('../smcss/command.ts')).smcss,
  smc_chk: async () => (await import('../smc_chk/command.ts')).smcChk,
  smc_rnics: async () => (await import('../smc_rnics/command.ts')).smcRnics,
  smc_pnet: async () => (await import('../smc_pnet/command.ts')).smcPnet,
  smcd: async () => (await import('../smcd/command.ts')).smcd,
  smc_dbg: async () => smcDbgVersion,
  smcr: async () => (await import('../smcr/command.ts')).smcr,
  smc_conf: async () => (await import('../smc_conf/command.ts')).smcConf,
};
