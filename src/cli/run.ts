// SPDX-License-Identifier: MIT
/** Runs a command: options, client, errors, exit status. Nothing else touches `process.exitCode`. */
import type { Transport } from '../netlink/transport.ts';
import type { Paint } from '../output/table.ts';
import { plain, printable } from '../output/table.ts';
import { SmcClient, type SmcClientOptions } from '../smc/client.ts';
import { version } from '../version.ts';
import { explain } from './errors.ts';
import { BrokenPipeError, type Io, processIo } from './io.ts';
import {
  Answer,
  helpText,
  type Parsed,
  parse,
  type Syntax,
  UsageError,
  withCommonOptions,
} from './options.ts';

/** What a command gets. */
export interface Context {
  io: Io;
  /** Opens the connection to the kernel on first use; closed by the runner. */
  client: () => Promise<SmcClient>;
  /** root of /proc and /sys */
  hostRoot: string;
  /** who answers the client; the running kernel when there is none */
  transport: Transport | undefined;
  /** colours of standard output */
  paint: Paint;
  /** A line on stderr that does not change the exit status. */
  note: (text: string, hint?: string) => void;
  /** the host is a recorded one (--from) */
  isRecorded: boolean;
  /**
   * Comes before everything that changes the system, waits for it or measures it: refuses it when the host is a
   * recorded one. `what` is the subject of the sentence: "--add".
   * @throws UsageError
   */
  needsRunningSystem: (what: string) => void;
}

/** A command: its syntax without the options of all commands, and what it does. */
export interface CommandDefinition extends Syntax {
  /** @returns exit status, 0 when nothing is returned */
  run: (context: Context, parsed: Parsed) => Promise<number | undefined> | number | undefined;
  /** exit status of a failure, for commands that tell kinds of failure apart; 1 for all others */
  statusOf?: (error: unknown) => number;
}

/** Replacements for the real world, for tests and recorded hosts. */
export interface World {
  io?: Io;
  transport?: Transport;
  hostRoot?: string;
  isRecorded?: boolean;
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
  const releases: (() => void)[] = [];
  try {
    return await attempt(withCommonOptions(command), argv, { ...world, io }, report, releases);
  } finally {
    for (const release of releases.reverse()) release();
  }
}

/** @param releases gets what is to be done when the command has ended, in whatever way */
async function attempt(
  command: CommandDefinition,
  argv: readonly string[],
  world: World & { io: Io },
  report: Context['note'],
  releases: (() => void)[],
): Promise<number> {
  const { io } = world;
  const debug = Boolean(io.env[DEBUG_VARIABLE]);
  const recordingFile = io.env[RECORD_VARIABLE];
  let saveRecording: (() => void) | undefined;
  let status: number;
  try {
    const parsed = parse(command, argv);
    const paint = await painter(io, parsed.values['color']);
    let here: World = await placeOf(world, parsed, releases);
    if (recordingFile) {
      const { transport, save } = await startRecording(here, recordingFile);
      here = { ...here, transport };
      saveRecording = save;
    }
    const { hostRoot = '/', isRecorded = false } = here;
    let client: SmcClient | undefined;
    releases.push(() => client?.close());
    const context: Context = {
      io,
      hostRoot,
      transport: here.transport,
      paint,
      note: report,
      isRecorded,
      needsRunningSystem(what) {
        if (isRecorded) throw new UsageError(`${what} needs the running system: not with --from`);
      },
      client: async () => {
        client ??= new SmcClient(await clientOptions(here, io, debug));
        return client;
      },
    };
    status = (await command.run(context, parsed)) ?? 0;
    io.flush();
  } catch (error) {
    try {
      if (error instanceof Answer) io.write(answer(command, error));
      io.flush(); // rows that came before a failure
      status = reportFailure(command, error, report);
      if (debug && status !== 0 && error instanceof Error)
        io.error((error.stack ?? String(error)).split('\n').map(printable).join('\n'));
    } catch (broken) {
      status = reportFailure(command, broken, report);
    }
  }
  try {
    saveRecording?.();
    return status;
  } catch (error) {
    report(`the recording cannot be written: ${explain(error)?.text ?? error}`);
    return 1;
  }
}

/** Goes where --netns or --from tell, before anything is read. */
async function placeOf(world: World, { values }: Parsed, releases: (() => void)[]): Promise<World> {
  const { netns, from } = values;
  if (netns !== undefined && from !== undefined)
    throw new UsageError('--netns and --from exclude each other: a recording has one network namespace');
  if (netns !== undefined) {
    const { enterNetworkNamespace } = await import('../smc/network-namespace.ts');
    enterNetworkNamespace(netns);
  }
  if (from === undefined) return world;
  const [{ openBundle }, { cleanUpOnSignal }] = await Promise.all([
    import('../smc/bundle.ts'),
    import('./interrupt.ts'),
  ]);
  let close = (): void => {};
  // before there is anything to remove: a signal that comes while it is unpacked is seen after that
  releases.push(cleanUpOnSignal(() => close()));
  const system = await openBundle(from);
  ({ close } = system);
  releases.push(close);
  return { ...world, transport: system.transport, hostRoot: system.hostRoot, isRecorded: true };
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
    options.trace = tracer((line) => io.error(printable(line)), world.transport?.order ?? hostByteOrder);
  }
  return options;
}

/**
 * Colour as --color says; else only on a terminal that can show it, and never against NO_COLOR
 * (https://no-color.org).
 * @throws UsageError
 */
async function painter(io: Io, when = 'auto'): Promise<Paint> {
  if (!['auto', 'always', 'never'].includes(when))
    throw new UsageError(`--color '${when}': say auto, always or never`);
  const canShow = io.isTerminal && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb';
  if (when === 'never' || (when === 'auto' && !canShow)) return plain;
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
