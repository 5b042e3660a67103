// SPDX-License-Identifier: MIT
// Times command lines in turns, so that changes in the speed of the machine affect all of them alike.
// Arguments: rounds, command lines (split at blanks). Prints JSON: [{ command, median, min }], seconds of wall time.
import { spawnSync } from 'node:child_process';

const [rounds, ...commands] = process.argv.slice(2);
/** @type {number[][]} by command */
const times = commands.map(() => []);
for (let round = -1; round < Number(rounds); round++)
  for (const [index, command] of commands.entries()) {
    const [file = '', ...words] = command.split(' ');
    const begin = process.hrtime.bigint();
    const { error, status } = spawnSync(file, words, { stdio: 'ignore' });
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? `status ${status}`}`);
    if (round >= 0) times[index]?.push(seconds); // the first round is a warm-up
  }
const results = times.map((list, index) => {
  const sorted = list.sort((a, b) => a - b);
  return { command: commands[index], median: sorted[sorted.length >> 1], min: sorted[0] };
});
console.log(JSON.stringify(results));
