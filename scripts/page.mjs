// SPDX-License-Identifier: MIT
// What the page of smc_exporter consists of besides its text: a style sheet and a script, with the npm packages that they
// use. The bundle of the command contains both as strings, because the page has everything in itself.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = 'src/commands/smc_exporter/page';

/**
 * Builds both.
 *
 * @returns {Promise<{ script: string, style: string, inputs: string[] }>} with the files that they are made of
 */
export async function buildPage() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { script: `${directory}/client/main.ts`, style: `${directory}/page.css` },
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    // what has :has() in selectors
    target: ['chrome105', 'firefox121', 'safari15.4'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
    outdir: 'dist',
    metafile: true,
  });
  /** @param {string} name */
  const text = (name) => outputFiles.find(({ path }) => path === join(root, 'dist', name))?.text.trim() ?? '';
  return { script: text('script.js'), style: text('style.css'), inputs: Object.keys(metafile.inputs) };
}
