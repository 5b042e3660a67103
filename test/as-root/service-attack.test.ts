// SPDX-License-Identifier: MIT
/**
 * smc_run --enable and --disable by root, for a service whose configuration directory belongs to its user, who swaps names
 * in it before each step. (What one directory stands, is in test/as-root/safe-directory.test.ts.)
 */
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { nativeFile } from '../../src/host/package-files.ts';
import { underAttackMeanwhile } from '../helpers/attacker.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';

if (process.geteuid?.() !== 0) {
  t.fail('these tests need root: they are about what root does in directories of others');
  process.exit();
}

const SERVICE = 65_534;
const SECRET = 'root:$6$secret\n';
const SETTINGS = "TZ = 'UTC'\n";
const CONF = 'etc/postgresql/15/main';

/** A host with the package and a cluster of PostgreSQL, the files of which belong to its user. */
function host(t: Test): string {
  const root = ownDirectory(t);
  chmodSync(root, 0o755);
  const put = (path: string, content: string, mode = 0o755): void => {
    mkdirSync(join(root, dirname(path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(root, path), content, { mode });
  };
  put(nativeFile('libsmc-preload.so'), 'library');
  put(nativeFile('smc-launch'), 'launcher');
  put('usr/lib/systemd/systemd', 'x\0AF_SMC\0x');
  put('proc/sys/kernel/osrelease', '6.12.0\n');
  put('usr/bin/pg_ctlcluster', '#!/bin/sh\n');
  put(
    'usr/lib/systemd/system/pg@.service',
    `[Service]\nType=forking\nExecStart=-${join(root, 'usr/bin/pg_ctlcluster')} --skip %i start\n`,
  );
  put(join(root, 'usr/bin/pg_ctlcluster').slice(1), '#!/bin/sh\n');
  for (const name of ['environment', 'shadow', 'main/environment']) put(`victim/${name}`, SECRET, 0o600);
  put(`${CONF}/environment`, SETTINGS, 0o644);
  for (const path of ['etc/postgresql', 'etc/postgresql/15', CONF, `${CONF}/environment`])
    chownSync(join(root, path), SERVICE, SERVICE);
  return root;
}

function tree(directory: string): string {
  return ['', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })]
    .sort()
    .map((name) => {
      const stats = lstatSync(join(directory, name));
      const content = stats.isFile() ? readFileSync(join(directory, name), 'latin1') : '';
      return `${name} ${stats.uid}:${stats.gid} ${stats.mode.toString(8)} ${content}`;
    })
    .join('\n');
}

const ATTACKS: Record<string, (root: string) => void> = {
  'the directory becomes a link': (root) => {
    renameSync(join(root, CONF), join(root, `${CONF}.old`));
    symlinkSync(join(root, 'victim'), join(root, CONF));
  },
  'the directory above becomes a link': (root) => {
    renameSync(join(root, dirname(CONF)), join(root, `${dirname(CONF)}.old`));
    symlinkSync(join(root, 'victim'), join(root, dirname(CONF)));
  },
  'the file becomes a link': (root) => {
    rmSync(join(root, CONF, 'environment'), { force: true });
    symlinkSync(join(root, 'victim/shadow'), join(root, CONF, 'environment'));
  },
  'the file becomes a second name': (root) => {
    rmSync(join(root, CONF, 'environment'), { force: true });
    linkSync(join(root, 'victim/shadow'), join(root, CONF, 'environment'));
  },
  'the temporary file becomes a second name': (root) => {
    for (const name of readdirSync(join(root, CONF)))
      if (name.startsWith('.environment.')) {
        rmSync(join(root, CONF, name));
        linkSync(join(root, 'victim/shadow'), join(root, CONF, name));
      }
  },
};

const UNIT = 'pg@15-main';

for (const [attack, act] of Object.entries(ATTACKS))
  t.test(attack, async (t) => {
    let cases = 0;
    // the first time nobody attacks, which tells how many steps there are; a refusal comes after fewer
    for (const mode of ['enable', 'disable'])
      for (let step = -1, steps = 0; step < steps; step++) {
        const root = host(t);
        const run = (words: string) => runCommand(smcRun, words, { hostRoot: root });
        if (mode === 'disable') t.match(await run(`--enable ${UNIT}`), { status: 0 });
        const before = tree(join(root, 'victim'));
        let outcome = { status: -1, stdout: '', stderr: '' };
        const made = await underAttackMeanwhile(
          new Map([[step, () => act(root)]]),
          // what happens in other places is no moment of its own
          (path) => path.startsWith('/proc/self/fd/') || path.includes('postgresql'),
          async () => {
            outcome = await run(`--${mode} ${UNIT}`);
          },
        );
        if (step < 0) steps = made;
        cases++;
        const what = `${mode}, before step ${step} of ${steps}`;
        if (tree(join(root, 'victim')) !== before) t.equal(tree(join(root, 'victim')), before, what);
        const inodes = ['environment', 'shadow', 'main/environment'].map(
          (name) => lstatSync(join(root, 'victim', name)).ino,
        );
        for (const name of readdirSync(join(root, 'etc/postgresql'), { recursive: true, encoding: 'utf8' })) {
          const path = join(root, 'etc/postgresql', name);
          const stats = lstatSync(path);
          if (
            stats.isFile() &&
            !inodes.includes(stats.ino) &&
            readFileSync(path, 'latin1').includes('secret')
          )
            t.fail(`${what}: ${name} has the secret`);
        }
        if (outcome.stdout.includes('secret')) t.fail(`${what}: the secret is printed`);
        if (outcome.status !== 0 && !/^smc_run: [^\n]+\n$/.test(outcome.stderr))
          t.fail(`${what}: ${JSON.stringify(outcome)}`);
        if (/internal error|proc\/self/.test(outcome.stderr)) t.fail(`${what}: ${outcome.stderr}`);
      }
    t.ok(cases > 50, `${cases} cases`);
  });
