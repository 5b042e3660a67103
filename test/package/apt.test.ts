// SPDX-License-Identifier: MIT
// What apt makes of our Debian package beside a distribution's smc-tools: no upgrade replaces one by the other, in either
// direction. With lists and a status of its own; nothing is installed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const control = readFileSync(fileURLToPath(new URL('../../debian/control', import.meta.url)), 'utf8');

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-apt-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

/** A paragraph of a list of packages. */
const paragraph = (name: string, version: string, ...fields: string[]): string =>
  [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: all',
    'Maintainer: x <x@x.invalid>',
    ...fields,
    'Description: x',
  ].join('\n');

/** Relations of ours, as debian/control has them; what it depends on is another matter. */
const relations = control.split('\n').filter((line) => /^(Provides|Conflicts|Replaces|Breaks):/.test(line));
const ours = (version: string): string => paragraph('smc-tools-node', version, ...relations);
const theirs = (version: string): string => paragraph('smc-tools', version);
const user = (version: string): string =>
  paragraph('needs-smc-tools', version, 'Depends: smc-tools (>= 1.8)');

/** What apt would do. */
function apt(installed: string[], available: string[], ...words: string[]): string[] {
  const place = mkdtempSync(join(scratch, 'case-'));
  for (const folder of ['repository', 'lists/partial', 'archives/partial', 'parts'])
    mkdirSync(join(place, folder), { recursive: true });
  const withFile = available.map((one) => `${one}\nFilename: x.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`);
  writeFileSync(join(place, 'repository/Packages'), withFile.join('\n'));
  writeFileSync(join(place, 'sources.list'), `deb [trusted=yes] file:${place}/repository ./\n`);
  const status = installed.map((one) => one.replace('\n', '\nStatus: install ok installed\n'));
  writeFileSync(join(place, 'status'), `${status.join('\n\n')}\n`);
  const settings = {
    'Dir::Etc::SourceList': `${place}/sources.list`,
    'Dir::Etc::SourceParts': `${place}/parts`,
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': `${place}/parts`,
    'Dir::State': place,
    'Dir::State::Lists': `${place}/lists`,
    'Dir::State::Status': `${place}/status`,
    'Dir::State::Extended_States': `${place}/extended`,
    'Dir::Cache': place,
    'Dir::Cache::Archives': `${place}/archives`,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const run = (...rest: string[]) =>
    spawnSync('env', ['-i', `PATH=${process.env['PATH']}`, 'apt-get', ...options, ...rest], {
      encoding: 'utf8',
    });
  const update = run('update');
  if (update.status !== 0) throw new Error(update.stderr);
  const { stdout, stderr } = run('--simulate', ...words);
  const steps = stdout.match(/^(Inst|Remv) \S+/gm) ?? [];
  return steps.length > 0 ? steps.sort() : [/^\d+ upgraded.*$/m.exec(stdout)?.[0] ?? stderr];
}

const NOTHING = /^0 upgraded, 0 newly installed, 0 to remove/;

t.test('upgrades', async (t) => {
  t.equal(relations.length, 3, 'the control file has them');
  for (const way of ['upgrade', 'dist-upgrade']) {
    t.match(apt([theirs('1.8.4')], [theirs('1.8.4'), ours('0.1.0')], way), [NOTHING], `${way}: theirs stays`);
    t.strictSame(
      apt([theirs('1.8.4')], [theirs('1.8.9'), ours('2.0.0')], way),
      ['Inst smc-tools'],
      `${way}: theirs stays theirs`,
    );
    t.match(apt([ours('0.1.0')], [theirs('1.8.9'), ours('0.1.0')], way), [NOTHING], `${way}: ours stays`);
    t.strictSame(
      apt([ours('0.1.0')], [theirs('1.8.9'), ours('0.2.0')], way),
      ['Inst smc-tools-node'],
      `${way}: ours stays ours`,
    );
    for (const one of [ours('0.1.0'), theirs('1.8.4')])
      t.strictSame(
        apt([one, user('1')], [theirs('1.8.4'), ours('0.1.0'), user('2')], way),
        ['Inst needs-smc-tools'],
        `${way}: what needs smc-tools is content with either`,
      );
  }
});

t.test('what is asked for', async (t) => {
  t.strictSame(apt([theirs('1.8.4')], [theirs('1.8.4'), ours('0.1.0')], 'install', 'smc-tools-node'), [
    'Inst smc-tools-node',
    'Remv smc-tools',
  ]);
  t.strictSame(apt([ours('0.1.0')], [theirs('1.8.4'), ours('0.1.0')], 'install', 'smc-tools'), [
    'Inst smc-tools',
    'Remv smc-tools-node',
  ]);
  t.match(
    apt([ours('0.1.0')], [ours('0.1.0'), user('1')], 'install', 'needs-smc-tools'),
    ['Inst needs-smc-tools'],
    'ours provides the features of theirs',
  );
});
