// SPDX-License-Identifier: MIT
// Names can be chosen by people who are not trusted: of interfaces in a namespace, of hosts in a bundle. Whatever a
// command prints of them, a terminal acts on nothing.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { smcDbg } from '../../src/commands/smc_dbg/command.ts';
import { JSON_PARTS, TEXT_PARTS } from '../../src/commands/smc_dbg/parts.ts';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { type Files, mainframe, plant, server } from '../helpers/host-trees.ts';
import * as kernel from '../helpers/inspected-kernel.ts';
import { runCommand } from '../helpers/run-command.ts';

/** Clears the screen, turns what follows around, and begins a sequence in one character. */
const EVIL = '\x1b[J\u202e\x9b';
/** What no terminal may get, but for line ends and our own colours. */
const ACTING =
  /[\0-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b(?!\[\d+m)/;

/** The same with the evil in every text of the kernel's. */
function spoiled<T>(value: T): T {
  if (typeof value === 'string') return EVIL as T;
  if (Array.isArray(value)) return value.map(spoiled) as T;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spoiled(inner)])) as T;
}

/** A tree with the evil in the names of interfaces and devices. */
function spoiledNames(files: Files): Files {
  const rename = (text: string): string =>
    text.replace(/(eth|ens|eno|enc|bond|mlx\w_|rxe)(?=\d)/g, `$1${EVIL}`);
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      rename(path),
      Buffer.isBuffer(content)
        ? content
        : typeof content === 'string'
          ? rename(content)
          : { link: rename(content.link) },
    ]),
  );
}

/** A tree with the evil behind every text that is no number, as nobody but a bundle can have it. */
function spoiledTexts(files: Files): Files {
  const NUMBER = /^(0x[0-9a-f]+|-?\d+|A0)?\n?$/;
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content !== 'string' || NUMBER.test(content) || path.endsWith('kernel/arch')
        ? content
        : content.replace(/(?<=\S)\n/g, `${EVIL}\n`),
    ]),
  );
}

function evilKernel(): FakeKernel {
  const links = [
    { lgrSmcr: kernel.SMCR_GROUP },
    { linkSmcr: kernel.LINK },
    { lgrSmcr: kernel.OLD_SMCR_GROUP },
  ];
  const row = (rows: object[]) => () => rows.map(spoiled);
  const evil = new FakeKernel()
    .serve(smcGenNetlink, {
      GET_SYS_INFO: row([
        { sysInfo: { version: 2, release: 1, isIsmV2: 1, localHost: '', seid: '', isSmcrV2: 1 } },
      ]),
      GET_DEV_SMCD: row([{ devSmcd: kernel.ISM }]),
      GET_DEV_SMCR: row([{ devSmcr: kernel.ROCE }, { devSmcr: kernel.SOFT_ROCE }]),
      GET_LGR_SMCD: row([{ lgrSmcd: kernel.SMCD_GROUP }, { lgrSmcd: kernel.OLD_SMCD_GROUP }]),
      GET_LINK_SMCR: row(links),
      GET_STATS: row([{ stats: kernel.STATS }]),
      GET_FBACK_STATS: row(kernel.FALLBACKS.map((fallback) => ({ fallback }))),
      DUMP_UEID: row([{ entry: '' }]),
      DUMP_SEID: row([{ entry: '', enabled: 1 }]),
      DUMP_HS_LIMITATION: row([{ enabled: 1 }]),
    })
    .serve(smcPnetid, {
      GET: row([
        { name: '', ethName: '', ibName: 'n/a', ibPort: 255 },
        { name: '', ethName: 'n/a', ibName: '', ibPort: 1 },
      ]),
    });
  evil.sockets = () => [
    {
      family: 43,
      state: 1,
      mode: 0,
      shutdown: 0,
      id: {
        sourcePort: 5201,
        destinationPort: 40_000,
        source: new Uint8Array(16).fill(1, 0, 4),
        destination: new Uint8Array(16).fill(1, 0, 4),
        interface: 1,
        cookieLow: 1,
        cookieHigh: 0,
      },
      uid: 0,
      inode: 1n,
      attributes: { link: { linkId: 1, ibName: EVIL, ibPort: 1, gid: EVIL, peerGid: EVIL, role: 1 } },
    },
  ];
  return evil;
}

