// SPDX-License-Identifier: MIT
/**
 * The settings net.smc.*: what they mean and take. They belong to a network namespace and count for sockets and link
 * groups made after a change. Source: Documentation/networking/smc-sysctl.rst and net/smc/smc_sysctl.c, Linux 6.12;
 * the last three of 6.19.
 */
import { readSysctl, writeSysctl } from '../host/sysctl.ts';
import { parseByteCount } from './byte-count.ts';
import { SmcError } from './error.ts';
import { whyNoSmc } from './without-smc.ts';

/** One setting. */
export interface SysctlSpec {
  /** without "net.smc." */
  name: string;
  meaning: string;
  /** as text; the kernel starts a namespace with it */
  default: string;
  /** inclusive; absent: any text */
  range?: readonly [minimum: number, maximum: number];
  /**
   * the kernel keeps it in ticks of its clock, so what it takes ends at 2147483647 / HZ, and `range` where HZ is lowest.
   * HZ is a choice of who builds the kernel, and no file has it
   */
  isInTicks?: true;
  /** "bytes" may be written with k and m */
  unit?: string;
  /** meaning of the values, by value */
  values?: readonly string[];
  /** Linux version; absent: older than 6.1 */
  since?: string;
}

/** A setting of this network namespace. */
export interface Sysctl extends SysctlSpec {
  /** `undefined` when this kernel does not have it */
  value: string | undefined;
}

const S32_MAX = 0x7fff_ffff;
/** The lowest HZ of kernels with SMC: 100, as on s390x; Debian's have 250 elsewhere. */
const HZ_MIN = 100;
const U32_MAX = 0xffff_ffff;
/** the kernel's SMC_BUF_MIN_SIZE and half of the largest int */
const BUFFER_RANGE = [16_384, 0x3fff_ffff] as const;

export const SYSCTLS: readonly SysctlSpec[] = [
  {
    name: 'autocorking_size',
    meaning: 'bytes that are collected before they are sent; 0 sends at once',
    default: '65536',
    range: [0, U32_MAX],
    unit: 'bytes',
    since: '5.18',
  },
  {
    name: 'wmem',
    meaning: 'send buffer of new SMC sockets',
    default: '65536',
    range: BUFFER_RANGE,
    unit: 'bytes',
  },
  {
    name: 'rmem',
    meaning: 'receive buffer of new SMC sockets',
    default: '65536',
    range: BUFFER_RANGE,
    unit: 'bytes',
  },
  {
    name: 'smcr_buf_type',
    meaning: 'memory of SMC-R buffers: 0 physically contiguous, 1 virtually, 2 either',
    default: '0',
    range: [0, 2],
    values: ['physical', 'virtual', 'mixed'],
    since: '6.0',
  },
  {
    name: 'smcr_testlink_time',
    meaning: 'seconds between tests of an idle SMC-R link; 0 tests none',
    default: '30',
    // The kernel takes a negative time for a very long one.
    range: [0, Math.floor(S32_MAX / HZ_MIN)],
    isInTicks: true,
    unit: 'seconds',
  },
  {
    name: 'smcr_max_links_per_lgr',
    meaning: 'links in a new SMC-R link group',
    default: '2',
    range: [1, 2],
    since: '6.8',
  },
  {
    name: 'smcr_max_conns_per_lgr',
    meaning: 'connections in a new SMC-R link group',
    default: '255',
    range: [16, 255],
    since: '6.8',
  },
  {
    name: 'limit_smc_hs',
    meaning: 'complete connections as TCP while SMC handshakes queue up (see hs-limit)',
    default: '0',
    range: [0, 1],
    values: ['off', 'on'],
    since: '6.12',
  },
  {
    name: 'smcr_max_send_wr',
    meaning: 'send work requests of a link, shared by its connections',
    default: '16',
    range: [2, 2048],
    since: '6.19',
  },
  {
    name: 'smcr_max_recv_wr',
    meaning: 'receive work requests of a link, shared by its connections',
    default: '48',
    range: [2, 2048],
    since: '6.19',
  },
  {
    name: 'hs_ctrl',
    meaning: 'BPF program that decides on handshakes, empty for none',
    default: '',
    since: '6.19',
  },
];

const PREFIX = 'net.smc.';

/**
 * @param name with or without "net.smc."
 * @throws SmcError NOT_FOUND
 */
function specOf(name: string): SysctlSpec {
  const short = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const spec = SYSCTLS.find((candidate) => candidate.name === short);
  if (!spec)
    throw new SmcError('NOT_FOUND', `there is no setting '${name}'`, {
      hint: `the settings are ${SYSCTLS.map((candidate) => candidate.name).join(', ')}`,
    });
  return spec;
}

