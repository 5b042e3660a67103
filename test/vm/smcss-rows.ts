/** What the demo makes of the table that smcss prints. */

/** Whether the table of smcss shows what is awaited, with its rows in a few words. */
export interface Seen {
  verdict: 'as awaited' | 'otherwise' | 'wait';
  text: string;
}

interface Row {
  state: string;
  local: string;
  peer: string;
  mode: string;
  /** Reason of a fallback. */
  reason: string;
}

/** Rows of a port, at either end, and those that have no addresses yet. */
function rowsOf(port: number, output: string): Row[] {
  const rows = output.split('\n').flatMap((line) => {
    const [state = '', uid = '', , local = '', peer = '', , mode = '', reason = ''] = line
      .trim()
      .split(/\s+/);
    return /^\d+$/.test(uid) ? [{ state, local, peer, mode, reason }] : [];
  });
  return rows.filter(
    ({ local, peer }) => local === '' || [local, peer].some((end) => end.endsWith(`:${port}`)),
  );
}

function inWords(rows: Row[]): string {
  const words = rows.map(({ state, mode, reason }) => [state, mode, reason].filter(Boolean).join(' '));
  return words.length === 0 ? 'nothing of it' : [...new Set(words)].join(', ');
}

/**
 * Two connections to a port, one for control and one for data, each with both ends in the table: all are awaited to be
 * ACTIVE with this mode. A connection that has become TCP will not change any more.
 */
export function seenOver(mode: string, port: number, output: string): Seen {
  const rows = rowsOf(port, output).filter(({ state }) => state !== 'LISTEN');
  const text = inWords(rows);
  if (rows.some((row) => row.state === 'ACTIVE' && row.mode === 'TCP')) return { verdict: 'otherwise', text };
  const clients = rows.filter(({ peer }) => peer.endsWith(`:${port}`));
  const done = clients.length >= 2 && rows.every((row) => row.state === 'ACTIVE' && row.mode === mode);
  return { verdict: done ? 'as awaited' : 'wait', text };
}

/** No row of this port is awaited, whatever else is in the table. */
export function seenWithoutSmc(port: number, output: string): Seen {
  const rows = rowsOf(port, output).filter(({ local }) => local !== '');
  return { verdict: rows.length === 0 ? 'as awaited' : 'otherwise', text: inWords(rows) };
}
