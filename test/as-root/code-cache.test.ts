// SPDX-License-Identifier: MIT
// Code caches that other users can write are never run, and nothing is left in somebody else's home.
import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { cacheStage } from '../helpers/code-cache.ts';

const OTHER = 65_534;

t.test('what is owned by somebody else', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'smc-tools-code-cache-'));
  t.teardown(() => rmSync(place, { recursive: true, force: true }));
  const { HOME, directory, file, run, isTaken } = cacheStage(place);
  run();
  t.ok(isTaken());
  const { ino } = statSync(file());
  // as by sudo, which can keep HOME
  for (const path of [HOME, dirname(directory), directory]) {
    chownSync(path, OTHER, OTHER);
    t.notOk(isTaken(), path);
    run();
    t.equal(statSync(file()).ino, ino, 'and nothing is written there');
    chownSync(path, 0, 0);
  }
  chownSync(file(), OTHER, OTHER);
  t.notOk(isTaken(), 'the file');
  run();
  t.equal(statSync(file()).uid, 0, 'replaced, in our own directory');
  t.ok(isTaken());
});