/**
 * All settings, or one, with the values of this network namespace.
 * @param name with or without "net.smc."; `undefined` for all
 * @param root of /proc: "/" for this host
 * @throws SmcError NOT_FOUND, NO_SMC; Node's own error when /proc cannot be read
 */
export function readSysctls(name: string | undefined, root: string): Sysctl[] {
  const specs = name === undefined ? SYSCTLS : [specOf(name)];
  const settings = specs.map((spec) => ({ ...spec, value: readSysctl(`${PREFIX}${spec.name}`, root) }));
  if (SYSCTLS.every((spec) => readSysctl(`${PREFIX}${spec.name}`, root) === undefined)) {
    const { text, hint } = whyNoSmc(root);
    throw new SmcError('NO_SMC', `there are no settings net.smc.*: ${text}`, { hint });
  }
  return settings;
}

/**
 * Checks a value for a setting, without a look at the kernel.
 * @param name with or without "net.smc."
 * @param text decimal, with k or m where the unit is bytes; or "default"
 * @returns the value as the kernel prints it
 * @throws SmcError NOT_FOUND, INVALID
 */
export function checkSysctl(name: string, text: string): string {
  const spec = specOf(name);
  const wanted = text === 'default' ? spec.default : text;
  return spec.range ? checkedNumber(spec, wanted) : wanted;
}

/**
 * Changes a setting of this network namespace, after a check of the range. Requires root of the namespace.
 * @param name with or without "net.smc."
 * @param text decimal, with k or m where the unit is bytes; or "default"
 * @throws SmcError NOT_FOUND, INVALID, NOT_SUPPORTED, NO_SMC; Node's own error EACCES and others
 */
export function setSysctl(name: string, text: string, root: string): Sysctl {
  const spec = specOf(name);
  const value = checkSysctl(name, text);
  const [current] = readSysctls(name, root);
  if (current?.value === undefined)
    throw new SmcError('NOT_SUPPORTED', `this kernel does not have ${PREFIX}${spec.name}`, {
      hint: spec.since && `it is available since Linux ${spec.since}`,
    });
  try {
    writeSysctl(`${PREFIX}${spec.name}`, value, root);
  } catch (error) {
    throw refusal(spec, value, error as NodeJS.ErrnoException) ?? error;
  }
  return { ...spec, value: readSysctl(`${PREFIX}${spec.name}`, root) };
}

/** What it means that the kernel did not take a value; `undefined` when the error has nothing to do with it. */
export function refusal(spec: SysctlSpec, value: string, cause: NodeJS.ErrnoException): SmcError | undefined {
  const invalid = (what: string, hint?: string): SmcError => new SmcError('INVALID', what, { hint, cause });
  const register = 'register it: bpftool struct_ops register FILE';
  if (spec.name === 'hs_ctrl' && cause.code === 'EINVAL')
    return invalid(`there is no BPF program '${value}' for handshakes`, register);
  if (spec.name === 'hs_ctrl' && cause.code === 'EBUSY')
    return invalid(`the BPF program '${value}' is being removed`, register);
  if (cause.code !== 'EINVAL') return undefined;
  return invalid(`the kernel does not accept '${value}' for ${spec.name}`, spec.isInTicks && ruleOf(spec));
}

/** "wmem must be 16384 to 1073741823 bytes" */
function ruleOf({ name, range, isInTicks, unit }: SysctlSpec): string {
  const [minimum, maximum] = range!;
  const most = isInTicks ? `${S32_MAX} / HZ` : maximum;
  const example = isInTicks ? `, ${Math.floor(S32_MAX / 250)} where HZ is 250` : '';
  return `${name} must be ${minimum} to ${most}${unit ? ` ${unit}` : ''}${example}`;
}

/** @returns the number as the kernel reads it: leading zeros would make it octal */
function checkedNumber(spec: SysctlSpec, text: string): string {
  const [minimum, maximum] = spec.range!;
  const hint = ruleOf(spec);
  const number =
    spec.unit === 'bytes' ? parseByteCount(text) : /^-?\d+$/.test(text) ? Number(text) : undefined;
  if (number === undefined)
    throw new SmcError(
      'INVALID',
      `'${text}' is not a ${spec.unit === 'bytes' ? 'valid size: it must be a number of bytes, or a number with k or m' : 'whole number'}`,
      { hint },
    );
  if (number < minimum || number > maximum)
    throw new SmcError('INVALID', `${text} is out of range`, { hint });
  return String(number);
}
