import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { platforms } from './architecture.ts';
import type { CableEnd } from './cable.ts';
import { initramfs } from './initramfs.ts';
import type { Kernel } from './kernel.ts';

/** The parts of a virtual machine. */
export interface MachineOptions {
  kernel: Kernel;
  memoryMb: number;
  cpus: number;
  /** The directory that the guest has at /lib/modules. */
  modules: string;
  /** The directory that has the guest's files: `/`, or a tree for another machine. */
  root: string;
  /** A directory beside it, to see at the same path. */
  project?: string;
  /** More of QEMU's arguments. */
  devices?: readonly string[];
  cable?: CableEnd;
  /** Gives the guest a third serial port, {@link Machine.terminal}. */
  terminal?: boolean;
}

// Machines that must not outlive this process.
const running = new Set<Machine>();

/**
 * One QEMU process with its scratch directory and its channel, a second serial port that carries lines of
 * text in both directions. When this process ends, in whatever way, QEMU ends too.
 */
export class Machine {
  /** The directory that the guest has, writable, at /run/bed. */
  readonly directory: string;
  /** All text of the kernel console so far. */
  console = '';
  /** Called for each line that the guest sends. */
  onLine: (line: string) => void = () => {};
  /** The other side of the guest's /dev/ttyS2, if asked for. */
  terminal: Socket | undefined;
  /** Settles when QEMU has ended, with a readable description of how it ended. */
  readonly ended: Promise<string>;

  readonly #scratch: string;
  readonly #servers: Server[] = [];
  #process: ChildProcess | undefined;
  #channel: Socket | undefined;
  #end: (how: string) => void = () => {};

  constructor() {
    this.#scratch = mkdtempSync(join(tmpdir(), 'smc-tools-vm-'));
    this.directory = join(this.#scratch, 'bed');
    mkdirSync(this.directory);
    // The guest sees the host's permissions, and all of its users need access to this directory.
    chmodSync(this.directory, 0o755);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    running.add(this);
    watchForEnd();
  }

  /**
   * Starts QEMU; the guest then begins to boot.
   *
   * @throws Error when QEMU cannot be started
   */
  async start(options: MachineOptions): Promise<void> {
    const initrd = join(this.#scratch, 'initramfs.cpio');
    await writeFile(initrd, await initramfs(options.kernel.bootFiles));
    const channel = await this.#listen('channel', (socket) => this.#connect(socket));
    const terminal = await this.#listen('terminal', (socket) => {
      this.terminal = socket;
    });
    const cableOptions = options.cable ? await options.cable.plug() : [];
    const platform = platforms[options.kernel.architecture];
    const share = (tag: string, path: string, more: string) => [
      // QEMU reads a doubled comma as a comma.
      ...[
        '-fsdev',
        `local,id=${tag},path=${path.replaceAll(',', ',,')},security_model=none,multidevs=remap${more}`,
      ],
      ...['-device', `virtio-9p-${platform.bus},fsdev=${tag},mount_tag=${tag}`],
    ];
    const args = [
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
      ...platform.machine,
      ...['-accel', 'tcg,thread=multi'],
      ...['-smp', String(options.cpus), '-m', String(options.memoryMb)],
      ...['-kernel', options.kernel.image, '-initrd', initrd],
      // A kernel that fails ends QEMU at once, so that nothing waits for it.
      ...[
        '-append',
        `console=ttyS0 loglevel=5 panic=-1 oops=panic random.trust_cpu=on ${platform.commandLine}`.trim(),
      ],
      ...platform.channel(channel),
      ...(options.terminal ? ['-serial', `unix:${terminal}`] : []),
      ...share('host', options.root, ',readonly=on'),
      ...(options.project === undefined ? [] : share('project', options.project, ',readonly=on')),
      ...share('modules', options.modules, ',readonly=on'),
      ...share('bed', this.directory, ''),
      ...['-device', `virtio-rng-${platform.bus}`, ...cableOptions, ...(options.devices ?? [])],
    ];
    // The kernel ends QEMU even if this process is killed.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', platform.qemu, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    const decoder = new StringDecoder();
    child.stdout.on('data', (chunk: Buffer) => {
      this.console += decoder.write(chunk).replaceAll('\r', '');
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk;
    });
    child.on('error', (error) => this.#end(error.message));
    child.on('close', (status, signal) =>
      this.#end([`QEMU ended (${signal ?? status})`, complaint.trim()].filter(Boolean).join(': ')),
    );
  }

  /** Sends a line to the guest. */
  send(line: string): void {
    this.#channel?.write(`${line}\n`);
  }

  /** Kills QEMU and removes the scratch directory, without waiting for either. */
  destroy(): void {
    running.delete(this);
    this.#process?.kill('SIGKILL');
    if (!this.#process) this.#end('QEMU was not started');
    this.#channel?.destroy();
    this.terminal?.destroy();
    for (const server of this.#servers) server.close();
    rmSync(this.#scratch, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Makes a UNIX socket for one of QEMU's serial ports and returns its path. */
  async #listen(name: string, connected: (socket: Socket) => void): Promise<string> {
    const path = join(this.#scratch, `${name}.sock`);
    const server = createServer(connected);
    this.#servers.push(server);
    server.listen(path);
    await once(server, 'listening');
    return path;
  }

  #connect(socket: Socket): void {
    this.#channel = socket;
    socket.on('error', () => {});
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.onLine(line.trim());
    });
  }
}

let watching = false;

function watchForEnd(): void {
  if (watching) return;
  watching = true;
  const destroyAll = () => {
    for (const machine of running) machine.destroy();
  };
  process.on('exit', destroyAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const end = () => {
      destroyAll();
      // Without this listener, the signal has its default effect.
      process.off(signal, end);
      process.kill(process.pid, signal);
    };
    process.on(signal, end);
  }
}
