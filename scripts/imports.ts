// SPDX-License-Identifier: MIT
/** What the files of src/ import, for the test of the rules and for the graph of the folders. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

export interface Import {
  /** relative to src/, or the name of a package */
  target: string;
  isTypeOnly: boolean;
  /** by `import(…)` */
  isOnDemand: boolean;
}

export interface Source {
  /** relative to src/ */
  file: string;
  /** without comments */
  code: string;
  imports: Import[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function read(file: string): Source {
  const text = readFileSync(join(SRC, file), 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const imports = [...code.matchAll(IMPORT)].map(([, type, from, bare, dynamic]) => {
    const specifier = (from ?? bare ?? dynamic)!;
    const target = specifier.startsWith('.') ? relative(SRC, join(SRC, dirname(file), specifier)) : specifier;
    return { target, isTypeOnly: type !== undefined, isOnDemand: dynamic !== undefined };
  });
  return { file, code, imports };
}

/** All TypeScript files of src/. */
export function readSources(): Source[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map(read);
}
