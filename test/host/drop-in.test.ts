// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import t from 'tap';
import { contentOf, seal, sealOf, withBlock, withoutBlock } from '../../src/host/drop-in.ts';

t.test('a sealed text tells whether it was changed', async (t) => {
  const text = seal('made by x', '[Service]\nA=1\n');
  t.strictSame(sealOf(text), { seal: 'intact', words: 'made by x' });
  for (const changed of [text.replace('A=1', 'A=2'), `${text}#\n`, text.replace('by x', 'by y')])
    t.equal(sealOf(changed).seal, 'changed');
  t.equal(sealOf('[Service]\n').seal, 'foreign');
});

t.test('a block in a file of somebody else comes out without a trace', async (t) => {
  for (const before of [
    '',
    '\n',
    'a\n',
    'no line end',
    '# added by smc_run is not at the begin of a block\n',
  ]) {
    const after = withBlock(before, 'added by x', "A = '1'\n");
    t.ok(after.endsWith('\n'));
    t.strictSame(withoutBlock(after, 'added by x'), { seal: 'intact', text: before }, JSON.stringify(before));
    t.equal(
      withoutBlock(`${after}more\n`, 'added by x')?.text,
      before === 'no line end' ? 'no line endmore\n' : `${before}more\n`,
    );
    t.equal(withoutBlock(after.replace("'1'", "'2'"), 'added by x')?.seal, 'changed');
  }
  t.equal(withoutBlock('a\n', 'added by x'), undefined);
});

t.test('content of a file', async (t) => {
  const directory = t.testdir({ file: 'text' });
  t.equal(contentOf(join(directory, 'file')), 'text');
  t.equal(contentOf(join(directory, 'none')), null);
  t.throws(() => contentOf(directory), { code: 'EISDIR' });
});
