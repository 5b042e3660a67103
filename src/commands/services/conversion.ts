// SPDX-License-Identifier: MIT
/** How a program or a service is converted, in the words of the preload library, of smc-launch and of smc_run. */
import type { Wish } from './way.ts';

/** The settings of a conversion, those of `smc_run --enable`. */
export interface Conversion {
  via: Wish;
  socket: 'af_smc' | 'inet' | 'auto' | undefined;
  isStrict: boolean;
  debug: boolean;
  /** bytes */
  rcvbuf: number | undefined;
  sndbuf: number | undefined;
  /** patterns of command names */
  only: readonly string[];
  except: readonly string[];
}

/**
 * The variables that the preload library reads.
 * @param library value of LD_PRELOAD
 */
export function preloadVariables(
  settings: Conversion,
  library: Buffer | string,
): Record<string, Buffer | string> {
  const { debug, socket, isStrict, rcvbuf, sndbuf, only, except } = settings;
  return {
    LD_PRELOAD: library,
    ...(debug && { SMC_DEBUG: '1' }),
    ...(socket && { SMC_SOCKET: socket }),
    ...(isStrict && { SMC_STRICT: '1' }),
    ...(only.length > 0 && { SMC_ONLY_COMMAND: only.join(':') }),
    ...(except.length > 0 && { SMC_EXCEPT_COMMAND: except.join(':') }),
    ...(rcvbuf !== undefined && { SMC_RCVBUF: String(rcvbuf) }),
    ...(sndbuf !== undefined && { SMC_SNDBUF: String(sndbuf) }),
  };
}

/** Options of smc-launch that determine what sockets become. */
export function launcherOptions(settings: Conversion): string[] {
  return [
    ...['--convert', settings.socket ?? 'auto'],
    ...(settings.isStrict ? ['--strict'] : []),
    ...(settings.debug ? ['--debug'] : []),
    ...(settings.sndbuf === undefined ? [] : ['--sndbuf', String(settings.sndbuf)]),
    ...(settings.rcvbuf === undefined ? [] : ['--rcvbuf', String(settings.rcvbuf)]),
    ...settings.only.flatMap((pattern) => ['--only-command', pattern]),
    ...settings.except.flatMap((pattern) => ['--except-command', pattern]),
  ];
}

/** The options of smc_run by which the settings differ from what it does without. Each is one word without blanks. */
export function conversionWords(settings: Conversion): string[] {
  const { via, socket, isStrict, debug, rcvbuf, sndbuf, only, except } = settings;
  return [
    ...(via === 'auto' ? [] : [`--via=${via}`]),
    ...(socket === undefined ? [] : [`--socket=${socket}`]),
    ...(isStrict ? ['--strict'] : []),
    ...(debug ? ['--debug'] : []),
    ...(rcvbuf === undefined ? [] : [`--rcvbuf=${rcvbuf}`]),
    ...(sndbuf === undefined ? [] : [`--sndbuf=${sndbuf}`]),
    ...only.map((pattern) => `--only=command=${encodeURIComponent(pattern)}`),
    ...except.map((pattern) => `--except=command=${encodeURIComponent(pattern)}`),
  ];
}

/** Reads what `conversionWords` made, joined by blanks. */
export function parseConversionWords(text: string): Conversion {
  const words = text.split(' ').filter((word) => word !== '');
  const values = (option: string): string[] =>
    words.flatMap((word) => (word.startsWith(`--${option}=`) ? [word.slice(option.length + 3)] : []));
  const patterns = (option: string): string[] =>
    values(option).map((value) => decodeURIComponent(value.replace(/^command=/, '')));
  const size = ([value]: string[]): number | undefined => (value === undefined ? undefined : Number(value));
  return {
    via: (values('via')[0] ?? 'auto') as Conversion['via'],
    socket: values('socket')[0] as Conversion['socket'],
    isStrict: words.includes('--strict'),
    debug: words.includes('--debug'),
    rcvbuf: size(values('rcvbuf')),
    sndbuf: size(values('sndbuf')),
    only: patterns('only'),
    except: patterns('except'),
  };
}
