// SPDX-License-Identifier: MIT
/** smc_chk --explain: what a reason code means, and what to do. */
import { UsageError } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { ExplainedReason, ReasonsDocument } from '../../documents/smc_chk.ts';
import type { Made } from '../../output/document.ts';
import {
  type FallbackReason,
  fallbackReasons,
  formatReasonCode,
  PEERDECL,
} from '../../smc/fallback-reasons.ts';
import type { ChkOptions } from './options.ts';

/** A code that was asked for, and what is known of it. */
interface Explained {
  code: number;
  reason: FallbackReason | undefined;
}

/** @param asked a code, two with a slash, or "all" */
export async function explainMode(context: Context, { json }: ChkOptions, asked: string): Promise<number> {
  const { io, paint } = context;
  const isAll = asked.toLowerCase() === 'all';
  const explained = isAll
    ? [...fallbackReasons.values()].map((reason) => ({ code: reason.code, reason }))
    : codes(asked);
  if (json) {
    writeDocument<ReasonsDocument>(context, { reasons: explained.map(toJson) });
    return 0;
  }
  if (isAll) {
    await writeList(context, explained);
    return 0;
  }
  explained.forEach((one, at) => {
    if (at > 0) io.write('\n');
    for (const [label, text] of fields(one)) io.write(`${paint('heading', `${label}:`.padEnd(9))} ${text}\n`);
  });
  if (explained.length === 2 && explained[0]?.code === PEERDECL)
    io.write(`\n${paint('heading', 'Together:')} the peer declined, and the second code is its reason\n`);
  return 0;
}

/** Every code on its line; on a terminal in a table. */
async function writeList({ io, paint }: Context, explained: readonly Explained[]): Promise<void> {
  const rows = explained.map(({ code, reason }) => [
    formatReasonCode(code),
    reason?.name ?? '',
    reason?.side ?? '',
    reason?.meaning ?? '',
  ]);
  if (!io.isTerminal) {
    for (const [code = '', name = '', side = '', meaning = ''] of rows)
      io.write(`${code}  ${name.padEnd(10)}  ${side.padEnd(6)}  ${meaning}\n`);
    return;
  }
  const { grid } = await import('../../output/grid.ts');
  const head = ['Code', 'Name', 'Side', 'Meaning'].map((title) => paint('heading', title));
  io.write(grid(head, rows, io.columns ?? 80));
}

/** One code, or two with a slash as smcss prints them; each by number or by name. */
function codes(text: string): Explained[] {
  const words = text.split('/');
  if (words.length > 2) throw new UsageError(`'${text}' contains more than two codes`);
  return words.map((word) => parseCode(word.trim()));
}

const CODE_MAX = 0xffff_ffff;

function parseCode(word: string): Explained {
  const name = word.toUpperCase().replace(/^SMC_CLC_DECL_/, '');
  for (const reason of fallbackReasons.values())
    if (reason.name === name || reason.label === name) return { code: reason.code, reason };
  const code = /^(0x)?[0-9a-f]{1,8}$/i.test(word) ? Number.parseInt(word, 16) : Number.NaN;
  if (!(code <= CODE_MAX))
    throw new UsageError(
      `'${word}' is neither a hexadecimal reason code nor the name of one; --explain all lists them`,
    );
  return { code, reason: fallbackReasons.get(code) };
}

const SIDES: Readonly<Record<FallbackReason['side'], string>> = {
  client: 'the client detects it and declines',
  server: 'the server detects it and declines',
  either: 'the side that has this code as its own reason declined',
  peer: 'the other side declined, not the side that has this code',
  nobody: 'nobody declined: there was no SMC handshake',
};

function fields({ code, reason }: Explained): [label: string, text: string][] {
  if (!reason)
    return [
      ['Code', formatReasonCode(code)],
      ['Meaning', 'not a code that Linux uses; a peer that runs another system may have sent it'],
      ['Fix', "look it up in the documentation of the peer's system"],
    ];
  return [
    ['Code', formatReasonCode(code)],
    ['Name', reason.name],
    ['Meaning', reason.meaning],
    ['Side', SIDES[reason.side]],
    ...reason.causes.map((cause): [string, string] => ['Cause', cause]),
    ...reason.fixes.map((fix): [string, string] => ['Fix', fix]),
  ];
}

function toJson({ code, reason }: Explained): Made<ExplainedReason> {
  return {
    code: formatReasonCode(code),
    name: reason?.name ?? null,
    meaning: reason?.meaning ?? null,
    side: reason?.side ?? null,
    causes: reason?.causes ?? [],
    fixes: reason?.fixes ?? [],
  };
}
