// SPDX-License-Identifier: MIT
/** The section `services`: systemd services that run over SMC, with the options of smc_run --enable. */
import { parseByteCount } from '../../smc/byte-count.ts';
import { SmcError } from '../../smc/error.ts';
import { serviceName } from '../services/unit.ts';
import type { ServiceSettings } from './configuration.ts';
import type { Entry, NodeReader } from './nodes.ts';
import type { ParsedNode } from './yaml.ts';

/** Options, with what each takes. */
const OPTIONS = ['debug', 'rcvbuf', 'sndbuf', 'via', 'socket', 'strict', 'only', 'except'] as const;

/** setsockopt(2) takes no larger value for SO_RCVBUF and SO_SNDBUF. */
const BUFFER_MAX = 0x7fff_ffff;

/** Longest file name, in bytes. */
const PATTERN_MAX = 255;

/**
 * @param note is told where a unit is
 * @returns `undefined` when the file does not mention services
 */
export function readServices(
  reader: NodeReader,
  entry: Entry | undefined,
  note: (unit: string, at: ParsedNode) => void,
): Map<string, ServiceSettings> | undefined {
  if (!entry) return undefined;
  const services = new Map<string, ServiceSettings>();
  const places = new Map<string, ParsedNode>();
  for (const { key, at, value } of reader.mapping(entry.value, 'services', entry.at) ?? []) {
    const unit = reader.checked(at, 'services', () => serviceName(key));
    const settings = readSettings(reader, value, `services.${key}`, at);
    if (unit === undefined) continue;
    const first = places.get(unit);
    if (first) reader.twice(at, `service ${unit}`, reader.placeOf(first));
    places.set(unit, at);
    note(unit, at);
    services.set(unit, settings);
  }
  return services;
}

function readSettings(
  reader: NodeReader,
  value: ParsedNode | null,
  path: string,
  at: ParsedNode,
): ServiceSettings {
  const settings: ServiceSettings = {};
  for (const [name, option] of reader.fields(value, path, at, OPTIONS) ?? []) {
    const where = `${path}.${name}`;
    const read = {
      debug: () => reader.boolean(option, where),
      strict: () => reader.boolean(option, where),
      via: () => reader.choice(option, where, ['auto', 'preload', 'seccomp']),
      socket: () => reader.choice(option, where, ['af_smc', 'inet', 'auto']),
      rcvbuf: () => readSize(reader, option, where),
      sndbuf: () => readSize(reader, option, where),
      only: () => readPatterns(reader, option, where),
      except: () => readPatterns(reader, option, where),
    }[name];
    const setting = read();
    if (setting !== undefined) Object.assign(settings, { [name]: setting });
  }
  return settings;
}

function readSize(reader: NodeReader, option: Entry, path: string): number | undefined {
  const text = reader.numberOrText(option, path);
  if (text === undefined) return undefined;
  return reader.checked(option.value, path, () => {
    const size = parseByteCount(text);
    if (size === undefined || size < 1 || size > BUFFER_MAX)
      throw new SmcError('INVALID', `'${text}' is not the size of a buffer`, {
        hint: `it must be 1 to ${BUFFER_MAX} bytes, or a number with k or m`,
      });
    return size;
  });
}

function readPatterns(reader: NodeReader, option: Entry, path: string): string[] | undefined {
  return reader.list(option, path)?.flatMap((node, index) => {
    const where = `${path}[${index}]`;
    const pattern = reader.text(node, where, option.at);
    if (pattern === undefined) return [];
    const checked = reader.checked(node, where, () => {
      // the preload library reads patterns from a variable, with colons in between
      if (pattern === '' || /[/:\n\0]/.test(pattern) || Buffer.byteLength(pattern) > PATTERN_MAX)
        throw new SmcError('INVALID', `'${pattern}' can match no command`, {
          hint: 'a pattern is for the name of a command without its directory, and has no colon',
        });
      return pattern;
    });
    return checked === undefined ? [] : [checked];
  });
}
