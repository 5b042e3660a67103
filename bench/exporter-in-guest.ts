// SPDX-License-Identifier: MIT
/**
 * What a scrape of smc_exporter costs on a real kernel with an empty table and with 30,000 SMC sockets, in the guest. The
 * states take turns, since the machine's speed drifts. Arguments: turns (12), scrapes of each (20).
 */
import type { Guest, GuestProcess } from '../test/vm/guest.ts';
import { bootWithSuite, waitFor, waitForListener } from '../test/vm/suite.ts';

const SOCKETS = 30_000;
const [turns = 12, scrapes = 20] = process.argv.slice(2).map(Number);

/** Milliseconds that scrapes took for the client, and their mean of processor time of the exporter. */
interface Times {
  wall: number[];
  cpu: number;
}

/** An exporter in the guest, with the file of its process ID. */
interface Exporter {
  port: number;
  pidFile: string;
}

async function startExporter(guest: Guest, port: number, words = ''): Promise<Exporter> {
  const pidFile = `/tmp/pid-${port}`;
  await guest.start(`echo $$ >${pidFile}; exec smc_exporter -l 127.0.0.1:${port} --timeout 60 ${words}`);
  await waitForListener(guest, port);
  return { port, pidFile };
}

async function scrape(guest: Guest, { port, pidFile }: Exporter, count: number): Promise<Times> {
  const ticks = `cut -d' ' -f14,15 /proc/$(cat ${pidFile})/stat`;
  const { stdout } = await guest.run(
    `getconf CLK_TCK; ${ticks}
    curl -sSf -o /tmp/scraped -w '%{time_total}\\n' 'http://127.0.0.1:${port}/metrics?[1-${count}]'
    ${ticks}`,
    { check: true },
  );
  const [perSecond, before, ...rest] = stdout.trim().split('\n');
  const used = (line = ''): number => line.split(' ').reduce((sum, word) => sum + Number(word), 0);
  const wall = rest.slice(0, -1).map((word) => Number(word) * 1e3);
  return { wall, cpu: ((used(rest.at(-1)) - used(before)) / Number(perSecond) / count) * 1e3 };
}

/** Opens sockets; waits until they are there. */
async function holdSockets(guest: Guest): Promise<GuestProcess> {
  const holder = await guest.start(`exec python3 test/vm/programs/hold-sockets.py ${SOCKETS}`);
  await waitFor(guest, 'cat /proc/net/protocols', { shows: `^SMC +[0-9]+ +${SOCKETS} ` });
  return holder;
}

async function dropSockets(guest: Guest, holder: GuestProcess): Promise<void> {
  holder.kill();
  await holder.wait();
  await waitFor(guest, 'cat /proc/net/protocols', { shows: '^SMC +[0-9]+ +0 ' });
}

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The rows of the table, each in proportion to the first one. */
async function measureScrapes(guest: Guest): Promise<string[]> {
  const byDefault = await startExporter(guest, 10043);
  const listing = await startExporter(guest, 10044, '-c sockets');
  const seen: Record<'empty' | 'many', Times[]> = { empty: [], many: [] };
  // the first scrapes compile what they run
  await scrape(guest, byDefault, 100);
  let holder: GuestProcess | undefined;
  for (let turn = 0; turn < turns; turn++) {
    seen.empty.push(await scrape(guest, byDefault, scrapes));
    holder = await holdSockets(guest);
    seen.many.push(await scrape(guest, byDefault, scrapes));
    if (turn < turns - 1) await dropSockets(guest, holder);
  }
  await scrape(guest, listing, 3);
  const listed = await scrape(guest, listing, 10);
  if (holder) await dropSockets(guest, holder);
  const total = (times: readonly Times[]) => ({
    wall: median(times.flatMap(({ wall }) => wall)),
    cpu: median(times.map(({ cpu }) => cpu)),
  });
  const floor = total(seen.empty);
  const row = (name: string, sockets: number, { wall, cpu }: { wall: number; cpu: number }): string =>
    `| ${name} | ${sockets} | ${wall.toFixed(1)} ms | ${(wall / floor.wall).toFixed(2)} | ${cpu.toFixed(1)} ms | ${(cpu / floor.cpu).toFixed(2)} |`;
  return [
    row('default collectors', 0, floor),
    row('default collectors', SOCKETS, total(seen.many)),
    row('--collector sockets', SOCKETS, total([listed])),
    '',
    ...(['empty', 'many'] as const).map(
      (state) =>
        `turns, ${state === 'empty' ? 0 : SOCKETS} sockets: ${seen[state]
          .map(({ wall, cpu }) => `${median(wall).toFixed(1)} ms (CPU ${cpu.toFixed(1)} ms)`)
          .join(', ')}`,
    ),
  ];
}

const guest = await bootWithSuite({ kernel: '6.12', memoryMb: 4096 });
try {
  const rows = await measureScrapes(guest);
  process.stdout.write(
    `| scrape in the guest | sockets | time | ratio | CPU | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |\n${rows.join('\n')}\n`,
  );
} finally {
  await guest.close();
}
