// SPDX-License-Identifier: MIT
/**
 * Takes a copy of what the suite can see of a system, in the form of a bundle (see bundle.ts). Files are copied at once;
 * what the kernel says by netlink is recorded as commands ask for it, each thing once, so they all see one moment.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BundleManifest, BundleMissing } from '../documents/smc_dbg.ts';
import { hostArchitecture, kernelRelease } from '../host/architecture.ts';
import { type KernelMessage, readKernelLog } from '../host/kernel-log.ts';
import { readPciFunctions } from '../host/pci-devices.ts';
import { pciNames } from '../host/pci-names.ts';
import { privateDirectory } from '../host/private-directory.ts';
import { kernelTransport, type Transport } from '../netlink/transport.ts';
import { BUNDLE_FORMAT, BUNDLE_VERSION, HOST, MANIFEST, RECORDING } from './bundle.ts';
import { copyOwners } from './owners.ts';
import { player } from './player.ts';
import { Redactor } from './pseudonyms.ts';
import { copyHostFiles } from './recorded-files.ts';
import { recorder } from './recorder.ts';
import { formatRecording, type Recording } from './recording.ts';
import { redactRecording } from './redaction.ts';

export interface SnapshotOptions {
  /** root of the /proc and /sys to copy */
  hostRoot: string;
  /** who answers; the running kernel by default */
  transport?: Transport | undefined;
  stop: AbortSignal;
  /** is told the absolute path of each file before it is copied */
  onFile?: (path: string) => void;
}

const PCI_NAMES = 'usr/share/misc/pci.ids';
const KERNEL_LOG = 'dmesg.txt';
const ABOUT_SMC = /\b(?:smc|smcr|smcd|ism|rdma\w*|rxe|infiniband|ib_\w+|mlx[45]\w*|qeth|pnet\w*)\b/i;

export class Snapshot {
  /** private, to be removed by `close` */
  readonly directory: string;
  /** records what is asked */
  readonly transport: Transport;
  readonly missing: BundleMissing[] = [];
  /** root of the system itself */
  readonly #system: string;
  #recording: Recording;
  readonly #remove: () => void;
  readonly #made = new Set<string>();

  private constructor(
    { directory, remove }: ReturnType<typeof privateDirectory>,
    { hostRoot, transport = kernelTransport }: SnapshotOptions,
  ) {
    this.directory = directory;
    this.#remove = remove;
    this.#system = hostRoot;
    const kernel = kernelRelease(hostRoot) ?? 'unknown';
    const recorded = recorder(transport, { kernel, isSnapshot: true });
    this.transport = recorded.transport;
    this.#recording = recorded.recording;
  }

  /** Copies the files. @throws Node's own error when there is no place for them */
  static async take(options: SnapshotOptions): Promise<Snapshot> {
    const { hostRoot, stop, onFile } = options;
    const snapshot = new Snapshot(privateDirectory(), options);
    mkdirSync(snapshot.hostRoot);
    const release = kernelRelease(hostRoot);
    const files = { release, stop, ...(onFile && { onFile }) };
    for (const { path, reason } of copyHostFiles(hostRoot, snapshot.hostRoot, files))
      snapshot.missing.push({ what: path, reason });
    await copyPciNames(hostRoot, snapshot);
    try {
      snapshot.#writeKernelLog(readKernelLog(hostRoot));
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      snapshot.missing.push({ what: 'kernel log', reason: code });
    }
    return snapshot;
  }

