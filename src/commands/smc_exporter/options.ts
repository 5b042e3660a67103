// SPDX-License-Identifier: MIT
/** The options of smc_exporter. */
import { decimalNumber, number } from '../../cli/number-option.ts';
import { type Options, optionTable, type RulesFor } from '../../cli/options.ts';

/** What can be switched on and off; `collectors/index.ts` has them. */
export const COLLECTOR_NAMES = [
  'handshakes',
  'traffic',
  'protocols',
  'sockets',
  'linkgroups',
  'devices',
  'pnet',
  'eids',
  'settings',
  'kernel',
  'checks',
] as const;

export type CollectorName = (typeof COLLECTOR_NAMES)[number];

/** Where it listens by default: on this host only. 43 is AF_SMC. */
export const DEFAULT_LISTEN = '127.0.0.1:10043';

export const DEFAULT_TIMEOUT_S = 5;
export const DEFAULT_TOP = 10;

export const OPTIONS = optionTable({
  listen: {
    short: 'l',
    value: 'ADDRESS',
    repeatable: true,
    completes: ['127.0.0.1:', '0.0.0.0:', '[::]:', 'unix:'],
    help: 'serve on HOST:PORT, [IPV6]:PORT or unix:PATH; default port 10043 on loopback',
    addition: true,
  },
  webConfig: {
    value: 'FILE',
    help: 'use TLS and passwords, as a Prometheus web configuration file says',
    addition: true,
  },
  once: { short: '1', help: 'print the metrics once and exit', addition: true },
  textfile: {
    value: 'FILE',
    help: 'write the metrics to FILE, for the textfile collector of node_exporter',
    addition: true,
  },
  page: {
    value: 'FILE',
    help: 'write the page to FILE and exit; - is standard output',
    addition: true,
  },
  interval: {
    short: 'i',
    value: 'SECONDS',
    parse: number({ form: decimalNumber, min: 1, max: 86_400, of: 'seconds' }),
    help: 'with --textfile: write the file again at this interval',
    addition: true,
  },
  collector: {
    short: 'c',
    value: 'NAME',
    choices: COLLECTOR_NAMES,
    repeatable: true,
    help: 'switch a collector on; with sockets, however many there are',
    addition: true,
  },
  noCollector: {
    value: 'NAME',
    choices: COLLECTOR_NAMES,
    repeatable: true,
    help: 'switch a collector off',
    addition: true,
  },
  by: {
    value: 'WHAT',
    choices: ['unit', 'comm'],
    repeatable: true,
    help: 'also count connections by systemd unit (unit) or program name (comm)',
    addition: true,
  },
  top: {
    value: 'N',
    parse: number({ min: 1, max: 1000 }),
    help: `with --by: how many get series of their own; default ${DEFAULT_TOP}`,
    addition: true,
  },
  allNetns: { short: 'A', help: 'read all network namespaces', addition: true },
  timeout: {
    value: 'SECONDS',
    parse: number({ form: decimalNumber, above: 0, max: 60, of: 'seconds' }),
    help: `longest wait for the kernel; default ${DEFAULT_TIMEOUT_S}`,
    addition: true,
  },
});

export type ExporterOptions = Options<typeof OPTIONS>;

export const RULES: RulesFor<typeof OPTIONS> = {
  conflicts: [
    { of: 'once', with: ['textfile', 'interval'] },
    { of: 'page', with: ['once', 'textfile', 'interval', 'noCollector', 'by', 'allNetns'] },
    { of: ['once', 'textfile', 'page'], with: ['listen', 'webConfig'] },
    { of: 'allNetns', with: ['netns', 'from'] },
  ],
  requires: { interval: 'textfile', top: 'by', json: ['once', 'page'] },
};
