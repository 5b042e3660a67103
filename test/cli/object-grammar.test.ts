// SPDX-License-Identifier: MIT
import t from 'tap';
import { matchKeyword, parseAction, parseSelection, rewriteOptions } from '../../src/cli/object-grammar.ts';
import { optionList, UsageError, withCommonOptions } from '../../src/cli/options.ts';
import { smcr } from '../../src/commands/smcr/command.ts';

t.test('keywords match by prefix, the first one wins', async (t) => {
  const keywords = ['device', 'linkgroup', 'stats', 'seid', 'help'] as const;
  t.equal(matchKeyword('s', keywords), 'stats');
  t.equal(matchKeyword('se', keywords), 'seid');
  t.equal(matchKeyword('device', keywords), 'device');
  t.equal(matchKeyword('devices', keywords), undefined);
  t.equal(matchKeyword('D', keywords), undefined, 'case counts');
  t.equal(matchKeyword('', keywords), undefined);
});

const options = optionList(withCommonOptions(smcr).options);

t.test('options in any spelling and order', async (t) => {
  for (const [given, rewritten] of [
    ['-a', '--absolute'],
    ['--abs', '--absolute'],
    ['-da stats', '--details --absolute -- stats'],
    ['-ad', '--absolute --details'],
    ['-d -a', '--details --absolute'],
    ['-dd', '--ddetails'],
    ['--ddet', '--ddetails'],
    ['-dda', '--ddetails --details --details --absolute'],
    ['-jd', '--json --details'],
    ['-v', '--version'],
    ['stats --interval 5 -c=3', '--interval 5 --count=3 -- stats'],
    ['stats --interval -5', '--interval -5 -- stats'],
    ['stats -d --interval', '--details --interval'], // for the parser to miss the value
    ['ueid add --from-m', '--from-machine-id -- ueid add'],
    ['ueid --from bundle.tgz', '--from bundle.tgz -- ueid'],
    ['info --from=dir -j', '--from=dir --json -- info'],
    ['-N blue info', '--netns blue -- info'],
    ['info -Nblue', '--netns=blue -- info'],
    ['-ddjN 17 stats', '--ddetails --details --details --json --netns 17 -- stats'],
    ['-jN=17 stats', '--json --netns=17 -- stats'],
    ['stats --netns', '--netns'],
    ['--col never -c 3 stats', '--color never --count 3 -- stats'],
    ['ueid add X --help', '-- ueid help add X'],
    ['--help stats', '--help -- stats'],
    ['-dax', '-dax'],
    ['--data', '--data'],
    ['stats --interval=', '--interval= -- stats'],
    ['-a=5', '--absolute=5'],
    ['-- -d', '-- -d'],
    ['sysctl set x -1 -d', '--details -- sysctl set x -1'],
  ] as const)
    t.strictSame(rewriteOptions(given.split(' '), options), rewritten.split(' '), given);
  t.throws(() => rewriteOptions(['-'], options), UsageError);
});

t.test('one action', async (t) => {
  const keywords = ['enable', 'disable', 'show'] as const;
  const parse = (words: string, repeat = true) =>
    parseAction(words.split(' ').filter(Boolean), keywords, { repeat, none: 'show' });
  t.equal(parse(''), 'show');
  t.equal(parse('en'), 'enable');
  t.equal(parse('enable e'), 'enable');
  t.throws(() => parse('enable enable', false), UsageError);
  t.throws(() => parse('enable show'), UsageError);
  t.throws(() => parse('x'), UsageError);
  t.throws(() => parse('h'), { message: 'help' });
});

t.test('selections', async (t) => {
  const parse = (words: string, takesDevices = true, takesId = true) =>
    parseSelection(words.split(' ').filter(Boolean), {
      verbs: takesId ? ['show', 'link-show'] : ['show'],
      takesId,
      takesDevices,
    });
  for (const [words, verb, selection] of [
    ['', 'show', {}],
    ['show', 'show', {}],
    ['l', 'link-show', {}],
    ['all', 'show', {}],
    ['a', 'show', {}],
    ['s al all', 'show', {}],
    ['100', 'show', { id: 0x100 }],
    ['show 0xA00', 'show', { id: 0xa00 }],
    ['ibdev mlx5_0', 'show', { ibDevice: 'mlx5_0' }],
    ['link n eth0', 'link-show', { interface: 'eth0' }],
    ['all ibdev all', 'show', { ibDevice: 'all' }],
  ] as const)
    t.strictSame(parse(words), { verb, selection }, words);
  for (const words of ['show show', 'xyz', '12g', '100000000', 'ibdev', 'netdev a b', '100 200', 'all 100'])
    t.throws(() => parse(words), UsageError, words);
  for (const words of ['h', 'show help', 'all he']) t.throws(() => parse(words), { message: 'help' }, words);
  t.throws(() => parse('ibdev x', false), {
    message: "'ibdev': SMC-D link groups cannot be selected by ibdev",
  });
  t.throws(() => parse('100', true, false), UsageError, 'a device has no id');
});
