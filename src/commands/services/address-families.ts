// SPDX-License-Identifier: MIT
/** RestrictAddressFamilies= of a unit. */
import { listOf, splitWords, type Unit } from '../../host/systemd-unit.ts';
import type { Conversion } from './conversion.ts';
import { refuse } from './refusal.ts';
import type { Line, ServiceHost } from './types.ts';

/** Whether the unit may open sockets of this family. */
function allowsFamily(unit: Unit, family: string): boolean {
  let families: Set<string> | undefined;
  let isAllowList = true;
  for (const { value } of listOf(unit, 'RestrictAddressFamilies')) {
    const isInverted = value.startsWith('~');
    if (!families) {
      families = new Set();
      isAllowList = !isInverted;
    }
    for (const { text } of splitWords(value.replace(/^~/, '')))
      if (text !== 'none' && isInverted !== isAllowList) families.add(text);
      else families.delete(text);
  }
  return families === undefined || families.has(family) === isAllowList;
}

/** The line that allows SMC sockets, if it is needed. @throws SmcError when they cannot be allowed */
export function addressFamilies(
  unit: Unit,
  { socket }: Conversion,
  { knowsAfSmc, hasInetSmc }: ServiceHost,
): Line | undefined {
  if (!allowsFamily(unit, 'AF_INET') && !allowsFamily(unit, 'AF_INET6'))
    throw refuse(
      `RestrictAddressFamilies= of ${unit.name} forbids TCP altogether, so there is nothing to convert`,
    );
  if (socket === 'inet' || allowsFamily(unit, 'AF_SMC')) return undefined;
  if (!knowsAfSmc)
    throw refuse(
      `RestrictAddressFamilies= of ${unit.name} forbids SMC sockets, and this systemd does not know the name AF_SMC`,
      hasInetSmc ? 'use --socket inet' : 'use a newer systemd, or Linux 6.11 or later with --socket inet',
    );
  return {
    reason: 'the unit restricts its address families, and AF_SMC is not allowed',
    text: 'RestrictAddressFamilies=AF_SMC',
  };
}
