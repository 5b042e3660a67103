// SPDX-License-Identifier: MIT
/** The files by which smc_conf runs at boot, and where they are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeFile, packageFile } from '../../host/package-files.ts';
import { checkTrust } from '../services/sandbox.ts';

const UNIT_NAME = 'smc-tools.service';

/** The unit that `enable` makes where no package of a distribution has brought it. */
export const UNIT = `/etc/systemd/system/${UNIT_NAME}`;

/** The link that starts the unit at boot. */
export const LINK = `/etc/systemd/system/sysinit.target.wants/${UNIT_NAME}`;

/** What `enable` makes: the file of the package, and its place. */
export const FILES: readonly { name: string; path: string }[] = [
  { name: UNIT_NAME, path: UNIT },
  { name: 'smc-tools@.service', path: '/etc/systemd/system/smc-tools@.service' },
  { name: '90-smc-tools.rules', path: '/etc/udev/rules.d/90-smc-tools.rules' },
];

/** Where packages of distributions have them. */
const PACKAGED: readonly string[] = [
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
  '/usr/lib/udev/rules.d',
];

/** The unit that a package of a distribution has brought. */
export function inPackage(root: string): string | undefined {
  return PACKAGED.map((directory) => `${directory}/${UNIT_NAME}`).find((path) =>
    existsSync(join(root, path)),
  );
}

/** Text of one of the files, with the command of distributions. @throws Node's own error when it is missing */
export function bootTemplate(name: string, root: string): string {
  const packaged = PACKAGED.map((directory) => join(root, directory, name)).find((path) => existsSync(path));
  return readFileSync(packaged ?? packageFile(join('systemd', name)), 'utf8');
}

/**
 * The command of this package, as words of ExecStart=. smc-start finds out how this Node can start.
 * @throws SmcError when somebody else than root could replace it
 */
export function bootCommand(root: string): string {
  const script = packageFile('bin/smc_conf.js');
  const start = nativeFile('smc-start');
  const hasStart = existsSync(start);
  for (const file of [script, process.execPath, ...(hasStart ? [start] : [])]) checkTrust(file, root);
  return hasStart ? `${start} --node ${process.execPath} ${script}` : `${process.execPath} ${script}`;
}