  /** As text for people, and as the kernel gives it for those that read /dev/kmsg. */
  #writeKernelLog(messages: readonly KernelMessage[]): void {
    const wanted = messages.filter(({ text }) => ABOUT_SMC.test(text));
    const lines = wanted.map(({ seconds, text }) => `[${seconds.toFixed(6).padStart(12)}] ${text}\n`);
    const records = wanted.map(
      ({ level, seconds, text }, at) => `${level},${at},${Math.round(seconds * 1e6)},-;${text}\n`,
    );
    this.write(KERNEL_LOG, lines.join(''));
    this.write(`${HOST}/dev/kmsg`, records.join(''));
  }

  /** root of the copied /proc and /sys */
  get hostRoot(): string {
    return join(this.directory, HOST);
  }

  get architecture(): string | null {
    return hostArchitecture(this.hostRoot) ?? null;
  }

  get kernel(): string | null {
    return kernelRelease(this.hostRoot) ?? null;
  }

  get byteOrder(): 'LE' | 'BE' {
    return this.#recording.order;
  }

  /** Copies what tells which processes hold these sockets. */
  addOwners(inodes: Iterable<number>): void {
    const write = (file: string, data: string | Uint8Array): void => this.write(`${HOST}/${file}`, data);
    this.missing.push(...copyOwners(this.#system, inodes, write));
  }

  /** @param file path in the bundle */
  write(file: string, data: string | Uint8Array): void {
    const path = join(this.directory, file);
    const above = dirname(path);
    if (!this.#made.has(above)) mkdirSync(above, { recursive: true });
    this.#made.add(above);
    writeFileSync(path, data, { mode: 0o600 });
  }

  /** Replaces addresses, names of hosts, units and containers, and enterprise IDs in all that was copied and recorded. */
  redact(): void {
    const redactor = new Redactor();
    const name = readFileOr(join(this.hostRoot, 'proc/sys/kernel/hostname')).trim();
    for (const part of [name, name.split('.')[0]!]) redactor.hostName(part);
    const { recording, dropped } = redactRecording(this.#recording, redactor);
    this.#recording = recording;
    if (dropped > 0)
      this.missing.push({ what: `${dropped} netlink exchanges`, reason: 'there is no rule to redact them' });
    // addresses are numbers there, which nobody looks for
    for (const table of ['tcp', 'tcp6'])
      rmSync(join(this.hostRoot, 'proc/net', table), { recursive: true, force: true });
    for (const file of filesBelow(this.directory)) redactFile(file, redactor);
    // a name as short as "vm" is not looked for in texts
    if (name) this.write(`${HOST}/proc/sys/kernel/hostname`, `${redactor.hostName(name)}\n`);
    for (const missing of this.missing) missing.what = redactor.text(missing.what);
  }

  /** Ends the recording. @returns what answers from it from now on, as it will do on another machine */
  finish(): Transport {
    this.write(RECORDING, formatRecording(this.#recording));
    return player(this.#recording);
  }

  /** Writes the manifest: then the directory is a bundle. */
  seal(manifest: BundleManifest): void {
    const document = { format: BUNDLE_FORMAT, version: BUNDLE_VERSION, ...manifest };
    this.write(MANIFEST, `${JSON.stringify(document, undefined, 2)}\n`);
  }

  /** Removes the directory. */
  close(): void {
    this.#remove();
  }
}

/** Of the file with the names of all PCI devices of the world, those that are here. */
async function copyPciNames(hostRoot: string, snapshot: Snapshot): Promise<void> {
  const names = await pciNames(readPciFunctions(snapshot.hostRoot), hostRoot);
  const lines = [...names].sort().flatMap(([key, { vendor = '', device }]) => {
    const [vendorId, deviceId] = key.split(':');
    return [`${vendorId}  ${vendor}`, ...(device === undefined ? [] : [`\t${deviceId}  ${device}`])];
  });
  // each vendor once: readers take the first as all there is
  const wanted = lines.filter((line, at) => line.startsWith('\t') || lines.indexOf(line) === at);
  if (wanted.length > 0) snapshot.write(`${HOST}/${PCI_NAMES}`, wanted.map((line) => `${line}\n`).join(''));
}

function readFileOr(path: string, otherwise = ''): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return otherwise;
  }
}

/** Symbolic links are not followed: those of sysfs lead in circles. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

const CONTROL_GROUP = /\/proc\/\d+\/cgroup$/;

function redactFile(path: string, redactor: Redactor): void {
  const text = readFileSync(path, 'latin1');
  // binary files are the names of networks in hardware
  if (text.includes('\0')) return;
  const other =
    path.endsWith('/ifalias') && text.trim() !== ''
      ? 'redacted\n'
      : path.endsWith('/gid') // of the class dibs; those of RDMA devices have numbers for names
        ? redactor.gidUuid(text)
        : CONTROL_GROUP.test(path)
          ? redactor.controlGroup(text, readFileOr(join(dirname(path), 'comm')).replace(/\n$/, ''))
          : redactor.text(text);
  if (other !== text) writeFileSync(path, other, 'latin1');
}
