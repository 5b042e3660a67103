import { realpathSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Architecture, platforms } from './architecture.ts';
import type { CableEnd } from './cable.ts';
import {
  type CommandOptions,
  type CommandResult,
  Deferred,
  enterScript,
  outputEnd,
  withTimeout,
} from './job.ts';
import { type KernelName, kernel, modulesWithoutSmc } from './kernel.ts';
import { ensureHostPackages } from './packages.ts';
import { quote } from './program.ts';
import { Machine } from './qemu.ts';
import { rootTree } from './root-tree.ts';

export type { Architecture } from './architecture.ts';
export { type CableEnd, cable } from './cable.ts';
export type { CommandOptions, CommandResult } from './job.ts';
export { type KernelName, kernelNames, kernelsAtHand, type SmcKernelName } from './kernel.ts';
export { setUpSmcR } from './smc.ts';

/** The root of this project's tree, at the same path on the host and in every guest. */
export const projectDirectory = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));

/** What to boot. */
export interface GuestOptions {
  kernel: KernelName;
  /** `x64` by default, on the files of this host. Another one has files of its own, and only the project is the host's. */
  machine?: Architecture;
  /** Host name, which smc reports too; `smc-guest` by default. */
  name?: string;
  /** 2048 by default. */
  memoryMb?: number;
  /**
   * 1 by default. With more, an emulated processor sometimes does not notice in time that another one has patched kernel
   * code (a static key), and the kernel stops with "Oops: int3".
   */
  cpus?: number;
  /**
   * `loaded`: smc, smc_diag and rdma_rxe are loaded at boot (the default); `available`: they are not, but
   * modprobe and the kernel itself can load them; `absent`: the guest has no smc at all.
   */
  modules?: 'loaded' | 'available' | 'absent';
  /** Gives the guest an eth0, up, with the address of this end. */
  cable?: CableEnd;
  /** Added to the environment of each command, before what the command itself adds. */
  env?: Record<string, string>;
  /** More of QEMU's arguments, for devices. */
  devices?: readonly string[];
  /** How long the boot may take; {@link PATIENCE_MS} by default. If the guest dies, the wait ends at once. */
  bootTimeoutMs?: number;
  /** For interactive use: gives the guest a /dev/ttyS2, with `machine.terminal` at the other end. */
  terminal?: boolean;
}

/** How to run a command to its end. */
export interface RunOptions extends CommandOptions {
  /** How long it may run; {@link PATIENCE_MS} by default. If the guest dies, the wait ends at once. */
  timeoutMs?: number;
  /** Reject when the status is not 0. */
  check?: boolean;
}

/** A command that runs in the background. */
export interface GuestProcess {
  /** Sends a signal, SIGTERM by default, to the process group of the command. */
  kill(signal?: NodeJS.Signals): void;
  /** Settles when the command has ended. Rejects only if the guest ends first. */
  wait(): Promise<CommandResult>;
  /** True when the command has ended and its output is complete. */
  readonly hasEnded: boolean;
  /** What it has written to stdout so far. */
  output(): Promise<string>;
}

interface Job {
  started: () => void;
  done: (status: number) => void;
  fail: (error: Error) => void;
}

/**
 * Limit for boots and commands. On an idle machine, a boot takes 5 s and most commands take less. On a machine that is ten
 * times slower and ten times as busy, this is still enough. So anything that takes longer hangs.
 */
export const PATIENCE_MS = 1_200_000;

/** Limit for commands whose only purpose is a better error message. */
const DIAGNOSIS_MS = 120_000;

/**
 * A virtual machine that runs a real kernel with SMC on the files of this host: commands, Node and the
 * project are at the same paths. What a guest writes stays in its memory, except below /share.
 * /tmp, /run and /dev are its own and empty at boot. See README.md in this directory.
 */
