// SPDX-License-Identifier: MIT
/**
 * What became of the sockets of the program. smc-launch has watched them. When the program has ended, smc-launch executes
 * smc_run again and passes the numbers in a document. This file turns them into words.
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import type { Context } from '../../cli/run.ts';
import type { RunDocument, RunOutcome } from '../../documents/smc_run.ts';
import { loadAddon } from '../../host/native-addon.ts';
import { openForWriting } from '../../host/safe-directory.ts';
import type { Made } from '../../output/document.ts';
import { stringify } from '../../output/json.ts';
import { printable } from '../../output/table.ts';
import { errnoName } from '../../smc/errno.ts';
import { SmcError } from '../../smc/error.ts';
import { fallbackReasons, formatReasonCode, namedReason, PEERDECL } from '../../smc/fallback-reasons.ts';
import type { Settings } from './settings.ts';

/** Number of the descriptor that has the document; set by smc-launch. */
export const RESULT_VARIABLE = 'SMC_RUN_RESULT';

/** Exit status when the program ended with 0, but not everything ran over SMC. */
const STATUS_NOT_SMC = 123;

const MODES = ['smcr', 'smcd', 'tcp', 'unknown'] as const;
type Mode = (typeof MODES)[number];

const MODE_WORDS: Readonly<Record<Mode, string>> = {
  smcr: 'SMC-R',
  smcd: 'SMC-D',
  tcp: 'TCP',
  unknown: 'unknown',
};

/** The names in `smcss -j`. */
const MODE_KEYS: Readonly<Record<Mode, RunOutcome['mode']>> = {
  smcr: 'SMCR',
  smcd: 'SMCD',
  tcp: 'TCP',
  unknown: null,
};

/** The document of smc-launch, see native/README.md. */
export interface Result {
  /** of the program: its exit status, or else the signal that ended it */
  status: number | null;
  signal: number | null;
  /** false: smc-launch did not watch, or not until the end, so the numbers are lower bounds */
  observed: boolean;
  sockets: { smc: number; tcp: number };
  /** why sockets stayed TCP, or were not opened */
  refused: { errno: number; count: number }[];
  /** the connections by command and outcome */
  connections: {
    command: string;
    mode: Mode;
    reason: number | null;
    peer_diagnosis: number | null;
    count: number;
  }[];
}

/**
 * Reports, and ends as the program did.
 * @param command its name, for the report
 * @returns exit status, unless a signal ended the program: then the same one ends this process
 */
export function finish(
  { io, note }: Context,
  settings: Settings,
  command: string,
  way: RunDocument['way'],
): number {
  const result = readResult(io.env[RESULT_VARIABLE] ?? '');
  if (settings.report) {
    const text = settings.json
      ? `${stringify(reportJson(result, command, way), settings.log === undefined && io.isTerminal ? 2 : 0)}\n`
      : reportLines(result)
          .map((line) => `smc_run: ${line}\n`)
          .join('');
    const heading = settings.json ? '' : `${new Date().toISOString()} ${printable(command)} (${way})\n`;
    if (settings.log === undefined) io.error(text.trimEnd());
    else appendTo(settings.log, `${heading}${text}`, note);
  }
  if (result.signal) return endBySignal(result.signal);
  if (result.status !== 0 || !settings.requireSmc) return result.status ?? 0;
  const lack = notSmc(result);
  if (!lack) return 0;
  note(`--require-smc: ${lack}`);
  return STATUS_NOT_SMC;
}

function readResult(fd: string): Result {
  try {
    return JSON.parse(readFileSync(Number(fd), 'utf8')) as Result;
  } catch (cause) {
    throw new SmcError('NOT_SUPPORTED', `${RESULT_VARIABLE} is for smc-launch only`, {
      hint: 'unset it',
      cause,
    });
  }
}

/** Writes once, so that the lines of several runs do not mix. The program has ended, so a failure is only noted. */
function appendTo(file: string, text: string, note: Context['note']): void {
  try {
    const fd = openForWriting(file, true);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    note(
      `${printable(file)}: the report cannot be written (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`,
    );
  }
}

