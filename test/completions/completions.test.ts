// SPDX-License-Identifier: MIT
/** bash, zsh and fish themselves offer what the commands declare. Needs `npm run build`. */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { LOOK_UP } from '../../scripts/completions/model.ts';
import { optionList, withCommonOptions } from '../../src/cli/options.ts';
import type { CommandDefinition } from '../../src/cli/run.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
};
const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const scratch = ownDirectory(t);

// A host with devices, as files; the completions read it in place of the machine's own.
const FILES: Record<string, string> = {
  'sys/class/net/eth0/ifindex': '2',
  'sys/class/net/lo/ifindex': '1',
  'sys/class/net/bonding_masters': 'a file that is no interface',
  // an interface may really have such a name
  'sys/class/net/$(id)/ifindex': '3',
  'sys/class/infiniband/mlx5_0/node_type': '1: CA',
  'sys/class/infiniband/rxe0/node_type': '1: CA',
  'run/netns/blue': '',
};
for (const [file, text] of Object.entries(FILES)) {
  mkdirSync(join(scratch, dirname(file)), { recursive: true });
  writeFileSync(join(scratch, file), text);
}
mkdirSync(join(scratch, 'sys/bus/pci/drivers/ism/0000:00:00.0'), { recursive: true });
mkdirSync(join(scratch, 'sys/class/dibs/ism1a'), { recursive: true });
cpSync(join(root, 'dist/completions'), join(scratch, 'completions'), { recursive: true });
for (const shell of SHELLS)
  for (const file of readdirSync(join(scratch, 'completions', shell))) {
    const path = join(scratch, 'completions', shell, file);
    const text = readFileSync(path, 'utf8').replaceAll(/(?<= )\/(?=sys\/|run\/)/g, `${scratch}/`);
    writeFileSync(path, text);
  }
// where bash-completion looks
mkdirSync(join(scratch, 'data/bash-completion'), { recursive: true });
symlinkSync(join(scratch, 'completions/bash'), join(scratch, 'data/bash-completion/completions'));

/** Commands that answer without a kernel, and otherwise print their arguments. */
const ANSWERS: Record<string, string> = {
  smc_pnet: '[ $# = 0 ] && printf "NET1 eth0 n/a 255\\nNET1 n/a mlx5_0 1\\nNET2 lo n/a 255\\n" && exit',
  smcd: 'case "$*" in linkgroup) printf "LG-ID    VLAN\\n00000100 0\\n00000a00 0\\n" && exit ;; ueid) printf "MY.PLEX                         \\n" && exit ;; esac',
  smcr: 'case "$*" in linkgroup) printf "LG-ID    LG-Role\\n00000300 SERV\\n" && exit ;; esac',
  systemctl: 'printf "web.service enabled enabled\\nmail.service disabled enabled\\n"; exit',
};
mkdirSync(join(scratch, 'bin'));
for (const name of new Set([...Object.keys(bin), ...Object.keys(ANSWERS)])) {
  const file = join(scratch, 'bin', name);
  writeFileSync(
    file,
    `#!/bin/sh\n${ANSWERS[name] ?? ''}\nprintf '\\noffers <%s>\\n' "$@"; echo "the ""end"\n`,
  );
  chmodSync(file, 0o755);
}
writeFileSync(join(scratch, 'a file'), '');

const env = {
  PATH: `${join(scratch, 'bin')}:${process.env['PATH']}`,
  HOME: scratch,
  TERM: 'dumb',
  LC_ALL: 'C.UTF-8',
  XDG_DATA_HOME: join(scratch, 'data'),
  BASH_COMPLETION_USER_DIR: join(scratch, 'data/bash-completion'),
  COMPLETIONS: join(scratch, 'completions/zsh'),
};

async function run(file: string, ...argv: string[]): Promise<string[]> {
  // a fresh environment: tap's variables are not for the shells' children
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const { stdout } = await promisify(execFile)(...tied('env', ['-i', ...variables, file, ...argv]), {
    cwd: scratch,
    timeout: PATIENCE_S * 1000,
  });
  return stdout.split('\n').filter(Boolean);
}

const capture = fileURLToPath(new URL('capture.zsh', import.meta.url));

/** What a shell offers when the Tab key is hit behind a line, sorted. */
async function offers(shell: Shell, line: string): Promise<string[]> {
  if (shell !== 'fish') return (await run('zsh', '-f', capture, shell, line)).sort();
  const script = `set fish_complete_path ${scratch}/completions/fish $fish_complete_path; complete -C $argv[1]`;
  const lines = await run('fish', '-c', script, line);
  return lines.map((text) => text.split('\t')[0]!).sort();
}

