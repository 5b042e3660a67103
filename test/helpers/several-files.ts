// SPDX-License-Identifier: MIT
/**
 * Runs several test files in this process, one after the other, each as a subtest with its name:
 * `node --import=tsx test/helpers/several-files.ts FILE…`. A file that leaves the process changed has failed, because
 * the next one would run in another surrounding than alone.
 */
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';

// tap makes the names of directories for tests of the arguments, which would be too long: it must not see them
const names = process.argv.splice(2);
const { t } = await import('tap');
const urls = new Map(names.map((name) => [pathToFileURL(name).href, name]));

/** Where `tap-of-file.mjs` finds the tests by the URL of their file: modules of a loader share nothing else. */
const tests = new Map<string, Test>();
Object.assign(globalThis, { testsOfFiles: tests });

// a test file gets the subtest for `tap`, and not the root of the process
const tapOfFile = new URL('tap-of-file.mjs', import.meta.url).href;
const hooks = `
const files = new Set(${JSON.stringify([...urls.keys()])});
export async function resolve(specifier, context, next) {
  if (specifier !== 'tap' || !files.has(context.parentURL)) return next(specifier, context);
  const url = ${JSON.stringify(tapOfFile)} + '?' + encodeURIComponent(context.parentURL);
  return { url, format: 'module', shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

/** What tests of a process share. */
function surroundings(): Record<string, unknown> {
  const umask = process.umask(0);
  process.umask(umask);
  return {
    directory: process.cwd(),
    umask,
    environment: { ...process.env },
    stackTraceLimit: Error.stackTraceLimit,
    exitCode: process.exitCode,
    title: process.title,
  };
}

for (const [url, name] of urls) {
  const before = surroundings();
  await t.test(name, async (t) => {
    tests.set(url, t);
    await import(url);
  });
  const after = surroundings();
  for (const key of Object.keys(before).filter((key) => !isDeepStrictEqual(before[key], after[key])))
    t.fail(
      `${name} leaves its process with another ${key}: undo that, or write "// Runs alone: WHY" at its top`,
    );
}
