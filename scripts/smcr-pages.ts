// SPDX-License-Identifier: MIT
/**
 * npm run man: completes the man pages of smcr's objects. NAME and SYNOPSIS are written by hand. From DESCRIPTION on, the
 * text is that of the smcd page, which describes both commands, with references and examples changed to smcr.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../man', import.meta.url));
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

const BODY = '.Sh DESCRIPTION\n';

/** Pages by file name. */
export function smcrPages(): Map<string, string> {
  const names = readdirSync(directory).filter((name) => /^smcr-.*\.8$/.test(name));
  return new Map(names.map((name) => [name, page(name)]));
}

function page(name: string): string {
  const [head = ''] = read(name).split(BODY);
  const [, ...body] = read(name.replace('smcr', 'smcd')).split(BODY);
  const text = body
    .join(BODY)
    .replace(/^\.Xr smcd-(\S+) 8/gm, (reference, object) =>
      existsSync(join(directory, `smcr-${object}.8`)) ? reference.replace('smcd-', 'smcr-') : reference,
    )
    .replace(/^(\.Sh EXIT STATUS\nSee\n)\.Xr smcd 8/m, '$1.Xr smcr 8')
    .replace(/^((?:\.Dl )?[#$] )smcd /gm, '$1smcr ')
    .replace(/^smcd: /gm, 'smcr: ');
  return `${head}${BODY}${sorted(text)}`;
}

/** The references of SEE ALSO in the order of their names. */
function sorted(text: string): string {
  return text.replace(/(?<=^\.Sh SEE ALSO\n)(?:\.Xr .*\n?)+/m, (list) => {
    const end = list.endsWith('\n') ? '\n' : '';
    const names = list
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ ,$/, ''));
    // independent of the locale: a hyphen sorts before letters, and the end of a name before a hyphen
    const key = (line: string): string => line.split(' ').slice(2).concat(line.split(' ')[1]!).join(' ');
    return names.sort((a, b) => (key(a) < key(b) ? -1 : 1)).join(' ,\n') + end;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, text] of smcrPages()) writeFileSync(join(directory, name), text);