async function definitionOf(name: string): Promise<CommandDefinition> {
  const exports = Object.values(await import(`../../src/commands/${name}/command.ts`)) as CommandDefinition[];
  return withCommonOptions(exports.find((value) => value?.name === name)!);
}

t.test('a file for each command and shell', async (t) => {
  const names = Object.keys(bin);
  t.strictSame(readdirSync(join(scratch, 'completions/bash')).sort(), [...names].sort());
  t.strictSame(readdirSync(join(scratch, 'completions/zsh')).sort(), names.map((name) => `_${name}`).sort());
  t.strictSame(
    readdirSync(join(scratch, 'completions/fish')).sort(),
    names.map((name) => `${name}.fish`).sort(),
  );
});

for (const shell of SHELLS)
  t.test(shell, async (t) => {
    for (const name of Object.keys(bin)) {
      const options = optionList((await definitionOf(name)).options);
      const long = options.flatMap(({ long, isHidden }) => (isHidden ? [] : [`--${long}`])).sort();
      const offered = (await offers(shell, `${name} --`)).map((word) => word.replace(/=$/, ''));
      t.strictSame(offered, long, `${name}: the long options, all and no others`);
    }

    const check = async (line: string, expected: readonly string[]): Promise<void> => {
      t.strictSame(await offers(shell, line), [...expected].sort(), line);
    };
    const { topics } = await definitionOf('smcd');
    await check(
      'smcd ',
      topics!.entries.map(([word]) => word),
    );
    await check('smcr dev', ['device']);
    await check('smcr linkgroup ', ['all', 'help', 'ibdev', 'link-show', 'netdev', 'show', '00000300']);
    await check('smcd linkgroup show ', ['all', '00000100', '00000a00']);
    await check('smcd device ', ['all', 'help', 'show']);
    await check('smcr device show ibdev ', ['mlx5_0', 'rxe0']);
    await check('smcr -d device --json netdev e', ['eth0']);
    await check('smcd stats --interval 2 ', ['help', 'json', 'reset', 'show']);
    await check('smcd sysctl set wmem ', ['default']);
    await check('smcd ueid del ', ['MY.PLEX']);
    await check('smcd hs-limit enable ', []);
    await check('smc_pnet -d ', ['NET1', 'NET2']);
    await check('smc_pnet -a NET1 -I e', ['eth0']);
    await check('smc_pnet -aI l', ['lo']);
    await check('smc_pnet --ibport ', ['1', '2']);
    await check('smc_run -d ls --re', ['--recursive', '--reverse']);
    await check('smcss pe', ['peer-reason']);
    await check('smcss side ', ['client', 'server']);
    await check('smcss -a dev e', ['eth0']);

    // what is offered for --name=value and for a word with a colon is what takes the place of the last part
    const bare = async (line: string): Promise<string[]> =>
      (await offers(shell, line)).map((word) => word.replace(/^--\w+=/, ''));
    t.strictSame(await bare('smc_pnet --interface=e'), ['eth0']);
    t.strictSame(await bare('smc_pnet --ibdevice=rx'), ['rxe0']);
    t.strictSame(await bare('smc_pnet --ibdevice=is'), ['ism1a']);
    const ism = await bare('smc_pnet -D 0000:00:');
    t.strictSame(ism, [shell === 'bash' ? '00.0' : '0000:00:00.0']);
    const names = (await offers(shell, 'smc_pnet -I ')).filter((name) => name.includes('id'));
    t.strictSame(names, [shell === 'bash' ? '\\$\\(id\\)' : '$(id)'], 'a name is never run');
  });

t.test('what is put into the line', async (t) => {
  for (const shell of ['bash', 'zsh'] as const)
    for (const [line, words] of [
      ['smcr dev', ['device']],
      ['smc_pnet --interface=e', ['--interface=eth0']],
      ['smc_pnet --ibdevice=0000:0', ['--ibdevice=0000:00:00.0']],
      ['smc_pnet -D 0000:0', ['-D', '0000:00:00.0']],
    ] as const)
      t.strictSame(await run('zsh', '-f', capture, shell, line, 'run'), words, `${shell}: ${line}`);
});

t.test('look-ups', async (t) => {
  // each is used by an option or an operand that exists here, but for those of commands to come
  const lookUp = async (kind: keyof typeof LOOK_UP): Promise<string[]> =>
    run('sh', '-c', LOOK_UP[kind].replaceAll(/(?<= )\/(?=sys\/|run\/)/g, `${scratch}/`), 'sh', 'smcd');
  t.strictSame(await lookUp('unit'), ['web.service', 'mail.service']);
  t.strictSame(await lookUp('netns'), ['blue']);
  for (const script of Object.values(LOOK_UP)) t.notMatch(script, "'", 'no quote that a shell would see');
});
