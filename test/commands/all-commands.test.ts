// SPDX-License-Identifier: MIT
/** What all commands have in common. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BrokenPipeError, type Io } from '../../src/cli/io.ts';
import { number } from '../../src/cli/number-option.ts';
import {
  checkOptions,
  type OptionTable,
  optionList,
  parse,
  withCommonOptions,
} from '../../src/cli/options.ts';
import { type CommandDefinition, run } from '../../src/cli/run.ts';
import { version } from '../../src/version.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { runCommand } from '../helpers/run-command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
};

const notABundle = t.testdir({ text: 'no archive\n', 'manifest.json': '{}\n' });

t.ok(Object.keys(bin).length >= 5);

for (const name of Object.keys(bin)) {
  const definitions = Object.values(
    await import(`../../src/commands/${name}/command.ts`),
  ) as CommandDefinition[];
  const definition = definitions.find((definition) => definition?.name === name);
  const command = definition && withCommonOptions(definition);

  t.test(name, async (t) => {
    if (!command) return t.fail('src/commands has a definition with this name');
    const options = optionList(command.options);

    const letters = options.map(({ short }) => short).filter(Boolean);
    t.equal(new Set(letters).size, letters.length, 'no letter twice');
    const words = options.map(({ long }) => long);
    t.equal(new Set(words).size, words.length, 'no word twice');
    for (const option of options) {
      t.match(option.short ?? 'x', /^[A-Za-z0-9]$/);
      t.match(option.long, /^([a-z]|IB-)[a-z0-9-]*$/);
      t.match(option.value ?? 'X', /^[A-Z|]+$/, 'values are named in capitals');
      t.match(option.help, /^[^.\n]{5,80}[^.\s]$/, `${option.long}: one line without a full stop`);
    }
    for (const { name: key, long, value } of options) {
      // to the C suite, an empty port is port 0, the default
      if (!value || long === 'ibport') continue;
      const texts = new Map([[key, ['']]]);
      t.throws(
        () => checkOptions({ options: command.options }, { texts, operands: [] }),
        { name: 'UsageError', message: new RegExp(`^--${long} ''`) },
        `--${long}=`,
      );
    }
    t.match(command.summary, /^[A-Z][^\n]*\.$/);
    t.ok(command.examples.length >= 2);
    // a pipeline may begin an example
    for (const [example, effect] of command.examples) {
      t.ok(example.startsWith(name), example);
      t.ok(effect.length > 0);
    }
    for (const [letter, word] of [
      ['j', 'json'],
      [undefined, 'color'],
      ['N', 'netns'],
      [undefined, 'from'],
      ['h', 'help'],
      ['v', 'version'],
    ] as const)
      t.ok(
        options.some(({ short, long }) => long === word && short === letter),
        `--${word} is an option of every command`,
      );

    // as CONTRIBUTING has it: an option is added in one place, and each way to write it works
    const added: OptionTable = {
      ...command.options,
      zoneSize: { short: 'z', value: 'N', parse: number({ max: 9 }), help: 'size of the zone' },
    };
    const larger = { ...command, options: added };
    const before = 'debug' in added ? '-d' : '--json';
    for (const words of [
      ['--zone-size', '7'],
      ['--zone-size=7'],
      ['--zo', '7'],
      ['--zo=7'],
      ['-z', '7'],
      ['-z7'],
      ['-jz', '7'],
      ['-jz7'],
      [before, '-z', '7'],
    ]) {
      const given = parse(larger, [...words, 'operand']);
      t.strictSame(given.operands, ['operand'], `${words.join(' ')}: its value is not an operand`);
      const { zoneSize } = checkOptions({ options: added }, { ...given, operands: [] });
      t.equal(zoneSize, 7, words.join(' '));
    }
    t.throws(() => parse(larger, ['-z']), { message: "option '-z, --zone-size' needs a N" });
    t.throws(() => checkOptions({ options: added }, parse(larger, ['-z10'])), {
      message: "--zone-size '10': must be a number from 0 to 9",
    });

    const kernel = new FakeKernel();
    for (const argv of ['--help', '-h']) {
      const { status, stdout, stderr } = await runCommand(command, argv, { transport: kernel });
      t.strictSame([status, stderr], [0, '']);
      t.ok(stdout.startsWith(`Usage: ${name} ${command.usage}\n`));
      t.ok(stdout.includes(command.summary.slice(0, 40)));
      for (const { short, long, value, optional, help, isHidden } of options) {
        if (isHidden) continue;
        const spelling = [short && `-${short}`, long && `--${long}`].filter(Boolean).join(', ');
        const line = `  ${spelling}${value ? (optional ? ` [${value}]` : ` <${value}>`) : ''} `;
        t.ok(stdout.includes(line) && stdout.replace(/\s+/g, ' ').includes(help), line);
      }
      for (const [example, effect] of command.examples)
        t.match(stdout, new RegExp(`^  ${literally(example)}  +${literally(effect)}$`, 'm'));
      for (const line of stdout.split('\n')) t.ok(line.length <= 100 && !/\s$/.test(line), line);
    }
    for (const argv of ['--version', '-v', '--vers'])
      t.strictSame(await runCommand(command, argv, { transport: kernel }), {
        status: 0,
        stdout: `${name} utility, smc-tools-${version}\n`,
        stderr: '',
      });
    let usageStatus = 0;
    for (const word of ['--nonsense', '-Z']) {
      const { status, stdout, stderr } = await runCommand(command, word, { transport: kernel });
      t.strictSame(
        [stdout, stderr],
        ['', `${name}: unknown option '${word}'; ${name} --help shows the usage\n`],
      );
      t.not(status, 0);
      usageStatus = status;
    }
    for (const { short, long, value, optional } of options) {
      const spellings = [short && `-${short}`, long && `--${long}`].filter(Boolean) as string[];
      for (const spelling of value && !optional ? spellings : []) {
        const { status, stdout, stderr } = await runCommand(command, spelling, { transport: kernel });
        t.equal(stdout, '');
        t.not(status, 0);
        t.match(stderr, /^[^\n]+\n$/, `${spelling} without a value is one line`);
      }
      if (long && !value) {
        const { stderr } = await runCommand(command, `--${long}=x`, { transport: kernel });
        t.equal(stderr, `${name}: option '--${long}' takes no value; ${name} --help shows the usage\n`);
      }
    }
    const wrong: [argv: string, message: string][] = [
      [
        '--color sometimes',
        `--color 'sometimes': must be auto, always or never; ${name} --help shows the usage`,
      ],
      [
        '--netns x --from y',
        `--netns and --from exclude each other: a recording has one network namespace; ${name} --help shows the usage`,
      ],
      ['--from /nonexistent/file', 'there is no bundle /nonexistent/file'],
      [`--from ${notABundle}`, `${notABundle} is not a bundle made by smc_dbg; smc_dbg --tgz creates one`],
      [
        `--from ${join(notABundle, 'text')}`,
        `${join(notABundle, 'text')} cannot be used: it is not a gzip-compressed tar archive, or it is damaged`,
      ],
      [
        '-N no-such-namespace',
        "there is no network namespace 'no-such-namespace'; ip netns lists the named ones; a process ID also works",
      ],
      [
        '-N ../net',
        "there is no network namespace '../net'; ip netns lists the named ones; a process ID also works",
      ],
      ['-N 4194399', 'there is no process 4194399 and no network namespace of that name'],
    ];
    for (const [argv, message] of wrong) {
      const { status, stdout, stderr } = await runCommand(command, argv, { transport: kernel });
      t.strictSame([stdout, stderr], ['', `${name}: ${message}\n`], argv);
      t.equal(status, argv.startsWith('--netns') || argv.startsWith('--color') ? usageStatus : status, argv);
      t.not(status, 0);
    }

    t.strictSame(kernel.log, [], 'none of that asks the kernel');

    t.ok(existsSync(join(root, `man/${name}.8`)), 'man page');
  });
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A call of each command that reads, and one that would change, measure or wait for something. */
const CALLS: Record<string, { reads: string; changes?: string; refused?: string }> = {
  smcss: { reads: '-a' },
  smc_pnet: { reads: '-s', changes: '-f', refused: '--flush' },
  smcd: { reads: 'info', changes: 'ueid add X', refused: 'add' },
  smcr: { reads: '-d device', changes: 'hs-limit enable', refused: 'enable' },
  smc_rnics: { reads: '-a', changes: '-e 12', refused: '--enable' },
  smc_chk: { reads: '', changes: '-S', refused: '--server' },
  smc_dbg: { reads: '' },
  smc_conf: { reads: 'export', changes: 'apply', refused: 'apply' },
  smc_exporter: { reads: '--once', changes: '--textfile x -i 60', refused: '--interval' },
  smc_run: { reads: '', changes: 'true', refused: 'a program' },
};
const bundle = join(root, 'test/fixtures/6.12-smcr');

