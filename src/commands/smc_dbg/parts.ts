// SPDX-License-Identifier: MIT
/** What is in a bundle for people to read. A command that joins the suite joins here and in suite.ts. */
import { SUITE } from './suite.ts';

/** A file with the output of commands, one after the other. */
export interface Part {
  file: string;
  commands: readonly string[];
}

/** Files of the C suite's smc_dbg, under its names and in its order, but for devices.txt. */
const ORIGINAL: readonly Part[] = [
  { file: 'version.txt', commands: Object.keys(SUITE).map((name) => `${name} -v`) },
  { file: 'smcss_smcd', commands: ['smcss --smcd'] },
  { file: 'smcss_all.txt', commands: ['smcss --all --debug'] },
  { file: 'smcss_smcr', commands: ['smcss --smcr'] },
  { file: 'pnet_table.txt', commands: ['smc_pnet --show'] },
  { file: 'smcr_links.txt', commands: ['smcr -d linkgroup link-show'] },
  { file: 'smcd_lgs.txt', commands: ['smcd -d linkgroup show'] },
  { file: 'smcd_info.txt', commands: ['smcd info'] },
  // absolute: a reset of the user's is not the maintainer's
  { file: 'smcd_stats.txt', commands: ['smcd -da stats'] },
  { file: 'smcr_stats.txt', commands: ['smcr -da stats'] },
];

const ADDITIONAL: readonly Part[] = [
  { file: 'rnics.txt', commands: ['smc_rnics -a'] },
  { file: 'smcss_wide.txt', commands: ['smcss --all --wide'] },
  { file: 'smcd_devices.txt', commands: ['smcd device'] },
  { file: 'smcr_devices.txt', commands: ['smcr -d device'] },
  { file: 'smcr_lgs.txt', commands: ['smcr -d linkgroup show'] },
  { file: 'ueid.txt', commands: ['smcd ueid'] },
  { file: 'seid.txt', commands: ['smcd seid'] },
  { file: 'hs_limit.txt', commands: ['smcd hs-limit'] },
  { file: 'sysctl.txt', commands: ['smcd sysctl'] },
  { file: 'smc.yaml', commands: ['smc_conf export'] },
  { file: 'check.txt', commands: ['smc_chk'] },
];

const DOCUMENTS: readonly string[] = [
  'smcss -a -j',
  'smc_pnet -j',
  ...['info', 'device', 'linkgroup', 'stats', 'ueid', 'seid', 'hs-limit', 'sysctl'].map(
    (object) => `smcd -a -j ${object}`,
  ),
  ...['device', 'linkgroup', 'linkgroup link-show', 'stats'].map((object) => `smcr -a -j ${object}`),
  'smc_rnics -a -j',
  'smc_conf export -j',
  'smc_chk -j',
];

const isThere = (command: string): boolean => command.split(' ')[0]! in SUITE;

/** Only commands that this version has. */
const available = (parts: readonly Part[]): Part[] =>
  parts
    .map(({ file, commands }) => ({ file, commands: commands.filter(isThere) }))
    .filter(({ commands }) => commands.length > 0);

export const TEXT_PARTS: readonly Part[] = available([...ORIGINAL, ...ADDITIONAL]);

/** `json/smcd-linkgroup.json` and so on. */
export const JSON_PARTS: readonly Part[] = available(
  DOCUMENTS.map((command) => ({
    file: `json/${command.replace(/ -\w/g, '').replaceAll(' ', '-')}.json`,
    commands: [command],
  })),
);
