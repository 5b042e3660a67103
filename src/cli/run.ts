// SPDX-License-Identifier: MIT
/** Runs a command: options, client, errors, exit status. No other file sets `process.exitCode`. */
import type { Transport } from '../netlink/transport.ts';
import type { Paint } from '../output/table.ts';
import { plain, printable } from '../output/table.ts';
import { SmcClient, type SmcClientOptions } from '../smc/client.ts';
import { explain } from '../smc/explain.ts';
import { version } from '../version.ts';
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

/** What a command is given. */
export interface Context {
  io: Io;
  /** Opens the connection to the kernel on first use; closed by the runner. */
  client: () => Promise<SmcClient>;
  /** root of /proc and /sys */
  hostRoot: string;
  /** answers the client in place of the running kernel, if given */
  transport: Transport | undefined;
  /** colours of standard output */
  paint: Paint;
  /** A line on stderr that does not change the exit status. */
  note: (text: string, hint?: string) => void;
  /** the host is a recording (--from) */
  isRecorded: boolean;
  /**
   * To be called before anything that changes the system, waits for it or measures it.
   * @param what subject of the error message: "--add"
   * @throws UsageError when the host is a recording
   */
  needsRunningSystem: (what: string) => void;
}

/** A command: its syntax, without the options that all commands have, and what it does. */
export interface CommandDefinition extends Syntax {
  /** @returns exit status, 0 when nothing is returned */
  run: (context: Context, parsed: Parsed) => Promise<number | undefined> | number | undefined;
  /** exit status of a failure, for commands that have several; 1 by default */
  statusOf?: (error: unknown) => number;
}

/** Replacements for the real system, for tests and recorded hosts. */
export interface World {
  io?: Io;
  transport?: Transport;
  hostRoot?: string;
  isRecorded?: boolean;
}

/** `SMC_TOOLS_DEBUG`: if set and not empty, messages and stack traces are printed on stderr. */
const DEBUG_VARIABLE = 'SMC_TOOLS_DEBUG';

/** `SMC_TOOLS_RECORD`: a file to which the netlink traffic of this run is written (see recording/recording.ts). */
const RECORD_VARIABLE = 'SMC_TOOLS_RECORD';

/**
 * Runs a command and returns its exit status: 0 for success (also for empty tables), 1 for any failure, unless the
 * command distinguishes failures (`statusOf`).
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

/** @param releases collects functions to call when the command has ended, whether or not it failed */
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
    let here: World = await placeOf(world, parsed, releases, report);
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
        if (isRecorded)
          throw new UsageError(`${what} needs the running system and cannot be used with --from`);
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
      io.flush(); // rows that arrived before the failure
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

/** Switches to the host or namespace of --netns or --from, before anything is read. */
async function placeOf(
  world: World,
  { values }: Parsed,
  releases: (() => void)[],
  report: Context['note'],
): Promise<World> {
  const { netns, from } = values;
  if (netns !== undefined && from !== undefined)
    throw new UsageError('--netns and --from exclude each other: a recording has one network namespace');
  if (netns !== undefined) {
    const { enterNetworkNamespace } = await import('../smc/network-namespace.ts');
    enterNetworkNamespace(netns);
  }
  if (from === undefined) return world;
  const [{ openBundle }, { cleanUpOnSignal }] = await Promise.all([
    import('../recording/bundle.ts'),
    import('./interrupt.ts'),
  ]);
  let close = (): void => {};
  // registered before unpacking: a signal that arrives meanwhile is handled afterwards
  releases.push(cleanUpOnSignal(() => close()));
  const system = await openBundle(from, (text) => report(`${from}: this takes a while, ${text}`));
  ({ close } = system);
  releases.push(close);
  return { ...world, transport: system.transport, hostRoot: system.hostRoot, isRecorded: true };
}

function answer(command: CommandDefinition, { kind }: Answer): string {
  return kind === 'help' ? helpText(command) : `${command.name} utility, smc-tools-${version}\n`;
}

/** Prints what went wrong, if anything did. */
function reportFailure(command: CommandDefinition, error: unknown, report: Context['note']): number {
  if (error instanceof Answer || error instanceof BrokenPipeError) return 0;
  const explanation = explain(error);
  if (error instanceof UsageError)
    report(error.message, `${error.help ?? `${command.name} --help`} shows the usage`);
  else if (explanation) report(explanation.text, explanation.hint);
  else
    report(
      `internal error: ${error}`,
      `please report it with the output of the command under ${DEBUG_VARIABLE}=1`,
    );
  return command.statusOf?.(error) ?? 1;
}

/**
 * Entry of the bundles that bin/ starts.
 * @param argv without node and script
 * @param world given when the build fills its code cache
 */
export async function main(
  command: CommandDefinition,
  argv: readonly string[] = process.argv.slice(2),
  world: World = {},
): Promise<void> {
  const status = await run(command, argv, world);
  // exitCode, not exit(): the netlink socket may still have to close
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
 * Whether to use colour: as --color says; otherwise only on a terminal that can show it, unless NO_COLOR is set
 * (https://no-color.org).
 * @throws UsageError
 */
async function painter(io: Io, when = 'auto'): Promise<Paint> {
  if (!['auto', 'always', 'never'].includes(when))
    throw new UsageError(`--color '${when}': must be auto, always or never`);
  const canShow = io.isTerminal && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb';
  if (when === 'never' || (when === 'auto' && !canShow)) return plain;
  const { ansiPaint } = await import('../output/style.ts');
  return ansiPaint;
}

async function startRecording(
  world: World,
  file: string,
): Promise<{ transport: Transport; save: () => void }> {
  const [{ formatRecording }, { recorder }, { kernelTransport }, { release }, { writeNamedFile }] =
    await Promise.all([
      import('../recording/recording.ts'),
      import('../recording/recorder.ts'),
      import('../netlink/transport.ts'),
      import('node:os'),
      import('../host/safe-directory.ts'),
    ]);
  const { transport, recording } = recorder(world.transport ?? kernelTransport, { kernel: release() });
  return { transport, save: () => writeNamedFile(file, formatRecording(recording)) };
}
