// SPDX-License-Identifier: MIT
/**
 * The outside yardstick: tests that others wrote for TCP sockets, and checks of node:net, run plain and under smc_run on
 * a kernel with SMC-R. `npm run compatibility` runs them all and prints each difference; docs/compatibility.md has their
 * causes.
 */
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDirectory, cacheDirectory, withLock } from './cache.ts';
import { type Guest, PATIENCE_MS } from './guest.ts';
import { KNOWN_DIFFERENCES, RACES } from './known-differences.ts';
import { PackageSource } from './package-source.ts';
import { ensureHostPackages } from './packages.ts';
import { step } from './progress.ts';
import { bootWithSuite, setUpAllOfSmcR } from './suite.ts';

export type Outcome = 'ok' | 'skip' | 'fail' | 'error' | 'timeout' | 'crash' | 'missing';

export interface TestResult {
  id: string;
  outcome: Outcome;
  detail: string;
}

export interface Difference {
  id: string;
  plain: Outcome;
  smc: Outcome;
  detail: string;
}

/** Modules of CPython's test suite that open TCP sockets. */
const MODULES = [
  'test.test_socket',
  'test.test_socketserver',
  'test.test_selectors',
  'test.test_epoll',
  'test.test_asyncore',
  'test.test_ftplib',
  'test.test_smtplib',
  'test.test_httpservers',
  'test.test_ssl',
  'test.test_asyncio.test_streams',
  'test.test_asyncio.test_sock_lowlevel',
  'test.test_asyncio.test_server',
  'test.test_asyncio.test_sendfile',
  'test.test_asyncio.test_events',
];

/** Python of Debian 12 with its own tests, which stay the same whatever this machine has. */
const PYTHON_PACKAGES = [
  'python3.11-minimal',
  'libpython3.11-minimal',
  'libpython3.11-stdlib',
  'libpython3.11-testsuite',
];

/** A guest with SMC-R and Debian's Python, at /srv/python. */
export async function bootForComparison(): Promise<Guest> {
  await ensureHostPackages();
  const python = await pythonDirectory();
  const guest = await bootWithSuite({ kernel: '6.12' });
  await setUpAllOfSmcR(guest);
  // tests of Python write beside themselves
  await guest.run(`cp -r ${join(python, 'usr')} /srv/python`, { check: true });
  return guest;
}

/** Fetched once: what is asserted about its tests must not change with a newer package. */
async function pythonDirectory(): Promise<string> {
  const directory = join(cacheDirectory(), 'python3.11');
  return withLock('python3.11', async () => {
    const isThere = await access(directory).then(
      () => true,
      () => false,
    );
    if (!isThere)
      await step("fetching Python's own tests", (tell) =>
        buildDirectory(directory, async (temporary) => {
          const source = new PackageSource('bookworm');
          await source.update(tell);
          await source.unpack(PYTHON_PACKAGES, temporary, tell);
        }),
      );
    return directory;
  });
}

/** Runs tests of Python by name: modules, classes, single tests. */
export function pythonTests(guest: Guest, names: readonly string[], prefix: string): Promise<TestResult[]> {
  const program = join(process.cwd(), 'test/vm/programs/python-tests.py');
  return outcomes(guest, `/srv/python/bin/python3.11 ${program} ${prefix} -- ${names.join(' ')}`, {
    cwd: '/tmp',
    env: { PYTHONHOME: '/srv/python' },
  });
}

/** Runs the checks of node:net, all without names. */
export function netChecks(guest: Guest, prefix: string): Promise<TestResult[]> {
  return outcomes(guest, `${prefix} node test/vm/programs/net-checks.cjs`, {});
}

async function outcomes(guest: Guest, command: string, options: object): Promise<TestResult[]> {
  const { stdout } = await guest.run(command, { ...options, timeoutMs: 6 * PATIENCE_MS, check: true });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TestResult);
}

/** Tests that end otherwise under SMC. A test that fails or is skipped in both is none. */
export function differences(plain: readonly TestResult[], smc: readonly TestResult[]): Difference[] {
  const under = new Map(smc.map((result) => [result.id, result]));
  const bad = (outcome: Outcome): boolean => outcome !== 'ok' && outcome !== 'skip';
  return plain.flatMap(({ id, outcome }) => {
    const other = under.get(id) ?? { outcome: 'missing' as const, detail: '' };
    const isSame = outcome === other.outcome || (bad(outcome) && bad(other.outcome));
    return isSame ? [] : [{ id, plain: outcome, smc: other.outcome, detail: other.detail }];
  });
}

async function main(): Promise<number> {
  const guest = await bootForComparison();
  try {
    const found: Difference[] = [];
    let count = 0;
    const compare = async (what: string, run: (prefix: string) => Promise<TestResult[]>) => {
      const plain = await step(`${what}, plain`, () => run(''));
      const smc = await step(`${what}, under smc_run`, () => run('smc_run'));
      count += plain.length;
      found.push(...differences(plain, smc));
    };
    await compare('node:net', (prefix) => netChecks(guest, prefix));
    for (const name of MODULES) await compare(name, (prefix) => pythonTests(guest, [name], prefix));
    const isKnown = (id: string): boolean => id in KNOWN_DIFFERENCES || id in RACES;
    for (const { id, plain, smc, detail } of found)
      process.stdout.write(
        `${isKnown(id) ? 'known' : 'NEW  '} ${id}: ${plain}, under smc_run ${smc} (${detail})\n`,
      );
    const unknown = found.filter(({ id }) => !isKnown(id));
    process.stdout.write(`${count} tests, ${found.length} differences, ${unknown.length} of them new\n`);
    return unknown.length > 0 ? 1 : 0;
  } finally {
    await guest.close();
  }
}

if (process.argv[1] && basename(process.argv[1]) === basename(fileURLToPath(import.meta.url)))
  process.exitCode = await main();
