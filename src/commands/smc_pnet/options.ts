// SPDX-License-Identifier: MIT
/** The options of smc_pnet. */
import { cNumber, number } from '../../cli/number-option.ts';
import { type Options, optionTable, type RulesFor } from '../../cli/options.ts';

const portNumber = number({ form: cNumber, min: 1, max: 2 });

/** Numbers as C writes them. 0 means the default, and so does nothing. */
const port = (text: string, option: string): number =>
  text === '' || cNumber(text) === 0 ? 0 : portNumber(text, option);

export const OPTIONS = optionTable({
  add: { short: 'a', help: 'add an interface, a device or both to the network PNETID' },
  show: { short: 's', help: 'show the table, or the entries of PNETID (default)' },
  delete: { short: 'd', help: 'delete all entries of PNETID' },
  flush: { short: 'f', help: 'delete all entries' },
  interface: {
    short: 'I',
    value: 'NAME',
    completes: 'interface',
    help: 'with --add: Ethernet interface',
  },
  ibdevice: {
    short: 'D',
    value: 'NAME',
    completes: 'device',
    help: 'with --add: RDMA device; ISM device by PCI address or, on newer kernels, name',
  },
  ibport: {
    short: 'P',
    value: 'PORT',
    parse: port,
    completes: ['1', '2'],
    help: 'with --add: port of the RDMA device, 1 (default) or 2',
  },
  json: { short: 'j', help: 'show the table as JSON' },
});

export type PnetOptions = Options<typeof OPTIONS>;

/** What is done. */
export const ACTIONS = ['add', 'show', 'delete', 'flush'] as const;

export const RULES: RulesFor<typeof OPTIONS> = { exclusive: ACTIONS };
