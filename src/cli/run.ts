// SPDX-License-Identifier: MIT
/** Runs a command: options, client, errors, exit status. Nothing else touches `process.exitCode`. */
import type { Transport } from '../netlink/transport.ts';
import type { Paint } from '../output/table.ts';
import { plain, printable } from '../output/table.ts';
import { SmcClient, type SmcClientOptions } from '../smc/client.ts';
import { version } from '../version.ts';
import { explain } from './errors.ts';
import { BrokenPipeError, type Io, processIo } from './io.ts';
import { Answer, helpText, type Parsed, parse, type Syntax, UsageError } from './options.ts';

/** What a command gets. */
export interface Context {
  io: Io;
  /** Opens the connection to the kernel on first use; closed by the runner. */
  client: () => Promise<SmcClient>;
  /** root of /proc and /sys */
  hostRoot: string;
  /** colours of standard output */
  paint: Paint;
  /** A line on stderr that does not change the exit status. */
  note: (text: string, hint?: string) => void;
}

/** A command: its syntax, and what it does. */
export interface CommandDefinition extends Syntax {
  /** @returns exit status, 0 when nothing is returned */
  run: (context: Context, parsed: Parsed) => Promise<number | undefined> | number | undefined;
  /** exit status of a failure, for commands that tell kinds of failure apart; 1 for all others */
  statusOf?: (error: unknown) => number;
}

/** Replacements for the real world, for tests and (later) for recorded hosts. */
export interface World {
  io?: Io;
  transport?: Transport;
  hostRoot?: string;
}

/** `SMC_TOOLS_DEBUG`: set and not empty, messages and stack traces are printed on stderr. */
const DEBUG_VARIABLE = 'SMC_TOOLS_DEBUG';

/** `SMC_TOOLS_RECORD`: a file that gets the netlink traffic of this run (see netlink/recording.ts). */
const RECORD_VARIABLE = 'SMC_TOOLS_RECORD';

/**
 * Runs a command and tells its exit status: 0 done (empty tables included), 1 any failure unless the command has
 * more to say (`statusOf`).
 * @param argv without node and script
 */
export async function run(
  command: CommandDefinition,
  argv: readonly string[],
  world: World = {},
): Promise<number> {
  const io = world.io ?? processIo();
  const report: Context['note'] = (text, hint) =>
    io.error(`${command.name}: ${printable(text)}${hint ? `; ${printable(hint)}` : ''}`);
  const file = io.env[RECORD_VARIABLE];
  if (!file) return attempt(command, argv, world, io, report);

  const { transport, save } = await startRecording(world, file);
  const status = await attempt(command, argv, { ...world, transport }, io, report);
  try {
    save();
    return status;
  } catch (error) {
    report(`the recording cannot be written: ${explain(error)?.text ?? error}`);
    return 1;
  }
}

async function attempt(
  command: CommandDefinition,
  argv: readonly string[],
  world: World,
  io: Io,
  report: Context['note'],
): Promise<number> {
  const debug = Boolean(io.env[DEBUG_VARIABLE]);
  let client: SmcClient | undefined;
  try {
    const parsed = parse(command, argv);
    const status = await command.run(
      {
        io,
        hostRoot: world.hostRoot ?? '/',
        paint: await painter(io),
        note: report,
        client: async () => {
          client ??= new SmcClient(await clientOptions(world, io, debug));
          return client;
        },
      },
      parsed,
    );
    io.flush();
    return status ?? 0;
  } catch (error) {
    try {
      if (error instanceof Answer) io.write(answer(command, error));
      io.flush(); // rows that came before a failure
    } catch (broken) {
      return reportFailure(command, broken, report);
    }
    const status = reportFailure(command, error, report);
    if (debug && status !== 0 && error instanceof Error) io.error(error.stack ?? String(error));
    return status;
  } finally {
    client?.close();
  }
}

function answer(command: CommandDefinition, { kind }: Answer): string {
  return kind === 'help' ? helpText(command) : `${command.name} utility, smc-tools-${version}\n`;
}

/** Says what went wrong, if anything did. */
function reportFailure(command: CommandDefinition, error: unknown, report: Context['note']): number {
  if (error instanceof Answer || error instanceof BrokenPipeError) return 0;
  const explanation = explain(error);
  if (error instanceof UsageError)
    report(error.message, `${error.help ?? `${command.name} --help`} shows the usage`);
  else if (explanation) report(explanation.text, explanation.hint);
  else report(`internal error: ${error}`, `please report it with the output under ${DEBUG_VARIABLE}=1`);
  return command.statusOf?.(error) ?? 1;
}

/**
 * Entry of the bundles that bin/ starts.
 * @param argv without node and script; `world` is given when the build warms up its code cache
 */
export async function main(
  command: CommandDefinition,
  argv: readonly string[] = process.argv.slice(2),
  world: World = {},
): Promise<void> {
  const status = await run(command, argv, world);
  // exitCode, not exit(): a pending netlink close still has its turn
  if (!world.io) process.exitCode = status;
}

async function clientOptions(world: World, io: Io, debug: boolean): Promise<SmcClientOptions> {
  const options: SmcClientOptions = {};
  if (world.transport) options.transport = world.transport;
  if (world.hostRoot) options.hostRoot = world.hostRoot;
  if (debug) {
    const [{ tracer }, { hostByteOrder }] = await Promise.all([
      import('../netlink/debug.ts'),
      import('../netlink/codec.ts'),
    ]);
    options.trace = tracer((line) => io.error(line), world.transport?.order ?? hostByteOrder);
  }
  return options;
}

/** Colour only on a terminal that can show it, and never against NO_COLOR (https://no-color.org). */
async function painter(io: Io): Promise<Paint> {
  if (!io.isTerminal || io.env['NO_COLOR'] || io.env['TERM'] === 'dumb') return plain;
  const { ansiPaint } = await import('../output/style.ts');
  return ansiPaint;
}

async function startRecording(
  world: World,
  file: string,
): Promise<{ transport: Transport; save: () => void }> {
  const [{ formatRecording, recordingTransport }, { kernelTransport }, { release }, { writeFileSync }] =
    await Promise.all([
      import('../netlink/recording.ts'),
      import('../netlink/transport.ts'),
      import('node:os'),
      import('node:fs'),
    ]);
  const { transport, recording } = recordingTransport(world.transport ?? kernelTransport, release());
  return { transport, save: () => writeFileSync(file, formatRecording(recording)) };
}
