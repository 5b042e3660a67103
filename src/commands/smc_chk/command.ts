// SPDX-License-Identifier: MIT
/** smc_chk: says whether a connection, or this host, can use SMC, and if not, why. */
import { type Parsed, UsageError } from '../../cli/options.ts';
import type { CommandDefinition, Context } from '../../cli/run.ts';
import { SmcError } from '../../smc/error.ts';

export const smcChk: CommandDefinition = {
  name: 'smc_chk',
  usage: '[options] [INTERFACE...]',
  operands: () => ['<interface>'],
  summary: 'Checks whether this host, or one connection, can use SMC, and shows what prevents it.',
  options: [
    {
      short: 'C',
      long: 'connect',
      value: 'HOST',
      completes: 'host',
      help: 'connect to HOST or HOST:PORT and report the result',
    },
    { short: 'S', long: 'server', help: 'run a server for tests from other hosts until interrupted' },
    {
      short: 'i',
      long: 'pnetid',
      value: 'IFACE',
      completes: 'interface',
      help: 'print the PNET ID of a network interface',
    },
    { short: 'l', long: 'live-test', help: 'test each interface with a built-in server and client' },
    { short: 's', long: 'static-analysis', help: 'show how each interface is set up for SMC-D' },
    { short: 'p', long: 'port', value: 'PORT', help: 'port to connect to, or to serve on; default 37373' },
    { short: '6', long: 'ipv6', help: 'accepted for compatibility: both address families are always served' },
    { long: 'timeout', value: 'SECONDS', help: 'maximum wait for a connection; default 15', addition: true },
    {
      long: 'explain',
      value: 'CODE',
      help: 'explain a reason code, given by number or name, or "all"',
      addition: true,
    },
    { short: 'a', long: 'all', help: 'on a terminal, also list the checks that passed', addition: true },
    { long: 'problems', help: 'list only what needs attention, line by line', addition: true },
    { short: 'd', long: 'debug', help: 'report each step of --connect and --server on stderr' },
  ],
  examples: [
    ['smc_chk', 'check this host'],
    ['smc_chk --problems', 'list only what needs attention, for scripts'],
    ['smc_chk -C server:443', 'does that service use SMC, and if not, why?'],
    ['smc_chk -S', 'run a server on this host, for smc_chk -C on another'],
    ['smc_chk --explain 0x05000000/0x03030008', 'explain what smcss shows'],
  ],
  run: dispatch,
  statusOf,
};

/** Could not be carried out. */
const STATUS_FAILED = 1;
/** The command line is wrong, or names an interface that is not there or not up. */
const STATUS_USAGE = 2;

/** What makes connections. */
const LIVE = ['connect', 'server', 'live-test'] as const;

/** Options that choose what is done; `live-test` and `static-analysis` go together, the others do not. */
const MODES = ['connect', 'server', 'pnetid', 'live-test', 'static-analysis', 'explain'] as const;
type Mode = (typeof MODES)[number];

/** Modes that work on the interfaces named as operands. */
const TAKES_INTERFACES: readonly Mode[] = ['live-test', 'static-analysis'];

async function dispatch(context: Context, parsed: Parsed): Promise<number> {
  const modes = MODES.filter((mode) => parsed.flags.has(mode));
  check(modes, parsed);
  for (const mode of LIVE) if (modes.includes(mode)) context.needsRunningSystem(`--${mode}`);
  switch (modes[0]) {
    case 'connect':
      return (await import('./connect.ts')).connectMode(context, parsed);
    case 'server':
      return (await import('./serve.ts')).serveMode(context, parsed);
    case 'pnetid':
      return (await import('./pnetid.ts')).pnetidMode(context, parsed);
    case 'live-test':
    case 'static-analysis':
      return (await import('./interfaces.ts')).interfacesMode(context, parsed);
    case 'explain':
      return (await import('./explain.ts')).explainMode(context, parsed);
    default:
      return (await import('./system.ts')).systemMode(context, parsed);
  }
}

function check(modes: readonly Mode[], { flags, operands }: Parsed): void {
  const [first, second] = modes;
  const both = modes.length === 2 && modes.every((mode) => TAKES_INTERFACES.includes(mode));
  if (second && !both) throw new UsageError(`--${first} and --${second} exclude each other`);
  for (const option of ['all', 'problems'])
    if (first && flags.has(option)) throw new UsageError(`--${option} is only for the check of this host`);
  if (flags.has('all') && flags.has('problems'))
    throw new UsageError('--all and --problems exclude each other');
  if (first && !TAKES_INTERFACES.includes(first) && operands.length > 0)
    throw new UsageError(`unexpected argument '${operands[0]}'`);
}

function statusOf(error: unknown): number {
  const isNoInterface = error instanceof SmcError && error.code === 'NOT_FOUND';
  return error instanceof UsageError || isNoInterface ? STATUS_USAGE : STATUS_FAILED;
}
