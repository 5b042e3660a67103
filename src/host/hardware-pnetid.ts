// SPDX-License-Identifier: MIT
/**
 * PNET IDs in the hardware of s390x machines. The file util_string of a PCI function or a channel path has those of four
 * ports, with 16 EBCDIC characters each.
 */
import type { NetworkInterface } from './network-interfaces.ts';
import { readUtilString } from './pci-devices.ts';
import type { RdmaDevice } from './rdma-devices.ts';

const LENGTH = 16;

/** First code of each run of IBM-1047, the EBCDIC of Linux and z/OS, and the characters of the run. */
const RUNS: readonly [number, string][] = [
  [0x40, ' '],
  [0x4b, '.<(+|&'],
  [0x5a, '!$*);^-/'],
  [0x6b, ',%_>?'],
  [0x79, '`:#@\'="'],
  [0x81, 'abcdefghi'],
  [0x91, 'jklmnopqr'],
  [0xa1, '~stuvwxyz'],
  [0xc1, 'ABCDEFGHI'],
  [0xd1, 'JKLMNOPQR'],
  [0xe2, 'STUVWXYZ'],
  [0xf0, '0123456789'],
];

const CHARACTERS = new Map(
  RUNS.flatMap(([first, run]) => [...run].map((character, at) => [first + at, character] as const)),
);

/**
 * PNET ID of one port.
 * @param port from 0
 * @returns `undefined` when the port has none (all blank or all zero), or when there is no such port
 */
export function decodePnetId(utilString: Uint8Array | undefined, port: number): string | undefined {
  const bytes = utilString?.subarray(port * LENGTH, (port + 1) * LENGTH) ?? [];
  const text = Array.from(bytes, (byte) => (byte === 0 ? ' ' : (CHARACTERS.get(byte) ?? '?'))).join('');
  return text.replaceAll(' ', '') || undefined;
}

/** PNET ID of a PCI function in hardware. @param port from 0 */
export function pciPnetId(address: string, port: number, root: string): string | undefined {
  return decodePnetId(readUtilString(`${root}/sys/bus/pci/devices/${address}`), port);
}

/** PNET ID of a network interface in hardware: of its PCI function, or of its channel path (OSA, HiperSockets). */
export function interfacePnetId(
  { parent, chpid, portNumber, devPort }: NetworkInterface,
  root: string,
): string | undefined {
  if (parent?.bus === 'pci') return pciPnetId(parent.id, devPort, root);
  if (chpid === undefined) return undefined;
  const path = readUtilString(`${root}/sys/devices/css0/chp0.${chpid}`);
  return decodePnetId(path, portNumber ?? devPort);
}

/** PNET ID of a port of an RDMA device in hardware. @param port from 1 */
export function rdmaPnetId({ parent }: RdmaDevice, port: number, root: string): string | undefined {
  return parent === undefined ? undefined : pciPnetId(parent, port - 1, root);
}
