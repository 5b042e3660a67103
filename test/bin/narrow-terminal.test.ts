// SPDX-License-Identifier: MIT
// smcss on real terminals of several widths. Needs `npm run build`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { NODE } from '../helpers/node.ts';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';

const program = fileURLToPath(new URL('stream-sockets.cjs', import.meta.url));
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

/** What a shell script writes in which "$node" "$program" is smcss with one socket. */
function output(file: string, ...argv: string[]): string {
  const variables = { PATH, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh', node: NODE, program };
  const environment = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const { stdout, stderr, status } = spawnSync(...tied('env', ['-i', ...environment, file, ...argv]), {
    encoding: 'utf8',
    timeout: PATIENCE_S * 1000,
  });
  if (status !== 0) throw new Error(`${file}: status ${status}, ${stderr}`);
  return stdout;
}

const SMCSS = '"$node" "$program" 1 2>/dev/null';

/** The table on a terminal; below it are the reasons. */
const onTerminal = (columns: number): string =>
  output('script', '-qec', `stty cols ${columns}; ${SMCSS}`, '/dev/null')
    .replaceAll('\r\n', '\n')
    .replace(/\n\n[\s\S]*/, '\n');

const HEAD = 'State          UID   Inode   Local Address           Peer Address            Intf Mode ';
const ROW =
  'ACTIVE         00000 0000000 10.0.0.1:1024           10.0.0.2:80             0000 TCP 0x03010000';

t.test('a pipe has one form', async (t) => {
  t.equal(output('sh', '-c', SMCSS), `${HEAD}\n${ROW}\n`);
});

for (const [columns, lines] of [
  [0, [HEAD, ROW]],
  [100, [HEAD, ROW]],
  [80, [HEAD.slice(0, 65), '  Intf Mode', ROW.slice(0, 64).trimEnd(), '  0000 TCP 0x03010000']],
  [
    60,
    [
      'State          UID   Inode   Local Address',
      '  Peer Address            Intf Mode',
      'ACTIVE         00000 0000000 10.0.0.1:1024',
      '  10.0.0.2:80             0000 TCP 0x03010000',
    ],
  ],
  [
    40,
    [
      'State          UID   Inode',
      '  Local Address           Peer Address',
      '  Intf Mode',
      'ACTIVE         00000 0000000',
      '  10.0.0.1:1024           10.0.0.2:80',
      '  0000 TCP 0x03010000',
    ],
  ],
] as const)
  t.test(`${columns} columns`, async (t) => {
    t.equal(onTerminal(columns), lines.map((line) => `${line}\n`).join(''));
  });
