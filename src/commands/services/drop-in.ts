// SPDX-License-Identifier: MIT
/** The drop-in that converts a service, and what its first line records. */
import { join } from 'node:path';
import { contentOf, seal, sealOf } from '../../host/drop-in.ts';
import { entries } from '../../host/sysfs.ts';
import { SmcError } from '../../smc/error.ts';
import { type Conversion, conversionWords, parseConversionWords } from './conversion.ts';
import { changedByHand } from './refusal.ts';
import type { Plan } from './types.ts';

/**
 * File name of the drop-in. It sorts after override.conf, which `systemctl edit` makes: the last assignment of a variable
 * wins.
 */
export const DROP_IN = 'zz-smc.conf';
const DIRECTORY = '/etc/systemd/system';

/** Path of the drop-in of a unit. */
export const dropInOf = (name: string): string => `${DIRECTORY}/${name}.d/${DROP_IN}`;

/** Text of the drop-in. @param isOurDirectory the directory of the drop-in is made with it */
export function dropIn(
  name: string,
  { lines, environmentFile }: Plan,
  settings: Conversion,
  isOurDirectory: boolean,
): string {
  const words = [
    `made by smc_run --enable ${[name, ...conversionWords(settings)].join(' ')}, removed by --disable`,
    ...(isOurDirectory ? ['with its directory'] : []),
    ...(environmentFile ? [`also ${environmentFile.path}`] : []),
  ].join('; ');
  let reason = '';
  const body = lines.map((line) => {
    const comment = line.reason === reason ? '' : `# ${line.reason}\n`;
    reason = line.reason;
    return `${comment}${line.text}\n`;
  });
  return seal(words, `[Service]\n${body.join('')}`);
}

/** Whether the directory of a drop-in was made with it. @param words of its first line */
export const madeDirectory = (words: string): boolean => words.includes('; with its directory');

/** Words of the first line of a drop-in. @throws SmcError when the file is not as it was made */
export function intactWords(path: string, content: string): string {
  const { seal, words } = sealOf(content);
  if (seal === 'intact') return words;
  if (seal === 'changed') throw changedByHand(path);
  throw new SmcError('EXISTS', `${path} was not made by smc_run`, { hint: 'rename it' });
}

/** How a service that has a drop-in is converted. @returns `undefined` when the drop-in is not as it was made */
export function enabledConversion(name: string, root: string): Conversion | undefined {
  const { seal, words } = sealOf(contentOf(join(root, dropInOf(name))) ?? '');
  const [, options] = /^made by smc_run --enable [^ ,]+(.*), removed by --disable(?:; |$)/.exec(words) ?? [];
  return seal === 'intact' && options !== undefined ? parseConversionWords(options) : undefined;
}

/** What is said when there are none. */
export const NOTHING_ENABLED = 'no service is enabled for SMC';

/** Names of the services that have a drop-in, sorted. */
export function enabledUnits(root: string): string[] {
  return entries(join(root, DIRECTORY))
    .filter((entry) => entry.endsWith('.service.d'))
    .map((entry) => entry.slice(0, -'.d'.length))
    .filter((name) => contentOf(join(root, dropInOf(name))) !== null)
    .sort();
}
