// SPDX-License-Identifier: MIT
/**
 * `npm run test:release`: two clones of the last commit, at different paths, with different settings and one after the
 * other, make the same release, byte for byte; and the packages of all machines are as lintian and rpmlint like them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, root, step } from '../../scripts/entry.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-release-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

let passed = 0;
let failed = 0;

/** Counts a result; what was seen is shown when it is wrong. */
function check(ok: boolean, what: string, seen: string): void {
  if (ok) passed++;
  else failed++;
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${what}\n${ok ? '' : `${seen.trimEnd()}\n`}`);
}

/** Runs a program and gives what it writes. */
function must(program: string, words: string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Problem(`${program} ${words.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** Makes a release of a new clone. */
function release(clone: string, umask: string, env: Record<string, string>): Promise<string> {
  const output = join(clone, 'release');
  return step('test:release', `a release in ${clone}`, async () => {
    must('sh', ['-c', `umask ${umask}; exec git clone -q "$1" "$2"`, 'sh', root, clone]);
    cpSync(join(root, 'node_modules'), join(clone, 'node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const command = `umask ${umask}; cd "$1" && exec node scripts/run.mjs release`;
    must('sh', ['-c', command, 'sh', clone], env);
    return output;
  });
}

const first = await release(join(scratch, 'one'), '022', { TZ: 'UTC' });
mkdirSync(join(scratch, 'another/place/with a longer path'), { recursive: true });
const second = await release(join(scratch, 'another/place/with a longer path', 'clone'), '077', {
  TZ: 'Asia/Tokyo',
  LC_ALL: 'C.UTF-8',
});

const files = readdirSync(first).sort();
check(files.length === 9, 'npm package, three .deb, three .rpm, SBOM, SHA256SUMS', files.join('\n'));
for (const file of files)
  check(
    readFileSync(join(first, file)).equals(readFileSync(join(second, file))),
    `${file}: the same bytes`,
    `${first}/${file} and ${second}/${file} differ`,
  );
const sums = spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: first, encoding: 'utf8' });
check(
  sums.status === 0 && sums.stdout.split('\n').length === files.length,
  'SHA256SUMS',
  sums.stdout + sums.stderr,
);
const [sbom = ''] = files.filter((file) => file.endsWith('.cdx.json'));
const { components } = JSON.parse(readFileSync(join(first, sbom), 'utf8')) as {
  components: { name: string; purl: string }[];
};
const libraries = components.filter(({ purl }) => purl.startsWith('pkg:deb/')).map(({ name }) => name);
check(
  libraries.sort().join() ===
    'libc6-dev,libc6-dev-arm64-cross,libc6-dev-s390x-cross,musl-dev,musl-dev,musl-dev',
  'the SBOM has the C libraries that programs contain: musl in those of npm, glibc in those of RPMs',
  libraries.join('\n'),
);
const packages = (suffix: string) =>
  files.filter((file) => file.endsWith(suffix)).map((file) => join(first, file));
const rpmlint = spawnSync('rpmlint', ['-c', join(root, 'rpm/rpmlint.toml'), ...packages('.rpm')], {
  encoding: 'utf8',
});
check(
  / 3 packages .* 0 errors, 0 warnings,/.test(rpmlint.stdout),
  'rpmlint',
  rpmlint.stdout + rpmlint.stderr,
);
const lintian = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', ...packages('.deb')], {
  encoding: 'utf8',
});
check(lintian.stdout === '', 'lintian', lintian.stdout);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
