// SPDX-License-Identifier: MIT
/** The options of smc_rnics. */
import { type Options, optionTable, type RulesFor } from '../../cli/options.ts';

export const OPTIONS = optionTable({
  all: { short: 'a', help: 'also list functions that are off, and other network adapters' },
  ibDevices: {
    long: 'IB-dev',
    short: 'I',
    help: 's390x: RDMA devices instead of interfaces; elsewhere: also addresses',
  },
  raw: { long: 'rawids', short: 'r', help: 'vendor and device IDs instead of names' },
  enable: { short: 'e', value: 'FID', completes: 'fid', help: 's390x: switch this function on' },
  disable: { short: 'd', value: 'FID', completes: 'fid', help: 's390x: switch this function off' },
  json: {
    short: 'j',
    help: 'print everything that is known, as one JSON document',
    addition: true,
  },
});

export type RnicsOptions = Options<typeof OPTIONS>;

export const RULES: RulesFor<typeof OPTIONS> = { conflicts: [{ of: 'enable', with: 'disable' }] };
