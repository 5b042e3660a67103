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
  checkOptions,
  checkRules,
  type Given,
  HelpOrVersion,
  helpText,
  type Operands,
  type Options,
  type OptionTable,
  parse,
  type RulesFor,
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
  /** when it was made, if that is known */
  recordedAt: Date | undefined;
  /**
   * To be called before anything that changes the system, waits for it or measures it.
   * @param what subject of the error message: "--add"
   * @throws UsageError when the host is a recording
   */
  needsRunningSystem: (what: string) => void;
}

/** A command: its syntax, without the options that all commands have, and what it does. */
export interface CommandDefinition extends Syntax {
  /**
   * @param given not yet checked, because smcd and smcr read their words first
   * @returns exit status, 0 when nothing is returned
   */
  run: (context: Context, given: Given) => Promise<number | undefined> | number | undefined;
  /** exit status of a failure, for commands that have several; 1 by default */
  statusOf?: (error: unknown) => number;
}

/** A command whose function gets its options checked, with the types that follow from the table. */
interface TypedDefinition<T extends OptionTable>
  extends Omit<CommandDefinition, 'options' | 'rules' | 'operands' | 'run'> {
  options: T;
  rules?: RulesFor<T>;
  operands?: Operands;
  /** @returns exit status, 0 when nothing is returned */
  run: (
    context: Context,
    options: Options<T>,
    operands: readonly string[],
  ) => Promise<number | undefined> | number | undefined;
}

/** Defines a command. Its options and operands are checked before it runs. */
export function defineCommand<const T extends OptionTable>(
  definition: TypedDefinition<T>,
): CommandDefinition {
  const syntax = definition as unknown as Syntax & { options: T };
  return {
    ...definition,
    ...syntax,
    run: (context, given) => definition.run(context, checkOptions(syntax, given), given.operands),
  };
}

/** Replacements for the real system, for tests and recorded hosts. */
export interface Environment {
  io?: Io;
  transport?: Transport;
  hostRoot?: string;
  isRecorded?: boolean;
  recordedAt?: Date | undefined;
}

/** `SMC_TOOLS_DEBUG`: if set and not empty, messages and stack traces are printed on stderr. */
const DEBUG_VARIABLE = 'SMC_TOOLS_DEBUG';

/** `SMC_TOOLS_RECORD`: a file to which the netlink traffic of this run is written (see recording/recording.ts). */
const RECORD_VARIABLE = 'SMC_TOOLS_RECORD';

/** `SMC_TOOLS_NOHUP`: set by native/smc-start.c where SIGHUP is ignored. */
const NOHUP_VARIABLE = 'SMC_TOOLS_NOHUP';

/**
 * Runs a command and returns its exit status: 0 for success (also for empty tables), 1 for any failure, unless the
 * command distinguishes failures (`statusOf`).
 * @param argv without node and script
 */
export async function run(
  command: CommandDefinition,
  argv: readonly string[],
  environment: Environment = {},
): Promise<number> {
  const io = environment.io ?? processIo();
  const report: Context['note'] = (text, hint) =>
    io.error(`${command.name}: ${printable(text)}${hint ? `; ${printable(hint)}` : ''}`);
  const releases: (() => void)[] = [];
  try {
    return await runParsed(withCommonOptions(command), argv, { ...environment, io }, report, releases);
  } finally {
    for (const release of releases.reverse()) release();
  }
}

