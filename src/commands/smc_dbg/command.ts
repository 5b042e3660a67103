// SPDX-License-Identifier: MIT
/** smc_dbg: collects what a maintainer needs to see a problem that he cannot reproduce. */
import { basename } from 'node:path';
import { untilInterrupted } from '../../cli/interrupt.ts';
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import { writeDocument } from '../../cli/print.ts';
import { type Context, defineCommand } from '../../cli/run.ts';
import type { SmcDbgDocument } from '../../documents/smc_dbg.ts';
import type { Made } from '../../output/document.ts';
import type { Bundle } from './collect.ts';
import { type DbgOptions, OPTIONS } from './options.ts';

export const smcDbg = defineCommand({
  name: 'smc_dbg',
  usage: '[options]',
  summary: 'Collects the state of SMC on this host for a report that others can read.',
  options: OPTIONS,
  examples: [
    ['smc_dbg | less', 'look through everything'],
    ['smc_dbg -t --redact', 'an archive to send, without addresses and names'],
    ['smc_dbg -o report.tgz', 'the same as this file, with addresses and names'],
    ['smc_dbg --from report.tgz --redact -t', 'redact a bundle later'],
  ],
  async run(context, options) {
    const { redact, json } = options;
    const target = await targetOf(options);
    const { collect } = await import('./collect.ts');
    // the commands that it runs take the snapshot for a recording
    warnBeforeListing(context, { connection: true, link: true, dmb: true });
    await untilInterrupted(async (stop) => {
      const progress = progressOf(context);
      const bundle = await collect(context, { redact, stop, progress });
      try {
        if (target !== undefined) await save(context, bundle, target);
        else if (!json) show(context, bundle);
        if (json) writeDocument<SmcDbgDocument>(context, document(bundle, target));
        else if (target !== undefined) context.io.write(`${target}\n`);
      } finally {
        bundle.snapshot.close();
      }
    });
    return 0;
  },
});

/** Nothing is said of what is done in less. */
const PATIENCE_MS = 2000;

/** Lines on a terminal that tells of errors, for work that takes its time; scripts get none. */
function progressOf({ io, note }: Context): (what: string) => void {
  let last = Date.now();
  return (what) => {
    const now = Date.now();
    if (now - last < PATIENCE_MS || !io.errorIsTerminal) return;
    last = now;
    note(what);
  };
}

/** The archive to write; `undefined` when everything goes to standard output. */
async function targetOf({ output, tgz }: DbgOptions): Promise<string | undefined> {
  if (output !== undefined || !tgz) return output;
  const { randomWord } = await import('../../host/safe-directory.ts');
  // not to be guessed, so nobody can have put something in its place
  return `smc_dbg-${randomWord()}.tgz`;
}

async function save({ note }: Context, { snapshot, manifest }: Bundle, target: string): Promise<void> {
  const { pack, writePrivately } = await import('../../recording/archive.ts');
  writePrivately(target, pack(snapshot.directory, basename(target).replace(/\.(tgz|tar\.gz)$/, '')));
  const { length } = manifest.missing;
  if (length > 0)
    note(
      `${length === 1 ? 'one part' : `${length} parts`} could not be collected`,
      'the manifest lists them',
    );
}

/** As the C suite does: an empty line before each section. */
function show({ io, note }: Context, { texts, manifest }: Bundle): void {
  for (const { file, text } of texts) {
    io.write(`\n${text}`);
    for (const part of manifest.parts)
      if (part.file === file)
        for (const line of part.messages)
          note(`${part.command.join(' ')}: ${withoutName(line, part.command)}`);
  }
  for (const { what, reason } of manifest.missing) note(`not collected: ${what} (${reason})`);
}

/** A note of another command, which begins with its name. */
const withoutName = (line: string, [name = '']: readonly string[]): string =>
  line.startsWith(`${name}: `) ? line.slice(name.length + 2) : line;

function document({ manifest, documents }: Bundle, archive: string | undefined): Made<SmcDbgDocument> {
  const parsed = documents.map(({ file, text }) => [
    basename(file, '.json'),
    text === '' ? null : JSON.parse(text),
  ]);
  return {
    archive: archive ?? null,
    manifest,
    documents: archive === undefined ? Object.fromEntries(parsed) : null,
  };
}
