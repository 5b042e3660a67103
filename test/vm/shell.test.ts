// SPDX-License-Identifier: MIT
// `npm run guest`, the way to try the suite without hardware: one command, and a shell on a terminal.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { tied } from '../helpers/tied.ts';
import { waitUntil } from '../helpers/wait.ts';
import { quote } from './program.ts';

const words = [process.execPath, '--import=tsx', fileURLToPath(new URL('shell.ts', import.meta.url))];

/** Starts a program; `output` is all that it has written, `line` is typed into it. */
function start([file = '', ...args]: string[]) {
  const child = spawn(...tied(file, args));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  return {
    output: () => output,
    type: (line: string) => child.stdin.write(`${line}\n`),
    ended: new Promise<number | null>((resolve) => child.on('close', resolve)),
  };
}

t.test('one command, with SMC-R set up', async (t) => {
  const command = 'smc_pnet; smcd ueid; cat /usr/local/share/man/man8/smcss.8 | head -1; exit 5';
  const guest = start([...words, '6.12', '--smcr', '--', command]);
  t.equal(await guest.ended, 5, guest.output());
  t.match(guest.output(), /^NET1 lo n\/a 255\nNET1 n\/a rxelo 1\n.*SMC-TOOLS\.TEST.*\.\\"/ms);
  t.match(guest.output(), /^vm: setting SMC-R up …$/m);
});

t.test('a shell', async (t) => {
  // script gives it a terminal
  const guest = start(['script', '-qefc', [...words, '6.12'].map(quote).join(' '), '/dev/null']);
  const shows = (pattern: RegExp) =>
    waitUntil(String(pattern), () => pattern.test(guest.output()), { seen: guest.output });
  await shows(/guest 6\.12.* \S*# $/s);
  t.match(guest.output(), /Linux 6\.12 with SMC.*smc_chk .*smc_run iperf3 -s -D/s, 'what there is to try');
  guest.type('smcss --version; echo "$SHLVL <$(complete -p smcss)>"; exit 7');
  t.equal(await guest.ended, 7);
  t.match(guest.output(), /^smcss utility, .*<complete .*_smc_tools_smcss.* smcss>/ms);
});

t.test('words that it does not know', async (t) => {
  const guest = start([...words, '7.0']);
  t.equal(await guest.ended, 2);
  t.match(guest.output(), /^usage: npm run guest /);
});

t.test('a shell without a terminal', async (t) => {
  const guest = start([...words, '6.12']);
  t.equal(await guest.ended, 1);
  t.match(guest.output(), /Problem: a shell takes a terminal; give a command instead: /);
});