/** @param releases collects functions to call when the command has ended, whether or not it failed */
async function runParsed(
  command: CommandDefinition,
  argv: readonly string[],
  environment: Environment & { io: Io },
  report: Context['note'],
  releases: (() => void)[],
): Promise<number> {
  const { io } = environment;
  const debug = Boolean(io.env[DEBUG_VARIABLE]);
  const recordingFile = io.env[RECORD_VARIABLE];
  let saveRecording: (() => void) | undefined;
  let status: number;
  try {
    if (io.env[NOHUP_VARIABLE]) releases.push((await import('./interrupt.ts')).ignoreHangup());
    const given = parse(command, argv);
    // before a bundle is unpacked or a namespace is entered
    checkRules({ options: {}, rules: COMMON_RULES }, given);
    checkRules(command, given);
    const common = checkOptions({ options: {} }, { ...given, operands: [] });
    const paint = await painter(io, common.color);
    let here: Environment = await selectHost(environment, common, releases, (text) => {
      if (io.errorIsTerminal) report(text);
    });
    if (recordingFile) {
      const { transport, save } = await startRecording(here, recordingFile);
      here = { ...here, transport };
      saveRecording = save;
    }
    const { hostRoot = '/', isRecorded = false, recordedAt } = here;
    let client: SmcClient | undefined;
    releases.push(() => client?.close());
    const context: Context = {
      io,
      hostRoot,
      transport: here.transport,
      paint,
      note: report,
      isRecorded,
      recordedAt,
      needsRunningSystem(what) {
        if (isRecorded)
          throw new UsageError(`${what} needs the running system and cannot be used with --from`);
      },
      client: async () => {
        client ??= new SmcClient(await clientOptions(here, io, debug));
        return client;
      },
    };
    status = (await command.run(context, given)) ?? 0;
    io.flush();
  } catch (error) {
    try {
      if (error instanceof HelpOrVersion) io.write(answer(command, error));
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

/** What holds for the options of all commands, whatever else a command checks. */
const COMMON_RULES: RulesFor<Record<never, never>> = {
  conflicts: [
    {
      of: 'netns',
      with: 'from',
      message: () => '--netns and --from exclude each other: a recording has one network namespace',
    },
  ],
};

/** Switches to the host or namespace of --netns or --from, before anything is read. */
async function selectHost(
  environment: Environment,
  { netns, from }: Options<Record<never, never>>,
  releases: (() => void)[],
  onSlow: (text: string) => void,
): Promise<Environment> {
  if (netns !== undefined) {
    const { enterNetworkNamespace } = await import('../smc/network-namespace.ts');
    enterNetworkNamespace(netns);
  }
  if (from === undefined) return environment;
  const [{ openBundle }, { cleanUpOnSignal }] = await Promise.all([
    import('../recording/bundle.ts'),
    import('./interrupt.ts'),
  ]);
  let close = (): void => {};
  // registered before unpacking: a signal that arrives meanwhile is handled afterwards
  releases.push(cleanUpOnSignal(() => close()));
  const system = await openBundle(from, (text) => onSlow(`${from}: this takes a while, ${text}`));
  ({ close } = system);
  releases.push(close);
  const { transport, hostRoot, created } = system;
  return { ...environment, transport, hostRoot, isRecorded: true, recordedAt: created };
}

function answer(command: CommandDefinition, { kind }: HelpOrVersion): string {
  return kind === 'help' ? helpText(command) : `${command.name} utility, smc-tools-${version}\n`;
}

/** Prints what went wrong, if anything did. */
function reportFailure(command: CommandDefinition, error: unknown, report: Context['note']): number {
  if (error instanceof HelpOrVersion || error instanceof BrokenPipeError) return 0;
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
 * @param environment given when the build fills its code cache
 */
export async function main(
  command: CommandDefinition,
  argv: readonly string[] = process.argv.slice(2),
  environment: Environment = {},
): Promise<void> {
  const status = await run(command, argv, environment);
  // exitCode, not exit(): the netlink socket may still have to close
  if (!environment.io) process.exitCode = status;
}

async function clientOptions(environment: Environment, io: Io, debug: boolean): Promise<SmcClientOptions> {
  const options: SmcClientOptions = {};
  if (environment.transport) options.transport = environment.transport;
  if (environment.hostRoot) options.hostRoot = environment.hostRoot;
  if (debug) {
    const [{ tracer }, { hostByteOrder }] = await Promise.all([
      import('../netlink/debug.ts'),
      import('../netlink/codec.ts'),
    ]);
    options.trace = tracer(
      (line) => io.error(printable(line)),
      environment.transport?.order ?? hostByteOrder,
    );
  }
  return options;
}

/**
 * Whether to use colour: as --color says; otherwise only on a terminal that can show it, unless NO_COLOR is set
 * (https://no-color.org).
 */
async function painter(io: Io, when: 'auto' | 'always' | 'never' = 'auto'): Promise<Paint> {
  const canShow = io.isTerminal && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb';
  if (when === 'never' || (when === 'auto' && !canShow)) return plain;
  const { ansiPaint } = await import('../output/style.ts');
  return ansiPaint;
}

async function startRecording(
  environment: Environment,
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
  const { transport, recording } = recorder(environment.transport ?? kernelTransport, { kernel: release() });
  return { transport, save: () => writeNamedFile(file, formatRecording(recording)) };
}
