// SPDX-License-Identifier: MIT
/**
 * `npm run bench`: every figure of bench/README.md, measured side by side in one run, on this machine and in the
 * guest. Figures are ratios wherever possible, since the machines' speed drifts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Guest, PATIENCE_MS, projectDirectory } from '../test/vm/guest.ts';
import { bootWithSuite, waitFor } from '../test/vm/suite.ts';

interface Timing {
  command: string;
  median: number;
  min: number;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function printTimings(title: string, results: Timing[]): void {
  const [floor] = results;
  print(`\n${title}`);
  print('| command | median | min | median, ratio | min, ratio |\n| --- | ---: | ---: | ---: | ---: |');
  for (const { command, median, min } of results) {
    const name = command.replace(`${projectDirectory}/`, '');
    const ratio = (value: number, base: number | undefined): string => (value / (base ?? value)).toFixed(2);
    print(
      `| ${name} | ${(median * 1e3).toFixed(1)} ms | ${(min * 1e3).toFixed(1)} ms | ${ratio(median, floor?.median)} | ${ratio(min, floor?.min)} |`,
    );
  }
}

const commands = ['smcss', 'smc_pnet', 'smcd', 'smcr', 'smc_run'];

function timeHere(rounds: number, lines: readonly string[]): Timing[] {
  const words = ['bench/alternate.mjs', String(rounds), ...lines];
  return JSON.parse(execFileSync(process.execPath, words, { cwd: projectDirectory, encoding: 'utf8' }));
}

async function timeInGuest(guest: Guest, rounds: number, lines: readonly string[]): Promise<Timing[]> {
  const words = lines.map((line) => `'${line}'`).join(' ');
  const { stdout } = await guest.run(`node bench/alternate.mjs ${rounds} ${words}`, {
    check: true,
    timeoutMs: 3 * PATIENCE_MS,
  });
  return JSON.parse(stdout);
}

const EMPTY = 'node bench/empty.cjs';

const LAUNCHER = 'dist/native/smc-launch';

printTimings(
  'Start-up on this machine',
  timeHere(60, [
    EMPTY,
    ...commands.map((name) => `node bin/${name}.js --version`),
    'bin/smc_run.js true',
    '/bin/true',
    `${LAUNCHER} -- /bin/true true`,
  ]),
);

mkdirSync(join(projectDirectory, 'build'), { recursive: true });
for (const kind of ['dynamic', 'static']) {
  const flags = ['-O2', '-nostartfiles', ...(kind === 'static' ? ['-static'] : [])];
  execFileSync('cc', [...flags, '-o', `build/first-${kind}`, 'bench/first-instruction.c'], {
    cwd: projectDirectory,
  });
}
printTimings(
  'From smc_run to the first instruction of the program',
  timeHere(60, [
    EMPTY,
    'build/first-dynamic',
    'bin/smc_run.js build/first-dynamic',
    'bin/smc_run.js --via seccomp build/first-dynamic',
    'bin/smc_run.js build/first-static',
    'bin/smc_run.js --log /dev/null build/first-dynamic',
  ]),
);

const program = join(projectDirectory, 'build/socket-cost');
execFileSync('cc', ['-O2', '-o', program, 'bench/socket-cost.c'], { cwd: projectDirectory });

const pairCost = (output: string): number => Number.parseFloat(output);
print('\nCost of a socket()/close() pair on this machine, which has no SMC, ns, in turns');
print('| plain TCP | reported to the supervisor, and let go on |\n| ---: | ---: |');
for (let round = 0; round < 5; round++) {
  const here = (command: string, args: string[]): number =>
    pairCost(execFileSync(command, args, { cwd: projectDirectory, encoding: 'utf8' }));
  const reported = ['--convert', 'none', '--', program, program, '50000'];
  print(`| ${here(program, ['50000'])} | ${here(LAUNCHER, reported)} |`);
}

const guest = await bootWithSuite({ kernel: '6.12', memoryMb: 4096 });
try {
  await guest.run('smc_pnet >/dev/null; smcss >/dev/null', { check: true });
  printTimings(
    'Start-up and empty listings in the guest',
    await timeInGuest(guest, 15, [
      EMPTY,
      'node bin/smcss.js --version',
      'node bin/smcss.js',
      'node bin/smc_pnet.js',
    ]),
  );

  const library = join(projectDirectory, 'dist/native/libsmc-preload.so');
  const cost = async (command: string): Promise<number> =>
    pairCost((await guest.run(`${command} 20000`, { check: true })).stdout);
  const ways: [string, string][] = [
    ['plain TCP', program],
    ['SMC by the library', `LD_PRELOAD=${library} ${program}`],
    ['SMC by the supervisor', `${LAUNCHER} -- ${program} ${program}`],
    ['SMC by the supervisor, observed', `${LAUNCHER} --observe -- ${program} ${program}`],
    ['SMC without either', `SOCKET_COST_FAMILY=43 ${program}`],
  ];
  print('\nCost of a socket()/close() pair in the guest, ns, in turns');
  print(`| ${ways.map(([name]) => name).join(' | ')} |\n|${' ---: |'.repeat(ways.length)}`);
  for (let round = 0; round < 5; round++) {
    const row: number[] = [];
    for (const [, command] of ways) row.push(await cost(command));
    print(`| ${row.join(' | ')} |`);
  }

  const count = 30_000;
  await guest.start(`exec python3 test/vm/programs/hold-sockets.py ${count}`);
  await waitFor(guest, 'cat /proc/net/protocols', { shows: `^SMC .* ${count} ` });
  const results = await timeInGuest(guest, 5, [EMPTY, 'node bin/smcss.js -a', 'node bin/smcss.js -aj']);
  printTimings(`${count} sockets in the guest`, results);
  const [floor, text, json] = results.map(({ median }) => median);
  print(
    `rows per second: text ${Math.round(count / (text! - floor!))}, JSON ${Math.round(count / (json! - floor!))}`,
  );
  for (const options of ['-l', '-a', '-aj'])
    print(
      `peak memory of smcss ${options}: ${(await guest.run(`python3 test/vm/programs/peak-memory.py smcss ${options}`)).stdout.trim()} KiB`,
    );
} finally {
  await guest.close();
}
