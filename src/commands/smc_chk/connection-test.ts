// SPDX-License-Identifier: MIT
/** A connection that was looked at: what is found out about it, and how that is printed. */
import type { Socket } from 'node:net';
import type { Context } from '../../cli/run.ts';
import type { TestedConnection } from '../../documents/smc_chk.ts';
import { socketsPerProtocol } from '../../host/procfs.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/table.ts';
import type { SmcClient } from '../../smc/client.ts';
import { type ConnectionVerdict, NOTHING, type Role } from '../../smc/connection-verdict.ts';
import { SmcError } from '../../smc/error.ts';
import { type LikelyCause, likelyCause } from '../../smc/likely-cause.ts';
import { withoutSmc } from '../../smc/without-smc.ts';
import { checkJson } from './check-json.ts';
import type { SocketLookup } from './socket-lookup.ts';
import { STATUS_STYLES, statusWord } from './status.ts';
import { verdictFields, verdictJson, verdictLine } from './verdict-text.ts';

export interface End {
  address: string;
  port: number;
}

/** What a test found out. */
export interface Tested {
  role: Role;
  local: End;
  peer: End;
  /** `null` when the socket is not one of SMC */
  verdict: ConnectionVerdict | null;
  /** of a TCP connection */
  likely: LikelyCause | null;
}

/**
 * Looks a connection up in the kernel, and for the cause if it is TCP.
 * @throws SmcError; NetlinkError
 */
export async function testConnection(
  client: SmcClient,
  lookup: SocketLookup,
  socket: Socket,
  role: Role,
  root: string,
): Promise<Tested> {
  const local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  const peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  const verdict = await lookup.verdict(socket).catch((error: unknown) => {
    // without smc_diag nothing can be told, without SMC it is sure
    if (error instanceof SmcError && error.code === 'NO_SMC' && !kernelHasSmc(root)) return undefined;
    throw error;
  });
  const tested = { role, local, peer };
  if (!verdict) return { ...tested, verdict: null, likely: whyNoVerdict(client, root) };
  if (verdict.mode !== 'TCP') return { ...tested, verdict, likely: null };
  return { ...tested, verdict, likely: await likelyCause(client, { ...tested, verdict }, root) };
}

export const isSmc = ({ verdict }: Tested): boolean => verdict !== null && verdict.mode !== 'TCP';

function kernelHasSmc(root: string): boolean {
  try {
    return 'SMC' in socketsPerProtocol(root);
  } catch {
    return true; // not known
  }
}

/** Why a connection is over TCP that the kernel knows nothing of as SMC. */
function whyNoVerdict(client: SmcClient, root: string): LikelyCause {
  const here = { at: 'this host', checks: [] } as const;
  if (kernelHasSmc(root))
    return {
      ...here,
      text: 'the kernel has SMC, but gave this process a TCP socket',
      fix: 'a sandbox, a seccomp filter or a security module forbids AF_SMC: allow it',
    };
  const { text, fix } = withoutSmc(client.moduleStates().smc);
  return { ...here, text, fix };
}

/** The result in lines, as the original indents them. */
export async function writeResult({ io, paint }: Context, tested: Tested): Promise<void> {
  const { verdict, likely, role } = tested;
  if (isSmc(tested) && verdict) io.write(`     ${paint('good', `Success, using ${verdict.mode}`)}\n`);
  else io.write(`     ${paint('bad', 'Failed  TCP fallback')}\n`);
  const field = (label: string, value: string): void =>
    io.write(`          ${paint('heading', `${label}:`)} ${value}\n`);
  if (verdict) for (const [label, value] of verdictFields(verdict, role)) field(label, value);
  if (!likely) return;
  field(likely.at === 'unknown' ? 'Cause' : `Cause at ${likely.at}`, printable(likely.text));
  if (likely.fix) field('Fix', printable(likely.fix));
  if (likely.checks.length === 0) return;
  if (!io.isTerminal) {
    for (const { id, subject, status, finding } of likely.checks)
      field(
        'Looked at',
        printable(`${statusWord(status)} ${[id, subject].filter(Boolean).join(' ')}: ${finding}`),
      );
    return;
  }
  const { grid } = await import('../../output/grid.ts');
  const head = ['Check', 'Subject', 'Status', 'Finding'].map((title) => paint('heading', title));
  const rows = likely.checks.map(({ id, subject, status, finding }) => [
    id,
    printable(subject ?? ''),
    paint(STATUS_STYLES[status], statusWord(status)),
    printable(finding),
  ]);
  io.write(grid(head, rows, io.columns ?? 80));
}

/** The result on one line. */
export function resultLine({ verdict, likely }: Tested): string {
  const what = verdict ? verdictLine(verdict) : 'TCP';
  return [
    what,
    likely && `cause${likely.at === 'unknown' ? '' : ` at ${likely.at}`}: ${likely.text}`,
    likely?.fix && `fix: ${likely.fix}`,
  ]
    .filter(Boolean)
    .map((part) => printable(String(part)))
    .join('; ');
}

/** All of it for programs. */
export function testedJson({ verdict, likely, role, local, peer }: Tested): Made<TestedConnection> {
  return {
    role: role === 'Client' ? 'CLNT' : 'SERV',
    local: { ...local },
    peer: { ...peer },
    ...(verdict ? verdictJson(verdict) : NO_VERDICT),
    likely_cause: likely && {
      at: likely.at === 'this host' ? 'local' : likely.at === 'the peer' ? 'peer' : null,
      text: likely.text,
      fix: likely.fix,
    },
    checks: (likely?.checks ?? []).map(checkJson),
  };
}

/** A socket of TCP has none of what a verdict says, but for the mode. */
const NO_VERDICT = verdictJson({ mode: 'TCP', ...NOTHING });
