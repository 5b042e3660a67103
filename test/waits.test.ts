// SPDX-License-Identifier: MIT
// Tests, benches and guest tools wait for states, by the helpers, and for no time: a busy machine must not make them fail.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What waits for a time, or gives up after one. */
const SUSPICIOUS: readonly RegExp[] = [
  /\bsleep\b["', ]+(?:\d|\.\d|\$)/, // of shells; "sleep infinity" waits until it is killed
  /\bset(?:Timeout|Interval)\b/,
  /\bsleep\s*\(/,
  /timers\/promises/,
  /AbortSignal\.timeout/,
  /\b(?:time\.sleep|usleep|nanosleep|alarm)\s*\(/,
  /\bpoll\([^;]*,\s*[1-9]\d*\)/,
  /\b(?:SO_RCVTIMEO|SO_SNDTIMEO|settimeout)\b/,
  /\btimeout(?:Ms)?: *[\d.]/i,
  /(?<!-)\btimeout +-?[\dk]/, // timeout(1)
  /(?:--max-time|--connect-timeout)\b/,
  /\b(?:Date|performance)\.now\(\)[^;]*[<>]/,
  /\bn=\$\(\(n ?\+ ?1\)\)/,
  /\b(?:tries|attempts?) *(?:<|\+\+)/,
];

/** What may stay: part of a line, and why it decides nothing, or may take longer without harm. */
const ALLOWED: Readonly<Record<string, readonly [part: string, why: string][]>> = {
  'bench/run.ts': [['timeoutMs: 3 * PATIENCE_MS', 'a generous bound of its own: many runs in one command']],
  'scripts/busy.mjs': [
    ['setInterval', 'the load is looked at and told as long as the tests run'],
    ['setTimeout', 'the bound of all of it'],
  ],
  'scripts/entry.mjs': [['setInterval', 'progress is told as long as a step takes']],
  'scripts/run-tests.mjs': [['setTimeout', 'the bound of a process of tests']],
  'test/bin/bins.test.ts': [['{ sleep 0.5; cat; }', 'a slow reader: the writer has to bear it']],
  'test/bin/constant-memory.test.ts': [['pauseMs', 'a slow reader: the writer has to bear it']],
  'test/bin/smc_run.test.ts': [['{ sleep 0.2; cat; }', 'a slow reader: the program has to bear it']],
  'test/commands/from-fuzz.test.ts': [['HANGS_MS', 'a generous bound: a command that hangs is the subject']],
  'test/cli/interrupt.test.ts': [['setInterval(() => {}, 1e6)', 'stays until a signal comes']],
  'test/helpers/tied.ts': [['setInterval(() => {}, 1e6)', 'stays until a signal comes']],
  'test/netlink/damaged/run.ts': [['performance.now() - told', 'progress is told as long as the cases run']],
  'test/helpers/wait.ts': [
    ['performance.now() >= end', 'the bound of the helper'],
    ['setTimeout(resolve, PAUSE_MS)', 'the helper: the pause between two looks'],
  ],
  'test/helpers/wait_for': [['sleep "$pause"', 'the helper: the pause between two looks']],
  'test/host/wrappers.test.ts': [['timeout', 'the command timeout(1) in front of a program, not run']],
  'test/netlink/connection.test.ts': [
    ['timers/promises', 'silence is the subject'],
    [
      'timeoutMs',
      'the deadline is the subject; it counts turns of the event loop, which sleep and deadline share',
    ],
    ['sleep(', 'answers that come late, but in fewer turns of the event loop than the deadline has parts'],
    ['setInterval', 'others send while the deadline passes, which may take longer'],
    ['performance.now() - begin >= 25', 'a lower bound'],
  ],
  'test/vm/programs/readiness.c': [
    ['nanosleep', 'the pause between two looks; the number of looks in a row that say "ready" decides'],
  ],
  'test/native/addon.test.ts': [['setInterval(() => {}, 1000)', 'stays until it is killed']],
  'test/native/launch.test.ts': [
    [
      'for i in $(seq 600)',
      'process 1 of a container: 60 s at least, to be replaced by wait_for and sleep infinity',
    ],
    ["until grep -q '^State:.T'", 'waits without a bound for a state'],
  ],
  'test/smc/reading.test.ts': [['timeoutMs: 500', 'the subject: an answer that does not come in time']],
  'test/vm/smc_conf-apply.test.ts': [
    ['read -r line; do n=$((n + 1))', 'counts lines of a trace, and no looks'],
  ],
  'test/vm/smc_run.test.ts': [
    ['for i in $(seq 600)', 'stays until a signal comes, 300 s at least; to be replaced by sleep infinity'],
  ],
  'test/vm/cache.ts': [['setTimeout', 'a message about a wait without end']],
  'test/vm/compatibility.ts': [
    ['timeoutMs: 6 * PATIENCE_MS', 'a generous bound: hundreds of tests in one command'],
  ],
  'test/vm/demo.ts': [
    ["guest.run('sleep 1')", 'to be replaced by a wait for the handshake'],
    ['performance.now() - begin > timeoutMs', 'a generous bound of a wait'],
  ],
  'test/vm/job.ts': [['setTimeout', 'withTimeout, the bound of boots and commands of a guest']],
  'test/vm/kept.ts': [['Date.now() - current.checked', 'the age of what is in the cache']],
  'test/vm/shell.ts': [['timeoutMs: 600_000', 'a generous bound of what sets the guest up']],
  'test/vm/programs/batch.cjs': [['setTimeout(resolve, 1)', 'the pause between two looks']],
  'test/vm/programs/steady-connection.py': [['time.sleep', 'sends until it is killed; may be slower']],
  'test/vm/programs/net-checks.cjs': [
    ['timers/promises', 'for the sleeps below'],
    ['sleep(', 'a peer that is late; may take longer'],
    ['setInterval', 'writes until the error comes'],
    ['socket.setTimeout(100)', 'the subject: a timeout that comes'],
    ['socket.resume(), 300', 'a peer that is late; may take longer'],
    ['LIMIT_MS', 'bound of a check that hangs'],
  ],
  'test/vm/smcd.test.ts': [
    ['(sleep 12; cat)', 'a reader slower than the deadline of a reply, which must not matter'],
  ],
};

/** The demo and what starts it are being rewritten, so their exceptions need not be there at any one time. */
const REWRITTEN: readonly string[] = ['scripts/entry.mjs', 'test/vm/demo.ts', 'test/vm/shell.ts'];

/** Files that wait are written in these. */
const WRITTEN = /\.(?:ts|mjs|cjs|js|sh|bash|zsh|py|c|h|go|rs|java)$/;
const here = 'test/waits.test.ts';

function filesOf(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'fixtures' ? [] : filesOf(path);
    return path !== here && (WRITTEN.test(entry.name) || !entry.name.includes('.')) ? [path] : [];
  });
}

const found = ['test', 'bench', 'scripts'].flatMap(filesOf).flatMap((file) =>
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .map((line, index) => ({ file, place: `${file}:${index + 1}`, line: line.trim() }))
    .filter(({ line }) => !/^(?:\/\/|\*|\/\*|#(?!!))/.test(line) && SUSPICIOUS.some((one) => one.test(line))),
);

t.test('nothing waits for a time outside the helpers, but what is listed with its reason', async (t) => {
  for (const { file, place, line } of found)
    t.ok(
      (ALLOWED[file] ?? []).some(([part]) => line.includes(part)),
      `${place}: ${line}: wait for the state, by waitUntil, waitFor or wait_for`,
    );
});

t.test('each exception is still there', async (t) => {
  for (const [file, parts] of Object.entries(ALLOWED).filter(([file]) => !REWRITTEN.includes(file)))
    for (const [part, why] of parts)
      t.ok(
        found.some((one) => one.file === file && one.line.includes(part)),
        `${file}: ${part}: ${why}`,
      );
});

t.test('the rule sees what it is for', async (t) => {
  for (const line of [
    `await guest.run('sleep 1');`,
    `await new Promise((resolve) => setTimeout(resolve, 100));`,
    `until grep -q . file; do sleep 0.2; done`,
    `for (let tries = 0; tries < 300; tries++)`,
    `t.ok(performance.now() - begin < 1000);`,
    `import { setTimeout as pause } from 'node:timers/promises';`,
    `spawnSync(file, [], { timeout: 60_000 });`,
    `curl --max-time 5 http://localhost/`,
    `poll(&event, 1, 6000)`,
  ])
    t.ok(
      SUSPICIOUS.some((one) => one.test(line)),
      line,
    );
  for (const line of [`exec sleep infinity`, `poll(&event, 1, -1)`, `timeout: PATIENCE_S * 1000`])
    t.notOk(
      SUSPICIOUS.some((one) => one.test(line)),
      line,
    );
});
