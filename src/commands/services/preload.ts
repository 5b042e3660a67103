// SPDX-License-Identifier: MIT
/** The preload way: the library and its options in the environment of the service. */
import { join } from 'node:path';
import { contentOf } from '../../host/drop-in.ts';
import {
  type Assignment,
  environmentOf,
  expandSpecifiers,
  listOf,
  quoteWord,
  splitWords,
  type Unit,
} from '../../host/systemd-unit.ts';
import { type Conversion, preloadVariables } from './conversion.ts';
import { refuse } from './refusal.ts';
import type { Line } from './types.ts';

/** The variables that the library reads, LD_PRELOAD first. @param library path at which the service sees it */
export function variables(library: string, settings: Conversion): [string, string][] {
  return Object.entries(preloadVariables(settings, library)).map(([name, value]) => [name, String(value)]);
}

/** Lines that add the library and its options. @throws SmcError when the unit sets or removes LD_PRELOAD in another way */
export function preloadLines(unit: Unit, library: string, settings: Conversion, root: string): Line[] {
  const [, ...options] = variables(library, settings);
  return [
    preloadLine(unit, library, root),
    ...(options.length > 0
      ? [
          {
            reason: 'options of smc_run, for the library',
            text: `Environment=${options.map(([name, value]) => quoteWord(`${name}=${value}`)).join(' ')}`,
          },
        ]
      : []),
  ];
}

/** LD_PRELOAD= with the value that the unit sets: the assignment in the drop-in replaces that of the unit. */
function preloadLine(unit: Unit, library: string, root: string): Line {
  const file = listOf(unit, 'EnvironmentFile').find((entry) => setsPreload(unit, entry, root));
  if (file)
    throw refuse(
      `LD_PRELOAD is set in ${file.value.replace(/^-/, '')}, which overrides drop-ins`,
      `append :${library} to it by hand`,
    );
  const unset = listOf(unit, 'UnsetEnvironment').find(({ value }) =>
    splitWords(value).some(({ text }) => /^LD_PRELOAD(=|$)/.test(text)),
  );
  if (unset)
    throw refuse(`UnsetEnvironment= of ${unit.name} removes LD_PRELOAD (${unset.file})`, 'use --via seccomp');
  const own = environmentOf(unit).get('LD_PRELOAD');
  return {
    reason: own ? 'the library, after what the unit preloads' : 'the library that opens SMC sockets',
    text: `Environment=${own ? joined(own, library) : quoteWord(`LD_PRELOAD=${library}`)}`,
  };
}

/** The unit's own value may have specifiers, which must stay specifiers. */
function joined(own: string, library: string): string {
  return `"LD_PRELOAD=${own.replace(/["\\]/g, '\\$&')}:${library.replaceAll('%', '%%')}"`;
}

function setsPreload(unit: Unit, { value }: Assignment, root: string): boolean {
  const path = expandSpecifiers(value.replace(/^-/, ''), unit.name);
  // the file cannot be found by a pattern or an unknown specifier
  if (/[*?[%]/.test(path)) return false;
  return /^\s*LD_PRELOAD=/m.test(contentOf(join(root, path)) ?? '');
}