export class Guest {
  readonly machine: Machine;
  readonly #jobs = new Map<string, Job>();
  readonly #env: Record<string, string>;
  #lastJob = 0;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor(machine: Machine, env: Record<string, string> = {}) {
    this.machine = machine;
    this.#env = env;
  }

  /**
   * Boots a guest, which takes about 5 s on an idle machine. Installs what the host lacks and prepares
   * the kernel first, when that has not been done yet.
   *
   * @throws Error with the end of the kernel console when the guest does not come up in time
   */
  static async boot(options: GuestOptions): Promise<Guest> {
    const { machine: architecture = 'x64' } = options;
    const platform = platforms[architecture];
    await ensureHostPackages(platform.uses);
    const system = await kernel(options.kernel, architecture);
    const { root } = await rootTree(architecture);
    const isHost = root === '/';
    const { name = 'smc-guest', modules = 'loaded', memoryMb = 2048, bootTimeoutMs = PATIENCE_MS } = options;
    const machine = new Machine();
    const guest = new Guest(machine, options.env);
    try {
      await makeDirectory(join(machine.directory, 'jobs'), 0o755);
      await makeDirectory(guest.share, 0o1777);
      const config = {
        NAME: name,
        MODULES: modules,
        PROJECT: projectDirectory,
        FILES: isHost ? 'host' : 'own',
        CHANNEL: platform.channelDevice,
      };
      const lines = Object.entries(config).map(([key, value]) => `${key}=${quote(value)}\n`);
      await writeFile(join(machine.directory, 'config'), lines.join(''));

      const ready = new Promise<void>((resolve) => {
        machine.onLine = (line) => {
          if (line === 'ready') resolve();
          else guest.#answer(line);
        };
      });
      await machine.start({
        kernel: system,
        memoryMb,
        cpus: options.cpus ?? 1,
        modules: modules === 'absent' ? await modulesWithoutSmc(system) : system.modules,
        root,
        ...(!isHost && { project: projectDirectory }),
        ...(options.devices && { devices: options.devices }),
        ...(options.cable && { cable: options.cable }),
        ...(options.terminal && { terminal: true }),
      });
      machine.ended.then((how) => guest.#fail(how));
      await withTimeout(bootTimeoutMs, Promise.race([ready, machine.ended]), () => {
        throw guest.#error(`the guest did not boot within ${bootTimeoutMs / 1000} s`);
      });
      if (guest.#failure) throw guest.#failure;
      if (options.cable) {
        await guest.run(`ip address add ${options.cable.address}/24 dev eth0 && ip link set eth0 up`, {
          check: true,
        });
      }
      return guest;
    } catch (error) {
      machine.destroy();
      await machine.ended;
      throw error;
    }
  }

  /** All text of the kernel console so far. */
  get console(): string {
    return this.machine.console;
  }

  /** The host's directory that the guest sees at /share; both sides can write to it. */
  get share(): string {
    return join(this.machine.directory, 'share');
  }

  /**
   * Runs a script with the guest's sh to its end. Several can run at the same time.
   *
   * @throws Error with the end of the output: when the time limit is reached (the command and its process group
   *   are then killed), when `check` is set and the status is not 0, or when the guest ends first
   */
  async run(command: string, options: RunOptions = {}): Promise<CommandResult> {
    return decoded(await this.#run(command, options));
  }

  /** Starts a script with the guest's sh in the background; settles when it has been started. */
  async start(command: string, options: CommandOptions = {}): Promise<GuestProcess> {
    const job = await this.#begin(command, options);
    await job.started;
    const hasEnded = (): boolean => !this.#jobs.has(job.id);
    return {
      kill: job.kill,
      wait: async () => decoded(await job.result),
      get hasEnded() {
        return hasEnded();
      },
      output: async () => {
        const soFar = this.#jobs.has(job.id) && (await this.run(`cat ${job.stdoutFile}`));
        // The file no longer exists if the command has ended in the meantime.
        return soFar && soFar.status === 0 ? soFar.stdout : decoded(await job.result).stdout;
      },
    };
  }

  /**
   * Reads a file of the guest.
   *
   * @throws Error when it cannot be read
   */
  async readBytes(path: string): Promise<Buffer> {
    return (await this.#run(`cat -- ${quote(path)}`, { check: true, cwd: '/' })).stdout;
  }

  /**
   * Writes a file of the guest, replacing its contents.
   *
   * @throws Error when it cannot be written
   */
  async writeFile(path: string, content: string | Buffer): Promise<void> {
    await this.#run(`cat > ${quote(path)}`, { check: true, cwd: '/', stdin: content });
  }

  /** Powers the guest off, or kills it if that takes too long. A second call does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#failure ??= new Error('the guest is closed');
    this.machine.send('poweroff');
    // Shutting SMC-R down can hang in old kernels. Tests have already read what they need, and no result depends on how
    // the guest ends.
    await withTimeout(3000, this.machine.ended, () => {});
    this.machine.destroy();
    await this.machine.ended;
  }

  async #run(command: string, options: RunOptions): Promise<CommandResult<Buffer>> {
    const { timeoutMs = PATIENCE_MS, check = false } = options;
    const job = await this.#begin(command, options);
    const title = command.length > 200 ? `${command.slice(0, 200)}…` : command;
    const result = await withTimeout(timeoutMs, job.result, async () => {
      const processes = await this.#processes();
      job.kill('SIGKILL');
      const last = await withTimeout(DIAGNOSIS_MS, job.result, () => undefined);
      throw this.#error(
        `not done within ${timeoutMs / 1000} s, so killed: ${title}${last ? outputEnd(last) : ''}\n${processes}`,
      );
    });
    if (check && result.status !== 0)
      throw new Error(`failed with status ${result.status}: ${title}${outputEnd(result)}`);
    return result;
  }

  /** Lists the processes of the guest and where they wait in the kernel, for the message of a timeout. */
  async #processes(): Promise<string> {
    const job = await this.#begin('ps -eo pid,ppid,stat,wchan:24,args | grep -v "\\]$"', {});
    const listing = await withTimeout(DIAGNOSIS_MS, job.result, () => undefined);
    return listing
      ? listing.stdout.toString()
      : `the guest did not list its processes within ${DIAGNOSIS_MS / 1000} s either`;
  }

  async #begin(command: string, options: CommandOptions) {
    if (this.#failure) throw this.#failure;
    const id = String(++this.#lastJob);
    const directory = join(this.machine.directory, 'jobs', id);
    await makeDirectory(directory, 0o755);
    await writeFile(join(directory, 'script'), command);
    await chmod(join(directory, 'script'), 0o644);
    await writeFile(
      join(directory, 'enter'),
      enterScript(`/run/bed/jobs/${id}/script`, {
        cwd: projectDirectory,
        ...options,
        env: { ...this.#env, ...options.env },
      }),
    );
    await writeFile(join(directory, 'stdin'), options.stdin ?? '');
    if (this.#failure) throw this.#failure;

    const ending = new Deferred<number>();
    const starting = new Deferred<void>();
    starting.promise.catch(() => {});
    this.#jobs.set(id, {
      started: () => starting.resolve(),
      done: (status) => ending.resolve(status),
      fail: (error) => {
        starting.reject(error);
        ending.reject(error);
      },
    });
    const result = ending.promise.then(async (status) => {
      const stdout = await readFile(join(directory, 'stdout'));
      const stderr = await readFile(join(directory, 'stderr'));
      await rm(directory, { recursive: true, force: true });
      return { status, stdout, stderr };
    });
    // If the guest has ended, whatever waits for the job reports that.
    result.catch(() => {});
    this.machine.send(`start ${id}`);
    return {
      id,
      started: starting.promise,
      result,
      stdoutFile: `/run/jobs/${id}/stdout`,
      kill: (signal: NodeJS.Signals = 'SIGTERM') =>
        this.machine.send(`kill ${id} ${signal.replace('SIG', '')}`),
    };
  }

  /** Handles an answer of the agent: "started JOB" or "done JOB STATUS". */
  #answer(line: string): void {
    const [what, id = '', status] = line.split(' ');
    const job = this.#jobs.get(id);
    if (what === 'started') job?.started();
    if (what === 'done') {
      this.#jobs.delete(id);
      job?.done(Number(status));
    }
  }

  /** QEMU has ended: fails everything that is still waiting. */
  #fail(how: string): void {
    this.#failure ??= this.#error(`the guest is gone: ${how}`);
    for (const job of this.#jobs.values()) job.fail(this.#failure);
    this.#jobs.clear();
  }

  #error(message: string): Error {
    const lines = this.console.trimEnd().split('\n');
    const crash = lines.find((line) =>
      /Kernel panic|BUG: |Oops|general protection fault|blocked for more than/.test(line),
    );
    return new Error(
      [
        message,
        ...(crash ? [`the kernel reported: ${crash}`] : []),
        'end of the console:',
        ...lines.slice(-30),
      ].join('\n'),
    );
  }
}

/** Makes a directory with these permissions regardless of the umask, because the guest's users see them. */
async function makeDirectory(path: string, permissions: number): Promise<void> {
  await mkdir(path);
  await chmod(path, permissions);
}

function decoded({ status, stdout, stderr }: CommandResult<Buffer>): CommandResult {
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
