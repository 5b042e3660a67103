// SPDX-License-Identifier: MIT
/** The options of smc_run. */
import { number } from '../../cli/number-option.ts';
import { type Options, optionTable, type RulesFor, UsageError } from '../../cli/options.ts';
import { parseByteCount } from '../../smc/byte-count.ts';

/** setsockopt(2) takes no larger value for SO_RCVBUF and SO_SNDBUF. */
const size = number({
  form: parseByteCount,
  min: 1,
  max: 0x7fff_ffff,
  of: 'bytes',
  also: 'or one with k or m',
});

/** What is not known yet when a socket is opened. */
const DECIDED_LATER: ReadonlyMap<string, string> = new Map([
  ['port', 'a port'],
  ['net', 'an address'],
]);

/** Longest file name, in bytes. */
const PATTERN_MAX = 255;

/** The pattern of a rule. */
function commandPattern(rule: string, option: string): string {
  const [, key, pattern] = /^([a-z]+)=(.*)$/s.exec(rule) ?? [];
  const later = DECIDED_LATER.get(key ?? '');
  if (later)
    throw new UsageError(
      `${option} ${rule} cannot be decided: a socket gets ${later} after it was opened as SMC or TCP; rules can name a command only`,
    );
  if (key !== 'command' || !pattern)
    throw new UsageError(`${option} '${rule}' is not a rule: give command=GLOB`);
  // the preload library reads patterns from a variable, with colons in between
  if (pattern.includes(':')) throw new UsageError(`${option} '${rule}': a pattern cannot have a colon`);
  if (/[/\n\0]/.test(pattern) || Buffer.byteLength(pattern) > PATTERN_MAX)
    throw new UsageError(
      `${option} '${rule}' can match no command: the pattern is for the name without its directory`,
    );
  return pattern;
}

/** These options do not start a program. */
const none = { max: 0 } as const;

export const OPTIONS = optionTable({
  debug: { short: 'd', help: 'report each socket on stderr, and a summary at the end' },
  rcvbuf: {
    short: 'r',
    value: 'SIZE',
    parse: size,
    help: 'receive buffer of the SMC sockets, in bytes or with k or m',
  },
  sndbuf: {
    short: 't',
    value: 'SIZE',
    parse: size,
    help: 'send buffer of the SMC sockets, in bytes or with k or m',
  },
  via: {
    value: 'WAY',
    choices: ['auto', 'preload', 'seccomp'],
    help: 'how to convert: auto, preload or seccomp',
  },
  socket: {
    value: 'KIND',
    choices: ['af_smc', 'inet', 'auto'],
    help: 'what sockets become: af_smc, inet (IPPROTO_SMC) or auto',
  },
  strict: { help: 'never use TCP instead of SMC: do not start the program, or let socket() fail' },
  only: {
    value: 'RULE',
    parse: commandPattern,
    repeatable: true,
    help: 'convert only in these programs: command=GLOB',
  },
  except: {
    value: 'RULE',
    parse: commandPattern,
    repeatable: true,
    help: 'convert in all programs except these: command=GLOB',
  },
  report: { help: 'report at the end what the connections used, and why' },
  requireSmc: { help: 'status 123 if not all connections ran over SMC' },
  log: { value: 'FILE', help: 'append the report to FILE instead of stderr' },
  json: { short: 'j', help: 'the report as JSON' },
  enable: { operands: none, value: 'UNIT', help: 'make a systemd service run over SMC' },
  disable: { operands: none, value: 'UNIT', help: 'undo --enable' },
  disableAll: { operands: none, help: 'undo --enable for all enabled services' },
  status: { operands: { max: 1 }, help: 'show which services run over SMC, or whether UNIT does' },
  dryRun: { help: 'with --enable and --disable: show what would change' },
  preloadPath: { operands: none, help: 'print the value that LD_PRELOAD needs, for scripts and units' },
  from: { value: 'FILE|DIR', help: 'refused: nothing runs in a recorded system', isHidden: true },
});

export type RunOptions = Options<typeof OPTIONS>;

/** What makes it a tool for systemd units. */
const SERVICE_MODES = ['enable', 'disable', 'disableAll', 'status'] as const;

/** How a program or a service is converted. */
const CONVERSION = ['debug', 'rcvbuf', 'sndbuf', 'via', 'socket', 'strict', 'only', 'except'] as const;

/** What tells about a program at its end. */
const REPORT = ['report', 'requireSmc', 'log'] as const;

export const RULES: RulesFor<typeof OPTIONS> = {
  conflicts: [
    {
      of: 'preloadPath',
      with: [...CONVERSION, ...REPORT, 'json', ...SERVICE_MODES, 'dryRun', 'netns'],
    },
    { of: 'enable', with: ['disable', 'disableAll', 'status'] },
    { of: 'disable', with: ['disableAll', 'status'] },
    { of: 'disableAll', with: 'status' },
    {
      of: SERVICE_MODES,
      with: REPORT,
      message: (_, option) => `${option} is for programs that smc_run starts itself, not for services`,
    },
    {
      of: ['disable', 'disableAll', 'status'],
      with: CONVERSION,
      message: (mode, option) => `${option} has no effect on ${mode}: it goes with --enable`,
    },
    {
      of: SERVICE_MODES,
      with: 'netns',
      message: (mode) =>
        `--netns has no effect on ${mode}: the unit of a service names its network namespace`,
    },
    {
      of: 'status',
      with: 'dryRun',
      message: () => '--status changes nothing, with or without --dry-run',
    },
    {
      of: 'disableAll',
      with: 'json',
      message: () => '--disable-all has no JSON: use --status -j and --disable',
    },
  ],
  requires: { dryRun: ['enable', 'disable', 'disableAll'] },
};