t.test('what all have in common on a recorded system', async (t) => {
  t.strictSame(Object.keys(CALLS).sort(), Object.keys(bin).sort(), 'every command is here');
  for (const [name, { reads, changes, refused }] of Object.entries(CALLS))
    await t.test(name, async (t) => {
      const exports = Object.values(
        await import(`../../src/commands/${name}/command.ts`),
      ) as CommandDefinition[];
      const command = exports.find((definition) => definition?.name === name)!;
      if (changes !== undefined) {
        const { status, stdout, stderr } = await runCommand(command, `--from ${bundle} ${changes}`);
        t.not(status, 0);
        t.equal(stdout, '');
        t.match(
          stderr,
          `${name}: ${refused} needs the running system and cannot be used with --from; ${name} `,
        );
      }
      if (name === 'smc_run') return;
      const words = [...reads.split(' ').filter(Boolean), '--from', bundle];

      const line = await runCommand(command, [...words, '-j']);
      const indented = await runCommand(command, [...words, '--json'], { terminal: true });
      t.match(line.stdout, /^\{[^\n]*\}\n$/, 'one line');
      t.match(indented.stdout, /^\{\n {2}"[\s\S]*\n\}\n$/, 'indented on a terminal');
      const content = (text: string): unknown => withoutTime(JSON.parse(text));
      t.strictSame(content(indented.stdout), content(line.stdout), 'and the same');
      t.equal(JSON.stringify(JSON.parse(line.stdout)).length, line.stdout.trimEnd().length, 'without blanks');

      const plain = await runCommand(command, words);
      t.notMatch(plain.stdout, '\u001b', 'no colour off a terminal');
      t.equal((await runCommand(command, [...words, '--color', 'never'])).stdout, plain.stdout);
      const never = await runCommand(command, [...words, '--color=never'], { terminal: true });
      t.notMatch(never.stdout, '\u001b');
      const always = await runCommand(command, [...words, '--color', 'always'], { env: { NO_COLOR: '1' } });
      t.equal(always.stdout.replace(/\u001b\[\d+m/g, ''), plain.stdout, 'colours are all that differs');

      const closed = { ...silent, write: hangUp, flush: hangUp };
      t.equal(await run(command, words, { io: closed }), 0, 'a reader that has gone is no failure');
    });
});

const silent: Io = { write() {}, flush() {}, error() {}, isTerminal: false, env: {} };
function hangUp(): never {
  throw new BrokenPipeError();
}

/** A bundle tells when it was made. */
function withoutTime(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key === 'created' ? '' : inner)));
}
