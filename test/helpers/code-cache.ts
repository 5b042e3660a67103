// SPDX-License-Identifier: MIT
/** A made-up command with the files of src/launch/, and a home in which its code caches are left. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LAUNCH = fileURLToPath(new URL('../../src/launch', import.meta.url));

export const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

/** A bundle as the build makes it, large enough for a cache of several blocks. */
const functions = Array.from(
  { length: 300 },
  (_, i) => `const f${i} = (a) => [a, 'number ${i}'].join(); f${i}(1);`,
);
const BUNDLE = `//${'a'.repeat(32)}\nexports.run = async () => {\n${functions.join('\n')}\nconsole.log('ran');\n};\n`;

const MAIN = `const load = require('./commands/load.cjs');
if (process.env.ASK) console.log(load.compile('smcss', true).script.cachedDataRejected === false);
else load.start('smcss');
`;

/** @param place an empty directory */
export function cacheStage(place: string) {
  const commands = join(place, 'commands');
  cpSync(LAUNCH, commands, { recursive: true });
  writeFileSync(join(commands, 'smcss.cjs'), BUNDLE);
  const main = join(place, 'main.cjs');
  writeFileSync(main, MAIN);
  const HOME = join(place, 'home');
  mkdirSync(HOME, { mode: 0o700 });
  const directory = join(HOME, '.cache/smc-tools');
  const start = (env: Record<string, string>, words: string[] = []) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
      env: { PATH, ...env },
      encoding: 'utf8',
    });
    if (status !== 0 || stderr !== '') throw new Error(`status ${status}: ${stderr}`);
    return stdout;
  };
  return {
    commands,
    main,
    HOME,
    /** where the caches of this home are */
    directory,
    files: (): string[] => (existsSync(directory) ? readdirSync(directory).sort() : []),
    /** path of the only one */
    file: (): string => join(directory, readdirSync(directory)[0]!),
    /** Runs the command, which says nothing of caches. */
    run(env: Record<string, string> = { HOME }, words: string[] = []): void {
      const stdout = start(env, words);
      if (stdout !== 'ran\n') throw new Error(stdout);
    },
    /** Whether the next run takes a cache. */
    isTaken: (): boolean => start({ HOME, ASK: '1' }) === 'true\n',
  };
}
