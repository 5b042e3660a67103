// SPDX-License-Identifier: MIT
/** The options of smc_run, checked. */
import { type Parsed, UsageError } from '../../cli/options.ts';
import { parseByteCount } from '../../smc/byte-count.ts';
import type { Wish } from './way.ts';

export interface Settings {
  via: Wish;
  socket: (typeof SOCKET_KINDS)[number] | undefined;
  isStrict: boolean;
  debug: boolean;
  /** bytes */
  rcvbuf: number | undefined;
  sndbuf: number | undefined;
  /** patterns of command names */
  only: readonly string[];
  except: readonly string[];
  /** print what became of the connections */
  report: boolean;
  requireSmc: boolean;
  log: string | undefined;
  json: boolean;
}

export const WAYS = ['auto', 'preload', 'seccomp'] as const;
export const SOCKET_KINDS = ['af_smc', 'inet', 'auto'] as const;

/** @throws UsageError */
export function settingsOf({ flags, values, lists }: Parsed): Settings {
  const json = flags.has('json');
  const debug = flags.has('debug');
  const log = values['log'];
  if (log === '') throw new UsageError("--log '' names no file");
  return {
    via: choice('via', values['via'], WAYS) ?? 'auto',
    socket: choice('socket', values['socket'], SOCKET_KINDS),
    isStrict: flags.has('strict'),
    debug,
    rcvbuf: checkSize('rcvbuf', values['rcvbuf']),
    sndbuf: checkSize('sndbuf', values['sndbuf']),
    only: (lists['only'] ?? []).map((rule) => commandPattern('only', rule)),
    except: (lists['except'] ?? []).map((rule) => commandPattern('except', rule)),
    report: flags.has('report') || debug || json || log !== undefined,
    requireSmc: flags.has('require-smc'),
    log,
    json,
  };
}

function choice<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = known.find((word) => word === text);
  if (!found)
    throw new UsageError(
      `--${option} '${text}' is not known: ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`,
    );
  return found;
}

/** Largest value that setsockopt(2) takes for SO_RCVBUF and SO_SNDBUF. */
const SIZE_MAX = 0x7fff_ffff;

/** @returns bytes */
function checkSize(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseByteCount(text);
  if (!bytes)
    throw new UsageError(
      `--${option} '${text}' is not a valid size: it must be a number of bytes, or a number with k or m`,
    );
  if (bytes > SIZE_MAX) throw new UsageError(`--${option} ${text} is too large: at most ${SIZE_MAX} bytes`);
  return bytes;
}

/** What is not known yet when a socket is opened. */
const DECIDED_LATER: ReadonlyMap<string, string> = new Map([
  ['port', 'a port'],
  ['net', 'an address'],
]);

/** Longest file name, in bytes. */
const PATTERN_MAX = 255;

function commandPattern(option: 'only' | 'except', rule: string): string {
  const [, key, pattern] = /^([a-z]+)=(.*)$/s.exec(rule) ?? [];
  const later = DECIDED_LATER.get(key ?? '');
  if (later)
    throw new UsageError(
      `--${option} ${rule} cannot be decided: a socket gets ${later} after it was opened as SMC or TCP; rules can name a command only`,
    );
  if (key !== 'command' || !pattern)
    throw new UsageError(`--${option} '${rule}' is not a rule: give command=GLOB`);
  // the preload library reads patterns from a variable, with colons in between
  if (pattern.includes(':')) throw new UsageError(`--${option} '${rule}': a pattern cannot have a colon`);
  if (/[/\n\0]/.test(pattern) || Buffer.byteLength(pattern) > PATTERN_MAX)
    throw new UsageError(
      `--${option} '${rule}' can match no command: the pattern is for the name without its directory`,
    );
  return pattern;
}
