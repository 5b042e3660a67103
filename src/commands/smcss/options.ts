// SPDX-License-Identifier: MIT
/** The options of smcss. */
import { decimalNumber, number } from '../../cli/number-option.ts';
import { type Options, optionTable, type RulesFor } from '../../cli/options.ts';

/** A time that is one second unless it is given. No filter starts with a digit. */
const SECONDS = {
  value: 'SECONDS',
  optional: { text: '1', start: /^[\d.]/ },
  parse: number({ form: decimalNumber, min: 0.1, max: 3600, of: 'seconds' }),
} as const;

export const OPTIONS = optionTable({
  all: { short: 'a', help: 'include sockets that listen or are not connected yet' },
  listening: { short: 'l', help: 'list only listening sockets' },
  debug: { short: 'd', help: 'add shutdown state, buffer sizes, cursors and flags' },
  smcd: { short: 'D', help: 'list only SMC-D sockets, with their device and buffer tokens' },
  smcr: { short: 'R', help: 'list only SMC-R sockets, with their device and link' },
  wide: { short: 'W', help: 'do not shorten addresses' },
  processes: {
    short: 'p',
    help: 'add the processes that hold the socket, with their unit and container',
    addition: true,
  },
  allNetns: {
    short: 'A',
    help: 'list the sockets of all network namespaces, with the name of each',
    addition: true,
  },
  summary: {
    short: 's',
    help: 'count sockets by state, mode and reason, and list the busiest peers and ports',
    addition: true,
  },
  groupBy: {
    value: 'FIELD',
    choices: ['peer', 'port', 'comm', 'unit', 'reason', 'lgr', 'netns'],
    help: 'count connections by peer, port, comm, unit, reason, lgr or netns',
    addition: true,
  },
  rates: {
    short: 'i',
    ...SECONDS,
    help: 'add bytes per second of each SMC connection, measured for this long (1)',
    addition: true,
  },
  watch: {
    ...SECONDS,
    help: 'show the sockets and their rates again and again, every so many seconds (1)',
    addition: true,
  },
  sort: {
    value: 'FIELD',
    choices: ['rx', 'tx', 'age', 'port', 'peer', 'reason'],
    help: 'order of --watch: rx (default), tx, age, port, peer or reason',
    addition: true,
  },
  events: {
    short: 'E',
    ...SECONDS,
    help: 'print a line for each event of a connection; list them at this interval (1)',
    addition: true,
  },
  noHeader: { short: 'H', help: 'omit the header line' },
});

export type SmcssOptions = Options<typeof OPTIONS>;

/** Combinations that make no sense, in the order in which the C suite refuses them. */
export const RULES: RulesFor<typeof OPTIONS> = {
  conflicts: [
    { of: 'smcr', with: 'smcd' },
    { of: 'listening', with: ['debug', 'all', 'smcr', 'smcd'] },
    { of: 'allNetns', with: 'netns' },
    {
      of: 'allNetns',
      with: 'from',
      message: () => '--all-netns and --from exclude each other: a recording has one network namespace',
    },
    {
      of: 'events',
      with: 'from',
      message: () => '--events and --from exclude each other: nothing happens in a recording',
    },
    { of: 'events', with: ['summary', 'groupBy', 'rates', 'watch', 'debug', 'wide', 'noHeader'] },
    { of: 'summary', with: ['groupBy', 'noHeader'] },
    { of: ['summary', 'groupBy'], with: ['listening', 'debug', 'wide', 'processes'] },
    { of: 'summary', with: 'rates' },
    { of: 'listening', with: 'rates' },
    { of: 'watch', with: ['debug', 'summary', 'groupBy'] },
    { of: 'watch', with: 'rates', message: () => '--watch shows rates: leave --rates out' },
  ],
  requires: { sort: 'watch' },
};
