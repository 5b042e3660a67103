// SPDX-License-Identifier: MIT
/**
 * `npm run bench`: every figure of bench/README.md, measured side by side in one run, on this machine and in the
 * guest. Figures are ratios wherever possible, since the machines' speed drifts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDirectory } from '../test/vm/guest.ts';
import { bootWithSuite, waitFor } from '../test/vm/suite.ts';

interface Timing {
  command: string;
  median: number;
  min: number;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** hyperfine's own result file. */
function timings(json: string): Timing[] {
  return (JSON.parse(json) as { results: Timing[] }).results;
}

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

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-bench-'));
try {
  const host = join(scratch, 'host.json');
  const lines = [
    'node bench/empty.cjs',
    ...commands.map((name) => `node bin/${name}.js --version`),
    'bin/smc_run.js true',
    'true',
  ];
  execFileSync('hyperfine', ['-N', '-w', '5', '-r', '60', '--export-json', host, ...lines], {
    cwd: projectDirectory,
    stdio: 'ignore',
  });
  printTimings('Start-up on this machine', timings(readFileSync(host, 'utf8')));

  const program = join(projectDirectory, 'build/socket-cost');
  execFileSync('mkdir', ['-p', join(projectDirectory, 'build')]);
  execFileSync('cc', ['-O2', '-o', program, 'bench/socket-cost.c'], { cwd: projectDirectory });

  const guest = await bootWithSuite({ kernel: '6.12', memoryMb: 4096 });
  try {
    await guest.run('smc_pnet >/dev/null; smcss >/dev/null', { check: true });
    const empty = [
      'node bench/empty.cjs',
      'node bin/smcss.js --version',
      'node bin/smcss.js',
      'node bin/smc_pnet.js',
    ];
    await guest.run(
      `hyperfine -N -w 2 -r 15 --export-json /tmp/r ${empty.map((line) => `'${line}'`).join(' ')}`,
      {
        check: true,
        timeoutMs: 600_000,
      },
    );
    printTimings(
      'Start-up and empty listings in the guest',
      timings((await guest.readBytes('/tmp/r')).toString()),
    );

    const shim = join(projectDirectory, 'dist/native/libsmc-preload.so');
    const cost = async (environment: string): Promise<number> =>
      Number.parseFloat((await guest.run(`${environment} ${program} 20000`, { check: true })).stdout);
    print('\nCost of a socket()/close() pair in the guest, ns (three alternating runs)');
    for (let round = 0; round < 3; round++)
      print(
        `plain TCP ${await cost('')}   shim, AF_SMC ${await cost(`LD_PRELOAD=${shim}`)}   AF_SMC without shim ${await cost('SOCKET_COST_FAMILY=43')}`,
      );

    const count = 30_000;
    await guest.start(`exec python3 test/vm/programs/hold-sockets.py ${count}`);
    await waitFor(guest, `grep -q "^SMC .* ${count} " /proc/net/protocols`, 300);
    const table = ['node bench/empty.cjs', 'node bin/smcss.js -a', 'node bin/smcss.js -aj'];
    await guest.run(
      `hyperfine -N -w 1 -r 5 --export-json /tmp/r ${table.map((line) => `'${line}'`).join(' ')}`,
      {
        check: true,
        timeoutMs: 600_000,
      },
    );
    const results = timings((await guest.readBytes('/tmp/r')).toString());
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
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