function total({ connections }: Result): Record<Mode, number> {
  const sum = { smcr: 0, smcd: 0, tcp: 0, unknown: 0 };
  for (const { mode, count } of connections) sum[mode] += count;
  return sum;
}

const UNWATCHED = 'smc-launch could not watch until the end';

/** Why not everything ran over SMC; undefined when it did. */
export function notSmc(result: Result): string | undefined {
  if (!result.observed) return UNWATCHED;
  const sum = total(result);
  if (result.sockets.tcp > 0) return `${count(result.sockets.tcp, 'socket')} could not be opened as SMC`;
  if (sum.tcp > 0) return `${count(sum.tcp, 'connection')} ran over TCP`;
  if (sum.unknown > 0) return `${count(sum.unknown, 'connection')} could not be inspected`;
  if (sum.smcr + sum.smcd === 0) return 'no connection over SMC was seen';
  return undefined;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** The lines of the report. */
export function reportLines(result: Result): string[] {
  const { sockets, refused, connections, observed } = result;
  const sum = total(result);
  const all = MODES.reduce((all, mode) => all + sum[mode], 0);
  const parts = MODES.filter((mode) => sum[mode] > 0).map((mode) => `${sum[mode]} ${MODE_WORDS[mode]}`);
  const errors = refused.map(
    ({ errno, count }) => `${errnoName(errno)}${count > 1 ? ` ${count} times` : ''}`,
  );
  return [
    ...(observed ? [] : [`the numbers are incomplete: ${UNWATCHED}`]),
    `${count(sockets.smc, 'socket')} opened as SMC${sockets.tcp > 0 ? `, ${sockets.tcp} as TCP` : ''}`,
    ...(errors.length > 0 ? [`opening an SMC socket failed: ${errors.join(', ')}`] : []),
    `${count(all, 'connection')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`,
    ...connections
      .filter(({ mode }) => mode === 'tcp' || mode === 'unknown')
      .map(
        (connection) =>
          `  ${connection.count} of ${printable(connection.command)} ${outcomeWords(connection)}`,
      ),
  ];
}

function outcomeWords({ mode, reason, peer_diagnosis }: Result['connections'][number]): string {
  if (mode === 'unknown') return 'ended before inspection';
  if (reason === null) return 'over TCP, the kernel gives no reason';
  const isPeer = reason === PEERDECL && peer_diagnosis !== null;
  const code = isPeer ? peer_diagnosis : reason;
  const known = fallbackReasons.get(code);
  const words = known
    ? `${known.name}: ${known.meaning}; ${known.remedy}`
    : 'a reason that Linux does not define';
  return `over TCP, ${isPeer ? 'the peer says ' : ''}${formatReasonCode(code)} ${words}`;
}

/** The report as JSON, always with all keys. */
export function reportJson(result: Result, command: string, way: RunDocument['way']): Made<RunDocument> {
  const sum = total(result);
  return {
    event: 'report',
    command,
    way,
    status: result.status,
    signal: result.signal,
    observed: result.observed,
    all_smc: notSmc(result) === undefined,
    sockets: { smc: result.sockets.smc, tcp: result.sockets.tcp },
    refused: result.refused.map(({ errno, count }) => ({ errno: errnoName(errno), count })),
    totals: { smcr: sum.smcr, smcd: sum.smcd, tcp: sum.tcp, unknown: sum.unknown },
    connections: result.connections.map(({ command, mode, reason, peer_diagnosis, count }) => ({
      command,
      mode: MODE_KEYS[mode],
      reason: reason === null ? null : namedReason(reason),
      peer_diagnosis: peer_diagnosis === null ? null : namedReason(peer_diagnosis),
      count,
    })),
  };
}

/**
 * Ends this process by a signal. Node ignores a few signals, so then a shell does it in place of this process. Process 1
 * of a container is not ended by a signal that it sends to itself.
 * @returns the status as in shells, if the signal does not end this process
 */
function endBySignal(signal: number): number {
  process.kill(process.pid, signal);
  const environment = [`PATH=${process.env['PATH'] ?? ''}`];
  try {
    const script = `kill -${signal} $$; exit ${128 + signal}`;
    loadAddon().execve('/bin/sh', ['sh', '-c', script], environment, {});
  } catch {
    // no shell
  }
  return 128 + signal;
}
