// SPDX-License-Identifier: MIT
/** The options of smc_chk. */
import { decimalNumber, number } from '../../cli/number-option.ts';
import { type Options, optionTable, type RulesFor } from '../../cli/options.ts';

/** Ports that a service can have. */
export const PORT = { min: 1, max: 65_535 } as const;

/** These modes take no interfaces. */
const none = { max: 0 } as const;

export const OPTIONS = optionTable({
  connect: {
    operands: none,
    short: 'C',
    value: 'HOST',
    completes: 'host',
    help: 'connect to HOST or HOST:PORT and report the result',
  },
  server: { operands: none, short: 'S', help: 'run a server for tests from other hosts until interrupted' },
  pnetid: {
    operands: none,
    short: 'i',
    value: 'IFACE',
    completes: 'interface',
    help: 'print the PNET ID of a network interface',
  },
  liveTest: { short: 'l', help: 'test each interface with a built-in server and client' },
  staticAnalysis: { short: 's', help: 'show how each interface is set up for SMC-D' },
  port: {
    short: 'p',
    value: 'PORT',
    parse: number(PORT),
    help: 'port to connect to, or to serve on; default 37373',
  },
  ipv6: { short: '6', help: 'accepted for compatibility: both address families are always served' },
  timeout: {
    value: 'SECONDS',
    parse: number({ form: decimalNumber, above: 0, max: 3600, of: 'seconds' }),
    help: 'maximum wait for a connection; default 15',
    addition: true,
  },
  explain: {
    operands: none,
    value: 'CODE',
    help: 'explain a reason code, given by number or name, or "all"',
    addition: true,
  },
  all: { short: 'a', help: 'on a terminal, also list the checks that passed', addition: true },
  problems: { help: 'list only what needs attention, line by line', addition: true },
  debug: { short: 'd', help: 'report each step of --connect and --server on stderr' },
});

export type ChkOptions = Options<typeof OPTIONS>;

export const RULES: RulesFor<typeof OPTIONS> = {
  conflicts: [
    // live-test and static-analysis go together, the other modes do not
    { of: 'connect', with: ['server', 'pnetid', 'liveTest', 'staticAnalysis', 'explain'] },
    { of: 'server', with: ['pnetid', 'liveTest', 'staticAnalysis', 'explain'] },
    { of: 'pnetid', with: ['liveTest', 'staticAnalysis', 'explain'] },
    { of: ['liveTest', 'staticAnalysis'], with: 'explain' },
    {
      of: ['all', 'problems'],
      with: ['connect', 'server', 'pnetid', 'liveTest', 'staticAnalysis', 'explain'],
      message: (option) => `${option} is only for the check of this host`,
    },
    { of: 'all', with: 'problems' },
  ],
  requires: {
    port: ['connect', 'server', 'liveTest'],
    timeout: ['connect', 'liveTest'],
  },
};
