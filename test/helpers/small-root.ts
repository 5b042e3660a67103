// SPDX-License-Identifier: MIT
/** A root directory in which Node runs, and a shell: of this machine's files, without its packages. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Makes it in `directory`: `/usr/bin/node` with its libraries, and busybox for everything else. */
export function makeSmallRoot(directory: string): void {
  const copy = (from: string, to = from): void => {
    mkdirSync(join(directory, dirname(to)), { recursive: true });
    copyFileSync(realpathSync(from), join(directory, to));
  };
  for (const place of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'usr/bin', 'var/lib', 'var/tmp'])
    mkdirSync(join(directory, place), { recursive: true });
  copy(process.execPath, '/usr/bin/node');
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  for (const [library] of libraries.matchAll(/\/\S+/g)) copy(library);
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  copy(busybox, '/bin/busybox');
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(directory, 'bin', applet));
  symlinkSync('../../bin/busybox', join(directory, 'usr/bin/env'));
}
