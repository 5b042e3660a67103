// SPDX-License-Identifier: MIT
/**
 * The man pages of smcr's objects. NAME and SYNOPSIS are written by hand. From DESCRIPTION on, the text is that of the
 * smcd page, which describes both commands, with references and examples changed to smcr.
 */
const BODY = '.Sh DESCRIPTION\n';

/**
 * @param own text of the page, of which NAME and SYNOPSIS are kept
 * @param smcdPage text of the page of the same object
 * @param isThere whether smcr has a page on an object
 */
export function smcrPage(own: string, smcdPage: string, isThere: (object: string) => boolean): string {
  const [head = ''] = own.split(BODY);
  const [, ...body] = smcdPage.split(BODY);
  const text = body
    .join(BODY)
    .replace(/^\.Xr smcd-(\S+) 8/gm, (reference, object) =>
      isThere(object) ? reference.replace('smcd-', 'smcr-') : reference,
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