const listings = [...TEXT_PARTS, ...JSON_PARTS].flatMap(({ commands }) => commands);

for (const [name, tree] of Object.entries({
  server: spoiledNames(server),
  mainframe: spoiledNames(mainframe),
  'recorded server': spoiledTexts(server),
  'recorded mainframe': spoiledTexts(mainframe),
}))
  t.test(`what is listed of a hostile ${name}`, async (t) => {
    const world = { hostRoot: plant(t, tree), transport: evilKernel() };
    for (const line of [
      ...listings,
      'smc_rnics -aI',
      'smc_chk -s',
      'smcr -dd device',
      `smc_chk -i eno${EVIL}1`,
    ])
      for (const terminal of [false, true]) {
        const [program = '', ...words] = line.split(' ');
        const { stdout, stderr } = await runCommand(await SUITE[program]!(), words, { ...world, terminal });
        t.notMatch(
          `${stdout}${stderr}`,
          ACTING,
          `${JSON.stringify(line)}${terminal ? ' on a terminal' : ''}`,
        );
        if (stdout.startsWith('{')) t.doesNotThrow(() => JSON.parse(stdout), line);
      }
    const { stdout, stderr } = await runCommand(smcDbg, '', world);
    t.notMatch(`${stdout}${stderr}`, ACTING, 'smc_dbg');
    t.match(stdout, '\\x1b[J\\u202e\\x9b', 'it is shown as escapes');
    const { stdout: json } = await runCommand(await SUITE['smcr']!(), 'linkgroup -j', world);
    t.equal(JSON.parse(json).link_groups[0].pnet_id, EVIL, 'JSON has the name itself');
  });

t.test('what is said of hostile words', async (t) => {
  const evilFile = join(t.testdir({}), 'smc.yaml');
  // with escapes, as control characters are refused
  writeFileSync(
    evilFile,
    `version: 1\n${JSON.stringify(EVIL)}: ${JSON.stringify(EVIL)}\nueids: ["\\e[J", \u202e]\n`,
  );
  const transport = evilKernel();
  for (const [program, ...words] of [
    ['smcss', EVIL],
    ['smcss', `--${EVIL}`],
    ['smcss', '--from', `/${EVIL}`],
    ['smcss', '-N', EVIL],
    ['smc_pnet', '-a', EVIL, '-I', 'lo'],
    ['smc_pnet', '-a', 'NET1', '-I', EVIL],
    ['smc_pnet', '-s', EVIL],
    ['smc_pnet', '-d', EVIL],
    ['smcd', EVIL],
    ['smcd', 'linkgroup', EVIL],
    ['smcr', 'ueid', 'add', EVIL],
    ['smcr', 'sysctl', 'show', EVIL],
    ['smcr', 'device', 'netdev', EVIL],
    ['smc_rnics', EVIL],
    ['smc_chk', EVIL],
    ['smc_chk', '-i', EVIL],
    ['smc_chk', '-s', EVIL],
    ['smc_chk', '-C', `${EVIL}:1:1`],
    ['smc_chk', '--explain', EVIL],
    ['smc_dbg', EVIL],
    ['smc_dbg', '-o', `/${EVIL}/x`],
    ['smc_conf', EVIL],
    ['smc_conf', 'check', '-f', `/${EVIL}`],
    ['smc_conf', 'check', '-f', evilFile],
    ['smc_conf', 'diff', '-f', evilFile],
    ['smc_run', `./${EVIL}`],
    ['smc_run', '--enable', EVIL],
    ['smc_run', '--status', EVIL],
  ] as const) {
    const command = program === 'smc_run' ? smcRun : await SUITE[program]!();
    for (const env of [{}, { SMC_TOOLS_DEBUG: '1' }] as Record<string, string>[]) {
      const hostRoot = plant(t, spoiledNames(server));
      const { stdout, stderr } = await runCommand(command, words, {
        hostRoot,
        transport,
        terminal: true,
        env,
      });
      t.notMatch(`${stdout}${stderr}`, ACTING, JSON.stringify([program, ...words, env]));
    }
  }
});
