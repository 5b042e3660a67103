// SPDX-License-Identifier: MIT
/** What makes a fresh Debian look like an Ubuntu to our set-up: its name, and an apt that knows no Debian. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPackages } from '../vm/packages.ts';
import { text } from '../vm/program.ts';
import { step } from '../vm/progress.ts';
import type { FreshSystem } from './chroot.ts';

export const ubuntuRelease = `PRETTY_NAME="Ubuntu 24.04.2 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
`;

/** As Ubuntu's installer writes it, but for the archive, which is a directory. */
export const ubuntuSources = `Types: deb
URIs: file:/srv/ubuntu
Suites: noble
Components: main
Trusted: yes
`;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/**
 * An archive with a suite `noble`, in the scratch directory of a system: of Debian's packages, those that the demo
 * needs and the system has not.
 */
export async function ubuntuArchive(system: FreshSystem): Promise<string> {
  const archive = join(system.scratch, 'ubuntu');
  const uses = ['build', 'guest', 'transfer'] as const;
  const names = hostPackages
    .filter((one) => uses.some((use) => one.for.includes(use)))
    .map(({ name }) => name);
  const wanted = [...names, 'debian-archive-keyring', 'python-apt-common'].join(' ');
  await step('an archive like that of Ubuntu (80 MB to fetch)', async (tell) => {
    const command = `apt-get -q update && apt-get -q -y install --no-install-recommends --download-only --reinstall ${wanted}`;
    const { status, output } = await system.run(command, {}, tell);
    if (status !== 0) throw new Error(`packages cannot be fetched:\n${output}`);
    await mkdir(join(archive, 'pool'), { recursive: true });
    await mkdir(join(archive, 'dists/noble/main/binary-amd64'), { recursive: true });
    const kept = join(system.scratch, 'upper/var/cache/apt/archives');
    const entries = [];
    for (const name of (await readdir(kept)).filter((file) => file.endsWith('.deb'))) {
      const content = await readFile(join(kept, name));
      await writeFile(join(archive, 'pool', name), content);
      const control = await text('dpkg-deb', ['--field', join(archive, 'pool', name)]);
      entries.push(
        `${control.trim()}\nFilename: pool/${name}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`,
      );
    }
    await system.run('apt-get clean');
    const index = entries.join('\n');
    await writeFile(join(archive, 'dists/noble/main/binary-amd64/Packages'), index);
    await writeFile(
      join(archive, 'dists/noble/Release'),
      `Origin: Ubuntu\nSuite: noble\nCodename: noble\nArchitectures: amd64\nComponents: main\nSHA256:\n ${sha256(index)} ${Buffer.byteLength(index)} main/binary-amd64/Packages\n`,
    );
  });
  return archive;
}
