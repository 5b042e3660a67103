// SPDX-License-Identifier: MIT
/** Fills a bundle: runs the commands of the suite against a snapshot of the system. */

import type { Io } from '../../cli/io.ts';
import { type Context, type Environment, run } from '../../cli/run.ts';
import type { BundleManifest, BundleMissing, BundlePart } from '../../documents/smc_dbg.ts';
import type { SocketsDocument } from '../../documents/smcss.ts';
import { Snapshot } from '../../recording/snapshot.ts';
import { SmcError } from '../../smc/error.ts';
import { explain } from '../../smc/explain.ts';
import { version } from '../../version.ts';
import { devicesText } from './devices.ts';
import { JSON_PARTS, type Part, TEXT_PARTS } from './parts.ts';
import { SUITE } from './suite.ts';

/** A part with what the commands wrote. */
interface Output {
  file: string;
  text: string;
}

export interface Bundle {
  manifest: BundleManifest;
  texts: Output[];
  documents: Output[];
  /** the directory that holds all of it; removed by `close` */
  snapshot: Snapshot;
}

/**
 * Everything is run twice. The first time the system answers and is recorded; the second time the recording answers,
 * without what is to be hidden in it. So a bundle holds what its reader will see.
 * @throws SmcError when it was interrupted
 */
export async function collect(
  { hostRoot, transport }: Pick<Context, 'hostRoot' | 'transport'>,
  { redact, stop, progress }: { redact: boolean; stop: AbortSignal; progress: (what: string) => void },
): Promise<Bundle> {
  const snapshot = await Snapshot.take({
    hostRoot,
    transport,
    stop,
    onFile: (path) => progress(`copying files: ${path}`),
  });
  try {
    const environment: Environment = {
      hostRoot: snapshot.hostRoot,
      transport: snapshot.transport,
      isRecorded: true,
    };
    // the documents first: they ask for everything, which answers all other questions
    const live = await runAll([...JSON_PARTS, ...TEXT_PARTS], environment, stop, (what) =>
      progress(`asking the system: ${what}`),
    );
    progress('reading who has the sockets');
    snapshot.addOwners(inodesOf(live.outputs));
    if (redact) snapshot.redact();
    environment.transport = snapshot.finish();
    const write = (what: string): void => progress(`writing the results: ${what}`);
    const documents = await runAll(JSON_PARTS, environment, stop, write);
    const texts = await runAll(TEXT_PARTS, environment, stop, write);
    const rnics = await runCommand('smc_rnics', environment);
    texts.outputs.splice(1, 0, {
      file: 'devices.txt',
      text: devicesText(rnics.stdout, snapshot.hostRoot),
    });
    const parts = [...texts.parts, ...documents.parts];
    for (const { file, text } of [...texts.outputs, ...documents.outputs]) snapshot.write(file, text);
    const manifest: BundleManifest = {
      suite_version: version,
      created: new Date().toISOString(),
      redacted: redact,
      kernel: snapshot.kernel,
      architecture: snapshot.architecture,
      byte_order: snapshot.byteOrder,
      root: process.geteuid?.() === 0,
      parts,
      missing: [...snapshot.missing, ...unanswered(live.parts, parts, redact)],
    };
    snapshot.seal(manifest);
    return { manifest, texts: texts.outputs, documents: documents.outputs, snapshot };
  } catch (error) {
    snapshot.close();
    throw error;
  }
}

/** Inodes of the sockets that smcss has listed; none if it failed. */
function inodesOf(outputs: readonly Output[]): number[] {
  const text = outputs.find(({ file }) => file === 'json/smcss.json')?.text;
  if (!text) return [];
  const { sockets } = JSON.parse(text) as Pick<SocketsDocument, 'sockets'>;
  return sockets.map(({ inode }) => inode);
}

/** Commands whose failure the recording does not hold: the kernel could not be asked at all. */
function unanswered(
  live: readonly BundlePart[],
  recorded: readonly BundlePart[],
  redact: boolean,
): BundleMissing[] {
  return live
    .filter(({ command, messages }) => {
      const again = recorded.find((part) => part.command.join(' ') === command.join(' '));
      return !redact && again && again.messages.join('\n') !== messages.join('\n');
    })
    .map(({ command, messages }) => ({
      what: command.join(' '),
      reason: messages.join('\n') || 'it changed in the meantime',
    }));
}

async function runAll(
  list: readonly Part[],
  environment: Environment,
  stop: AbortSignal,
  progress: (what: string) => void,
): Promise<{ outputs: Output[]; parts: BundlePart[] }> {
  const outputs: Output[] = [];
  const parts: BundlePart[] = [];
  const total = list.reduce((sum, { commands }) => sum + commands.length, 0);
  for (const { file, commands } of list) {
    let text = '';
    for (const command of commands) {
      // a turn for signals
      await new Promise((resolve) => setImmediate(resolve));
      if (stop.aborted) throw new SmcError('INVALID', 'interrupted: nothing was written');
      const what = `${command} (${parts.length + 1} of ${total})`;
      progress(what);
      const { stdout, stderr, status } = await runCommand(command, environment, (characters) =>
        progress(`${what}, ${(characters / 1e6).toFixed(1)} MB so far`),
      );
      text += stdout;
      parts.push({
        file,
        command: command.split(' '),
        status,
        messages: stderr.split('\n').filter(Boolean),
      });
    }
    outputs.push({ file, text });
  }
  return { outputs, parts };
}

/** @param onOutput is told how much the command has written so far */
async function runCommand(
  line: string,
  environment: Environment,
  onOutput: (characters: number) => void = () => {},
): Promise<{ stdout: string; stderr: string; status: number }> {
  const [name = '', ...argv] = line.split(' ');
  let stdout = '';
  let stderr = '';
  const io: Io = {
    write: (text) => {
      stdout += text;
      onOutput(stdout.length);
    },
    flush() {},
    error: (text) => {
      stderr += `${text}\n`;
    },
    isTerminal: false,
    env: {},
  };
  try {
    const status = await run(await SUITE[name]!(), argv, { ...environment, io });
    return { stdout, stderr, status };
  } catch (error) {
    return { stdout, stderr: `${name}: ${explain(error)?.text ?? error}\n`, status: 1 };
  }
}
