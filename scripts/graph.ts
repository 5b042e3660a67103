// SPDX-License-Identifier: MIT
/** npm run graph: draws which folder of src/ imports which, in docs/layout.md, from the imports themselves. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSources } from './imports.ts';

const PAGE = fileURLToPath(new URL('../docs/layout.md', import.meta.url));
const MARKS = /(<!-- begin of the graph: npm run graph -->\n)[\s\S]*?(<!-- end of the graph -->)/;

/** From the closest to the loosest. */
const ARROWS = ['-->', '-. on demand .->', '-. types .->'];

/** The folder of a file of src/; a file that is in none stands for itself. version.ts is left out: all may import it. */
function nodeOf(file: string): string | undefined {
  const [top = ''] = file.split('/');
  return top === 'version.ts' ? undefined : top;
}

/** An arrow for each pair of folders of which one imports the other, in mermaid's language. */
function folderGraph(): string {
  const arrows = new Map<string, number>();
  for (const { file, imports } of readSources())
    for (const { target, isTypeOnly, isOnDemand } of imports) {
      const [from, to] = [nodeOf(file), target.endsWith('.ts') ? nodeOf(target) : undefined];
      if (!from || !to || from === to) continue;
      const arrow = isTypeOnly ? 2 : isOnDemand ? 1 : 0;
      const pair = `${from} ${to}`;
      arrows.set(pair, Math.min(arrow, arrows.get(pair) ?? arrow));
    }
  const lines = [...arrows].sort().map(([pair, arrow]) => {
    const [from, to] = pair.split(' ');
    return `  ${from} ${ARROWS[arrow]} ${to}\n`;
  });
  return `\`\`\`mermaid\ngraph TD\n${lines.join('')}\`\`\`\n`;
}

/** The page as it should be. */
export function pageWithGraph(page = readFileSync(PAGE, 'utf8')): string {
  if (!MARKS.test(page)) throw new Error('docs/layout.md has no marks for the graph');
  return page.replace(MARKS, (_, begin: string, end: string) => `${begin}${folderGraph()}${end}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, pageWithGraph());
