// SPDX-License-Identifier: MIT
import { createHmac } from 'node:crypto';
import { machineId } from '../host/identity.ts';
import { SmcError } from './error.ts';

/** With the digits that fit behind it, exactly as long as a UEID can be. */
const PREFIX = 'MACHINE-';
const DIGITS = 24;

/**
 * A UEID that names this machine, as the SEID does on IBM Z: the same after each boot, different on each machine, so
 * it serves connections within the machine (loopback-ism). `MACHINE-` and the first 96 bits, in hexadecimal, of
 * HMAC-SHA256 over "smc-tools ueid" with the machine ID as the key: machine-id(5) wants ids to be hashed with a word
 * of the application before others see them.
 * @throws SmcError NOT_FOUND when there is no machine ID
 */
export function ueidFromMachineId(root: string): string {
  let id = '';
  try {
    id = machineId(root);
  } catch {
    // an empty ID is reported below as invalid
  }
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new SmcError('NOT_FOUND', 'this machine has no valid ID in /etc/machine-id', {
      hint: 'systemd-machine-id-setup creates one',
    });
  const digest = createHmac('sha256', id).update('smc-tools ueid').digest('hex');
  return `${PREFIX}${digest.slice(0, DIGITS).toUpperCase()}`;
}
