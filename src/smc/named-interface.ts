// SPDX-License-Identifier: MIT
/** Interfaces that a user names. */
import type { NetworkInterface } from '../host/network-interfaces.ts';
import { SmcError } from './error.ts';

/** @throws SmcError NOT_FOUND */
export function namedInterface(name: string, interfaces: readonly NetworkInterface[]): NetworkInterface {
  const found = interfaces.find((candidate) => candidate.name === name);
  if (found) return found;
  throw new SmcError('NOT_FOUND', `there is no interface ${name}`, {
    hint: `this network namespace has ${interfaces.map((each) => each.name).join(', ') || 'none'}`,
  });
}

/** @throws SmcError NOT_FOUND for one that is not there or not up */
export function namedUpInterface(name: string, interfaces: readonly NetworkInterface[]): NetworkInterface {
  const found = namedInterface(name, interfaces);
  if (found.isUp) return found;
  throw new SmcError('NOT_FOUND', `interface ${name} is not up`, { hint: `ip link set ${name} up` });
}
